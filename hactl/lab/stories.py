"""The failures that the demo plays to a pair of directors, what each promises, and whether it was kept.

Its law: a story is data; a judgement follows from the recording alone.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from hactl.lab.samples import (
    Recording,
    announced,
    failed,
    held_by_none,
    held_by_two,
    holders,
    longest_gap,
)

MASTER: Final = "lb1"
BACKUP: Final = "lb2"
LEASE: Final = 2.0
ADVERT: Final = 0.1
SKEW: Final = ADVERT * (256 - 140) / 256
DETECTION: Final = 3 * ADVERT + SKEW
FAR_TOO_LATE: Final = 5.0


class Act(enum.StrEnum):
    """What is done to the master."""

    NOTHING = "nothing"
    HANDOVER = "handover"
    TERM = "term"
    KILL_ALL = "kill-all"
    KILL_SUPERVISOR = "kill-supervisor"
    KILL_WORKER = "kill-worker"
    FREEZE = "freeze"
    CUT = "cut"
    SILENCE = "silence"

    @property
    def text(self) -> str:
        """The act in words."""
        return _ACTS[self]


_ACTS: Final = {
    Act.NOTHING: "nothing happens (baseline)",
    Act.HANDOVER: "hactl handover",
    Act.TERM: "SIGTERM to the daemon",
    Act.KILL_ALL: "SIGKILL to every process",
    Act.KILL_SUPERVISOR: "SIGKILL to the supervisor",
    Act.KILL_WORKER: "SIGKILL to the failover worker",
    Act.FREEZE: "SIGSTOP to every process",
    Act.CUT: "network cable pulled",
    Act.SILENCE: "switches drop all its frames",
}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One failure and its promise. Durations in seconds.

    ``gap``: the longest gap the client may see. ``ends``: who holds the VIP at the end (several: any of
    them). ``overlap``: the longest time that two nodes may hold it; None where a partition makes that
    unavoidable. ``planned``: no request that begins after the successor's announcement may fail.
    """

    act: Act
    gap: float
    ends: tuple[str, ...] = (BACKUP,)
    overlap: float | None = LEASE + 0.1
    planned: bool = False
    watch: float = 4.0


class Verdict(enum.StrEnum):
    """How a story ended: as promised; as promised but later than the target; not as promised."""

    OK = "ok"
    LATE = "late"
    FAILED = "FAILED"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One story's figures (seconds) and what is wrong with them."""

    act: Act
    target: float
    gap: float
    requests: int
    failed: int
    failed_after: int
    holders: tuple[str, ...]
    overlap: float
    nobody: float
    verdict: Verdict
    complaints: tuple[str, ...] = ()


STORIES: Final = (
    Story(act=Act.NOTHING, gap=0.010, ends=(MASTER,), overlap=0.0, watch=2.0),
    Story(act=Act.HANDOVER, gap=0.010, planned=True),
    Story(act=Act.TERM, gap=0.010, planned=True),
    Story(act=Act.KILL_ALL, gap=0.050),
    Story(act=Act.KILL_SUPERVISOR, gap=0.050, ends=(MASTER, BACKUP)),
    Story(act=Act.KILL_WORKER, gap=0.050, ends=(MASTER, BACKUP)),
    Story(act=Act.FREEZE, gap=0.050),
    Story(act=Act.CUT, gap=DETECTION + 0.030),
    Story(act=Act.SILENCE, gap=DETECTION + 0.030, ends=(BACKUP, f"{MASTER}+{BACKUP}"), overlap=None),
)


def complaints(story: Story, recording: Recording, acted: float) -> tuple[str, ...]:
    """Every broken promise in words; the gap's target apart, which ``judge`` sees to."""
    found = []
    last = holders(recording)[-1]
    if last not in story.ends:
        found.append(f"at the end {last} held the VIP, not {' or '.join(story.ends)}")
    overlap = held_by_two(recording)
    if story.overlap is not None and overlap > story.overlap:
        found.append(f"two nodes held the VIP for {overlap:.2f} s")
    nobody = held_by_none(recording)
    if nobody > story.gap:
        found.append(f"nobody held the VIP for {nobody:.2f} s")
    if not any(probe.by for probe in recording.probes if probe.sent > acted):
        found.append("the client got no answer afterwards")
    late = failed_after_announcement(recording, acted)
    if story.planned and late:
        found.append(f"{late} requests failed that began after the announcement")
    return tuple(found)


def failed_after_announcement(recording: Recording, acted: float) -> int:
    """Requests that failed although they began after the successor's first announcement."""
    moment = announced(recording, acted)
    return 0 if moment is None else sum(request.sent > moment for request in failed(recording.requests))


def judge(story: Story, recording: Recording, acted: float) -> Result:
    """The story's result; ``acted`` is when the act began.

    A gap over the target is "late": a busy machine's own pauses are in it. Over five times the target it is a
    failure.
    """
    broken = complaints(story, recording, acted)
    gap = longest_gap(recording.probes)
    if gap > FAR_TOO_LATE * story.gap:
        broken = (*broken, f"the client saw a gap of {gap * 1000:.0f} ms")
    verdict = Verdict.FAILED if broken else Verdict.LATE if gap > story.gap else Verdict.OK
    return Result(
        act=story.act,
        target=story.gap,
        gap=gap,
        requests=len(recording.requests),
        failed=len(failed(recording.requests)),
        failed_after=failed_after_announcement(recording, acted),
        holders=holders(recording),
        overlap=held_by_two(recording),
        nobody=held_by_none(recording),
        verdict=verdict,
        complaints=broken,
    )
