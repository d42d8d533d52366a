"""What one router asks of witnesses, and what they say of it; core.

Owns the removals that are under way. The law: an arbiter's lease is given up when the kernel has said that the VIPs are off,
or when it has surely ended them by itself.
"""

from collections.abc import Iterable
from typing import Protocol

from failover import witness
from failover.actions import Action, DropAddresses
from failover.host import Standing
from failover.kernel_job import Job
from failover.router import NEVER, Router


class Claims(Protocol):
    """Something that may need an arbiter's lease."""

    def claims(self, now: float) -> bool:
        """Whether it does now."""


class Claiming:
    """Of one router."""

    def __init__(self) -> None:
        self._under_way: list[Job] = []
        self._off_by = NEVER
        self._ordered = False

    def expect(self, actions: Iterable[Action]) -> None:
        """What is about to be performed: VIPs that are to go are on yet, though the election holds them no more."""
        self._ordered = any(isinstance(action, DropAddresses) for action in actions)

    def dropping(self, job: Job, lease: int, now: float) -> None:
        """This job takes the VIPs off."""
        self._under_way.append(job)
        self._ordered = False
        self._off_by = now + lease + witness.KERNEL_LATE + witness.LOCK

    def dropped(self, job: Job) -> None:
        """It is done; one that failed counts until the kernel has ended the VIPs."""
        if not job.error:
            self._under_way = [one for one in self._under_way if one is not job]

    def needed(self, router: Router, now: float) -> bool:
        """Whether the lease is needed now."""
        if now >= self._off_by:
            self._under_way.clear()
        return witness.is_exclusive(router) and (
            self._ordered or bool(self._under_way) or witness.claims(router)
        )

    def number(self, router: Router, all_here: Iterable[Claims], now: float) -> int:
        """The claim to be told; `all_here` are all that bear the router's name, for those leaving may hold the VIPs yet."""
        needed = self.needed(router, now) or any(one.claims(now) for one in all_here)
        return witness.number(router, now, needed=needed)


def fault(router: Router, standing: Standing, now: float) -> str | None:
    """What speaks against a router that needs witnesses, as it stands; None for nothing."""
    if witness.is_exclusive(router) and standing.owned:
        return f"{min(standing.owned)} is configured here, and no witness can take it away"
    return witness.fault(router, now)


def next_look(router: Router, settles: Iterable[float | None], now: float) -> float | None:
    """When to look at a router again although nothing was heard; `settles` is when something else does."""
    due = (*settles, witness.look_at(router, now))
    return min((at for at in due if at is not None), default=None)
