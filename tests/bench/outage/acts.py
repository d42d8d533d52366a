"""What is done to a director in the comparison: the lab's failures, and some that only a measurement plays.

Its law: names, texts and targets; nothing is done here.
"""

import enum

from hactl.lab import stories


class Act(enum.StrEnum):
    """What is done to the master. Values are those of `hactl.lab.stories.Act` where it has the same."""

    NOTHING = "nothing"
    HANDOVER = "handover"
    TERM = "term"
    RETURN = "return"
    KILL_ALL = "kill-all"
    KILL_SUPERVISOR = "kill-supervisor"
    KILL_WORKER = "kill-worker"
    KILL_HEALTH = "kill-health"
    KILL_NOTIFY = "kill-notify"
    KILL_HELPERS = "kill-helpers"
    FREEZE = "freeze"
    CUT = "cut"
    SILENCE = "silence"

    @property
    def text(self) -> str:
        """The act in words."""
        return _TEXTS[self]

    @property
    def of_the_lab(self) -> stories.Act:
        """The same act of the lab; ValueError where it has none."""
        return stories.Act(self.value)


_TEXTS = {
    Act.NOTHING: "nothing happens (baseline)",
    Act.HANDOVER: "planned handover",
    Act.TERM: "planned stop (SIGTERM)",
    Act.RETURN: "the preferred director returns",
    Act.KILL_ALL: "SIGKILL to every process",
    Act.KILL_SUPERVISOR: "SIGKILL to its first process",
    Act.KILL_WORKER: "SIGKILL to the process that elects",
    Act.KILL_HEALTH: "SIGKILL to the process that checks",
    Act.KILL_NOTIFY: "SIGKILL to the process that alerts",
    Act.KILL_HELPERS: "SIGKILL to those that run programs",
    Act.FREEZE: "SIGSTOP to every process",
    Act.CUT: "its link goes down",
    Act.SILENCE: "nothing of it arrives any more",
}
ALL = tuple(Act)
AT_LENGTH = (Act.NOTHING, Act.HANDOVER, Act.TERM, Act.RETURN, Act.CUT, Act.SILENCE)
"""What is played at long intervals: only what depends on them."""
ONLY_OURS = (Act.KILL_HEALTH, Act.KILL_NOTIFY, Act.KILL_HELPERS)
"""keepalived has no such process beside the one that elects, as it is run here."""
SHOWS_LEASE = (Act.KILL_ALL, Act.FREEZE)
"""Of these it is watched whether what the dead one left goes away."""
SEEN_SOON = (Act.NOTHING, Act.TERM, Act.RETURN)
"""These are over within an interval; a return is watched until it is."""
SPLITS = (Act.SILENCE,)
"""Both are cut off from each other and alive: two holders are unavoidable."""
