"""Holding the VIPs and giving them up, whatever the state: leases, and make before break.

The law: a VIP is given up when a successor's advert was heard, never merely because time passed, except on an operator's
stop and where no peer could hear us; and what this director holds is on a lease that the kernel ends by itself.
"""

from failover import witness
from failover.actions import Action, DropAddresses, HoldAddresses, Say, SendAdvert, Stopped
from failover.burst import Burst
from failover.moves import Cause, State
from failover.packet import RELEASE, Advert
from failover.router import NEVER, Router, become
from failover.timing import renewal_after, renewal_period, skew_time

RELEASE_OFFSETS = (0.0, 0.010, 0.020)
"""When the adverts of a release go out: three within 20 ms, so that two may be lost."""
SETTLE = 0.005
UNLEASED_GOOD_FOR = 60.0


def take(router: Router, now: float) -> list[Action]:
    """Put the VIPs on, or renew them, and plan the next renewal; nothing while witnesses do not allow it."""
    if not witness.may_hold(router, now):
        router.renew_at = None
        return []
    router.holding = True
    lease = router.lease
    router.overslept = False
    router.renew_at = renewal_after(now, lease) if lease else None
    router.renewed_at = now
    router.expires_at = now + lease if router.spec.witness is not None else None
    return [HoldAddresses(lease, min(now + _good_for(router.sure_lease), witness.good_until(router)))]


def _good_for(lease: int) -> float:
    return 2 * renewal_period(lease) if lease else UNLEASED_GOOD_FOR


def drop(router: Router) -> list[Action]:
    """Take the VIPs off; nothing when none are held."""
    if not router.holding:
        return []
    router.holding = False
    router.confirmed_lease = 0
    router.renew_at = router.expires_at = None
    router.give_up_at = None
    return [DropAddresses()]


def let_go_soon(router: Router, now: float) -> None:
    """Another master was heard: keep the VIPs only until its announcement has surely gone out.

    Its advert comes a moment before its gratuitous ARP; who connects in between still knows our MAC only. A successor
    that was asked by name says itself when all is announced.
    """
    router.release_due = []
    if router.holding:
        settled = max(now + SETTLE, router.ready_by or NEVER)
        router.give_up_at = settled if router.give_up_at is None else min(router.give_up_at, settled)


def is_early(router: Router, advert: Advert, source: bytes, now: float) -> bool:
    """Whether an advert that is heard while the VIPs wait for a successor comes too early to be a successor's.

    A release is succeeded after the skew time; at once where a peer was asked, or where the peers' own channel tells of it.
    And who took over a moment ago, or had a rival, may hear one that has yielded since; a rival that did not says so again
    an interval later, and who was asked by name says when it is ready. Somebody better yields to nothing that we said.
    """
    gives = router.release_began != NEVER or router.state is State.MASTER
    if gives and router.came_late(source, now):
        return True  # Who takes over says so again, by an advert or, asked by name, by its own word.
    if not (router.outranks(advert, source) or router.outranked_lately(advert, source, now)):
        return False
    spec, began = router.spec, router.release_began
    disputed = router.dead_time() + spec.advert_interval
    rivalled = began - max(router.took_over_at, router.rival_at) <= disputed
    at_once = router.ready_by is not None or router.release_told
    soonest = 0.0 if at_once else skew_time(advert.priority, spec.advert_interval, spec.version)
    return now - began < max(soonest, spec.advert_interval if rivalled else 0.0)


def leave(router: Router, now: float) -> list[Action]:
    """The end of an orderly stop."""
    return [*become(router, Cause.STOPPED, now), *drop(router), Stopped()]


def begin_release(router: Router, now: float) -> None:
    """Stop advertising and plan the release's adverts; the VIPs stay and are renewed."""
    fall_silent(router, now)
    router.release_due = [now + offset for offset in RELEASE_OFFSETS]


def fall_silent(router: Router, now: float) -> None:
    """Advertise and announce no more; the VIPs stay and are renewed."""
    router.releasing = True
    router.release_began = now
    router.advert_at = None
    router.confirm_by = None
    router.burst = None


def linger(router: Router, now: float) -> list[Action]:
    """Release although no longer master: the VIPs stay until a successor was heard, or go before one may come."""
    router.release_began = now
    router.release_due = [now + offset for offset in RELEASE_OFFSETS]
    return (drop(router) if witness.is_exclusive(router) else []) + wake(router, now)


def give_way(router: Router, now: float, *, hold: float, forever: bool) -> list[Action]:
    """Hand over where an arbiter's lease must be free before anybody can follow; without one we are there again later."""
    actions = become(router, Cause.HANDED_OVER, now)
    patience = 2 * router.master_down_from(router.spec.advert_interval) + witness.COURT
    router.down_at = None if forever else now + patience
    router.hold_back(now + hold)
    return actions + linger(router, now)


def wake(router: Router, now: float) -> list[Action]:
    """Send what is due of a release, end it when its time is over, renew what is held."""
    actions: list[Action] = []
    while router.release_due and router.release_due[0] <= now:
        router.release_due.pop(0)
        actions.append(SendAdvert(RELEASE))
    if router.give_up_at is not None and now >= router.give_up_at:
        actions += _nobody_succeeded(router, now)
    if router.holding and router.expires_at is not None and now >= router.expires_at:
        actions += lapse(router, now)
    if router.holding and router.renew_at is not None and now >= router.renew_at:
        actions += lapse(router, now) if _has_lapsed(router, now) else take(router, now)
    return actions


def _nobody_succeeded(router: Router, now: float) -> list[Action]:
    router.give_up_at = None
    if router.stopping:
        return leave(router, now)
    if not router.releasing:
        return drop(router)
    router.releasing = False
    router.release_began = NEVER
    router.hold_until = None
    router.burst = Burst(router.spec.announce, now)
    router.advert_at = now + router.spec.advert_interval
    router.last_sent = now
    return [Say("no successor took over; staying master"), SendAdvert(router.priority)]


def woken_from_stall(router: Router, now: float) -> list[Action]:
    """After a stall in which nobody else was heard (else `receive` had acted): go on, but within the lease only."""
    lease = router.sure_lease
    if router.confirm_by is not None and lease and now - router.since > _good_for(lease):
        return lapse(router, now)  # The write that our first advert waits for is void.
    late = now - min(at for at in (router.advert_at, router.renew_at, now) if at is not None)
    if _has_lapsed(router, now):
        return lapse(router, now)
    if router.advert_at is None or late <= router.dead_time():
        return []
    router.advert_at = router.renew_at = router.renewed_at = now
    router.overslept = True
    router.burst = Burst(router.spec.announce, now)
    return [Say(f"stood still for {late:.3f} s; nobody took over, going on")]


def _has_lapsed(router: Router, now: float) -> bool:
    """Whether the kernel may have ended the lease by now; it was begun anew some time before the next time is due."""
    return router.holding and 0 < router.sure_lease < now - router.renewed_at


def lapse(router: Router, now: float) -> list[Action]:
    """We stood still past our lease: others may hold the VIPs by now, so listen first."""
    if router.state is not State.MASTER:
        return drop(router)
    if router.stopping:
        return leave(router, now)
    actions = become(router, Cause.LEASE_LAPSED, now)
    router.down_at = now + router.master_down_from(router.spec.advert_interval)
    return actions + drop(router)
