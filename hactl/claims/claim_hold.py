"""How claimed addresses are held: written, announced, renewed, lost; core.

The law is the daemon's own: an address that may have lapsed is never renewed, because somebody else may have it by
now; and one that somebody took off is given up, so that `hactl release` in another terminal has the last word.
Times are monotonic seconds.
"""

from collections.abc import Collection, Iterable

import msgspec

from failover.burst import Burst
from failover.spec import AnnounceSpec
from failover.timing import renewal_after, renewal_period
from hactl.claims.claim import Claim

UNLEASED_GOOD_FOR = 60.0
"""Seconds within which an address without a lease must be written, for the duplicate detection to mean anything."""


class Write(msgspec.Struct, frozen=True):
    """Put these addresses on, or renew them, for `lifetime` whole seconds (0 for ever).

    A write that is not finished by `void_after` must be undone.
    """

    claims: tuple[Claim, ...]
    lifetime: int
    void_after: float


class Announce(msgspec.Struct, frozen=True):
    """Announce these addresses once."""

    claims: tuple[Claim, ...]


class GiveUp(msgspec.Struct, frozen=True):
    """These addresses are held no longer, and why; what is still there of them by our hand must go."""

    claims: tuple[Claim, ...]
    reason: str


Step = Write | Announce | GiveUp


class Hold:
    """The addresses of one `hactl takeover`. `lease` is whole seconds, 0 for ever."""

    def __init__(self, claims: Iterable[Claim], lease: int, announce: AnnounceSpec) -> None:
        self.claims = tuple(claims)
        self.lost = False
        self._lease = lease
        self._announce = announce
        self._burst: Burst | None = None
        self._renew_at: float | None = None
        self._good_until = float("inf")

    @property
    def finished(self) -> bool:
        """Nothing is held any more, or nothing is left to do for it."""
        return not self.claims or self.deadline() is None

    def leased(self, now: float) -> bool:
        """Whether the last write's lease certainly lasts still."""
        return now < self._good_until

    def begin(self, now: float) -> Write:
        """The first write."""
        return self._write(now)

    def written(self, began: float) -> None:
        """A write that was begun at `began` is done."""
        if self._lease:
            self._good_until = began + self._lease

    def voided(self) -> None:
        """A write came too late and was undone."""
        self._good_until = 0.0

    def announce_anew(self, now: float) -> None:
        """A new burst: the addresses were just put there, or the link came back or has another MAC."""
        self._burst = Burst(self._announce, now)

    def deadline(self) -> float | None:
        """When `step` has something to do, None for never."""
        times = [self._renew_at, self._burst.deadline() if self._burst else None]
        return min((t for t in times if t is not None), default=None)

    def step(self, now: float, there: Collection[Claim], link_up: bool) -> list[Step]:
        """What is to be done now. `there` are the addresses that the interface has by our hand."""
        steps: list[Step] = []
        if not self.leased(now):
            return self._give_up(self.claims, "its lease ran out while this process stood still")
        gone = tuple(claim for claim in self.claims if claim not in there)
        if gone:
            steps += self._give_up(gone, "somebody took it off or changed it")
        if self.claims and self._renew_at is not None and now >= self._renew_at:
            steps.append(self._write(now))
        if self.claims and self._burst is not None and self._burst.take(now) and link_up:
            steps.append(Announce(self.claims))
        return steps

    def _write(self, now: float) -> Write:
        self._renew_at = renewal_after(now, self._lease) if self._lease else None
        good_for = 2 * renewal_period(self._lease) if self._lease else UNLEASED_GOOD_FOR
        return Write(self.claims, self._lease, now + good_for)

    def _give_up(self, claims: tuple[Claim, ...], reason: str) -> list[Step]:
        self.claims = tuple(claim for claim in self.claims if claim not in claims)
        self.lost = True
        return [GiveUp(claims, reason)]
