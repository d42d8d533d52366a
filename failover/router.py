"""All that one router remembers, and the one door through which it changes state.

Owns the record that the role files (`backup`, `master`, `holding`) work on. The law: `state` is set in `become` only,
which checks the move against the table and forgets every timer of the state left behind. Times are monotonic seconds.
"""

from dataclasses import dataclass, field

import msgspec

from failover.actions import Action, Changed
from failover.burst import Burst
from failover.fence import Fence
from failover.moves import Cause, State, move
from failover.packet import LAST, OWNER, Advert
from failover.permit import NOTHING, Permit
from failover.spec import RouterSpec, Standby
from failover.timing import master_down, successor_within

NEVER = float("-inf")
RIVAL_OVER = 1.0


class Heard(msgspec.Struct, frozen=True):
    """The last advert of a master other than us; `address` is its packed source."""

    address: bytes
    priority: int
    interval: float
    at: float


@dataclass(slots=True)
class Router:
    """One virtual router on this director. `address` is the packed source of our adverts; None: no such timer."""

    spec: RouterSpec
    address: bytes
    grouped: bool
    priority: int
    """The effective one: as tracked, or the lowest while in standby."""
    tracked: int = 0
    shared: int = 0
    """By how much tracking of any router of the group changes the priority."""
    unproven: bool = False
    """Something this director is judged by has no verdict yet, so it does not preempt."""
    standby: Standby = Standby.OFF

    state: State = State.INIT
    since: float = 0.0
    cause: Cause = Cause.STARTED
    detail: str = ""
    transitions: int = 0
    heard: Heard | None = None

    # as backup
    down_at: float | None = None
    part_from: float = 0.0
    preempt_at: float | None = None
    hold_until: float | None = None
    """Until then the master that was handed this router, `hold_for`, is not preempted (b"": whoever advertises first)."""
    hold_for: bytes = b""
    hold_lost: float = NEVER
    """Since when another master is heard, without a gap, and that one no more."""
    hold_other: float = NEVER
    """When that other one was heard last."""
    wanting: bool = False
    asked: bool = False
    """A peer hands this router over by name and waits for our word."""
    master_released: bool = False
    released_by: bytes = b""
    """Whose release was heard last, and when."""
    released_at: float = NEVER
    patient: bool = False
    hastened: bool = False
    """The master's own word that it goes has shortened the wait."""
    ending: bytes = b""
    """Who said last that its daemon is ending, and when."""
    ending_at: float = NEVER
    fence: Fence = field(default_factory=Fence)

    awaiting: bool = False
    """It would be master now if the witness allowed it."""
    court_at: float | None = None
    court_until: float | None = None
    """Until then a master that is to be preempted hears us, so that it gives the arbiter's lease up."""
    permit: Permit = NOTHING
    claim: int = 0
    """Numbers the claim to the arbiter's lease, 0 while there is none."""

    # as master
    took_over_at: float = NEVER
    given_by: bytes = b""
    """Who went by its own release or word, and made us master by that."""
    asked_at: float = NEVER
    """When a peer handed this router over by name."""
    boast: int = 0
    """The priority before it was lowered, which counts until `boast_until`: adverts with it are still under way."""
    boast_until: float = NEVER
    advert_at: float | None = None
    confirm_by: float | None = None
    last_sent: float = NEVER
    burst: Burst | None = None
    conflict_answered: float = NEVER
    conflict_announced: float = NEVER
    rival: bytes = b""
    """The second master heard last."""
    rival_at: float = NEVER

    # holding and giving up, in any state
    alone: bool = False
    overslept: bool = False
    """What is known of the peers is older than a stall: the next lease is one that protects them."""
    holding: bool = False
    confirmed_lease: int = 0
    """The lease in whole seconds that the kernel has confirmed last, 0 before it has."""
    renew_at: float | None = None
    renewed_at: float = NEVER
    """When the lease was last begun anew."""
    expires_at: float | None = None
    """When what was written last ends; kept where witnesses may forbid the next renewal."""
    releasing: bool = False
    release_began: float = NEVER
    """Since when the VIPs wait for a successor."""
    release_told: bool = False
    """The peers' own channel tells of it: a successor need not wait for the skew time."""
    stopping: bool = False
    release_due: list[float] = field(default_factory=list)
    give_up_at: float | None = None
    answer_by: float | None = None
    """Handing over by name: without a successor's advert by then VRRP's own release follows."""
    ready_by: float | None = None
    """Handing over by name: so long the VIPs wait for the peer's word that it has announced them."""

    @property
    def master_interval(self) -> float:
        """Master_Adver_Interval: the heard master's in v3, our own in v2 (RFC 9568 6.1)."""
        if self.heard is None or self.spec.version == 2:
            return self.spec.advert_interval
        return self.heard.interval

    @property
    def lease(self) -> int:
        """The lease in force in whole seconds, 0 for none: fencing has nobody to protect while every peer is down."""
        spec = self.spec
        alone = self.alone and not self.overslept and spec.witness is None
        return max(spec.lease, spec.lease_alone) if alone and spec.lease else spec.lease

    @property
    def sure_lease(self) -> int:
        """The lease that stalls are judged by: a longer one counts once the kernel has confirmed it."""
        return min(self.lease, self.confirmed_lease or self.lease)

    def master_down_from(self, interval: float) -> float:
        """Master_Down_Interval for a master that advertises every `interval` seconds; twice that while in standby."""
        once = master_down(self.priority, interval, self.spec.down_after, self.spec.version)
        return once if self.standby is Standby.OFF else 2 * once

    def hold_back(self, until: float, master: bytes = b"") -> None:
        """Do not preempt this master before then."""
        if master != self.hold_for:
            self.hold_other = NEVER
        self.hold_until, self.hold_for = until, master

    def holds_back(self, now: float) -> bool:
        """Whether there is a master that must not be preempted. Another master ends the hold, but not while that one is
        heard as well: of two that both began to succeed a release one is about to yield. A gap may be our own stall.
        """
        if self.hold_until is None or now >= self.hold_until or self.heard is None:
            return False
        self.hold_for = self.hold_for or self.heard.address
        if self.hold_for == self.heard.address:
            self.hold_other = NEVER
            return True
        at = self.heard.at
        if at - self.hold_other > 2 * self.master_interval:
            self.hold_lost = at
        elif at - self.hold_lost > self.dead_time():
            self.hold_until = None
        self.hold_other = at
        return self.hold_until is not None

    def successor_within(self) -> float:
        """How long the slowest peer may take to succeed us, and some grace."""
        return successor_within(self.spec.advert_interval, self.spec.down_after)

    def dead_time(self) -> float:
        """The silence after which the quickest peer may have taken over from us."""
        return self.spec.down_after * self.spec.advert_interval

    def wanted_priority(self) -> int:
        """The priority to advertise: as tracked, of this router or of one of its group; the lowest while in standby."""
        if self.standby is not Standby.OFF:
            return LAST
        if self.tracked == OWNER or not self.grouped:
            return self.tracked
        change = min(self.shared, self.tracked - self.spec.priority)
        return max(LAST, min(OWNER - 1, self.spec.priority + change))

    def hears_somebody(self, now: float) -> bool:
        """Whether another director's advert was heard within the dead time."""
        return self.heard is not None and now - self.heard.at <= self.dead_time()

    def master_lives(self, now: float) -> bool:
        """Whether the director heard last has missed no more of its own adverts than it may."""
        return self.heard is not None and now - self.heard.at < self.spec.down_after * self.heard.interval

    def rival_now(self, now: float) -> bytes:
        """The second master there is now, empty for none: until it missed its adverts for a second and the dead time."""
        return self.rival if now - self.rival_at <= self.dead_time() + RIVAL_OVER else b""

    def outranks(self, advert: Advert, source: bytes) -> bool:
        """Whether we win against this advert: the higher priority, then the higher address (6.4.3)."""
        return (self.priority, self.address) >= (advert.priority, source)

    def outranked_lately(self, advert: Advert, source: bytes, now: float) -> bool:
        """Whether we won against this advert before our priority was lowered, an interval ago at most: its sender may yield
        yet to what we said then. One that does not says so again.
        """
        return now < self.boast_until and (self.boast, self.address) >= (advert.priority, source)

    def came_late(self, source: bytes, now: float) -> bool:
        """Whether an advert was sent before an ask, or before its sender's release or word that it goes, and came later.

        Who goes on after all says so again an interval later.
        """
        given = [self.asked_at]  # Anybody's: the giver may have been handed it a moment ago.
        given += [self.took_over_at] if source == self.given_by else []
        given += [self.released_at] if source == self.released_by else []
        return now - max(given) < self.spec.advert_interval

    def deadline(self) -> float | None:
        """The earliest timer."""
        waits = self.wanting or self.awaiting or self.standby is Standby.HARD or self.fence.until is not None
        due = [
            self.advert_at,
            self.confirm_by,
            self.renew_at,
            self.give_up_at,
            self.answer_by,
            self.fence.until,
        ]
        due += [self.court_at, self.court_until, self.expires_at if self.holding else None]
        due += [None if waits else self.down_at, *self.release_due[:1]]
        if self.burst is not None and self.confirm_by is None:
            due.append(self.burst.deadline())
        return min([at for at in due if at is not None], default=None)


def become(router: Router, cause: Cause, now: float, detail: str = "") -> list[Action]:
    """Move to the state that `cause` leads to. Raises IllegalMove, and then nothing has changed."""
    old, new = router.state, move(router.state, cause)
    router.down_at = router.advert_at = router.confirm_by = router.preempt_at = router.give_up_at = None
    router.answer_by = router.ready_by = None
    router.burst = None
    router.rival = b""
    router.release_due = []
    router.release_began = NEVER
    router.release_told = False
    router.wanting = router.master_released = router.patient = router.hastened = False
    router.releasing = router.stopping = router.asked = router.awaiting = False
    router.court_at = router.court_until = None
    forgotten = router.fence.forget()
    if old is State.MASTER:
        router.fence.continues = False
    router.state, router.since, router.cause, router.detail = new, now, cause, detail
    router.transitions += 1
    return [Changed(old, new, cause, detail), *forgotten]
