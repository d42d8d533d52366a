"""What a router remembers of fencing: the ask that is out, what came of it, and whom an earlier daemon heard.

Owns the record only; `fencing` works on it. Times are monotonic seconds.
"""

from dataclasses import dataclass

from failover.actions import Action, DropFencing


@dataclass(slots=True)
class Fence:
    """Of one router."""

    asked: int = 0
    """The number of the last ask of this daemon."""
    until: float | None = None
    """So long its answer is awaited; None: no ask is out."""
    cleared: str = ""
    """Why a takeover may go on without a heard release, in words; empty: it may not."""
    failures: int = 0
    """How many fencings failed, one after the other."""
    failure: str = ""
    """How the last one failed, where a takeover waits for a better one."""
    known: bytes = b""
    """The packed address of the master that an earlier daemon on this host heard last."""
    continues: bool = False
    """An earlier daemon left us its VIPs, and nobody was heard since: what is held is taken from nobody."""

    @property
    def waits(self) -> bool:
        """Whether a takeover waits for a fencing, or for another try."""
        return self.until is not None or bool(self.failure)

    def forget(self) -> list[Action]:
        """Begin anew when it is due again; an answer that comes later is none."""
        actions: list[Action] = [DropFencing(self.asked)] if self.waits else []
        self.rest()
        return actions

    def rest(self) -> None:
        """Nothing waits for fencing any more."""
        self.until = None
        self.cleared = self.failure = ""
        self.failures = 0
