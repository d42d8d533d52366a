"""A router as master: taking over, advertising, and meeting other masters (RFC 9568 section 6.4.3)."""

from failover import holding
from failover.actions import Action, Announce, Say, SendAdvert, TwoMasters
from failover.burst import Burst
from failover.moves import Cause
from failover.packet import RELEASE, Advert
from failover.router import NEVER, Router, become

CONFIRM_WITHIN = 0.05
"""How long the first advert waits for the kernel's word that the VIPs are on the interface, or one interval if that is
longer: it makes the old master let go, and a third director is patient for longer still."""
CONFLICT_ANNOUNCE_EVERY = 1.0


def take_over(router: Router, cause: Cause, now: float) -> list[Action]:
    """VIPs onto the interface first; advert and announcements follow when the kernel has them.

    Without a heard release the burst insists until the dead master's lease has surely ended.
    """
    heard = router.heard
    given = cause in (Cause.MASTER_RELEASED, Cause.ASKED)
    insist = 0.0 if given or not heard else heard.at + router.spec.lease + 1.0
    asked = router.asked
    actions = become(router, cause, now, router.fence.cleared)
    router.asked = asked
    router.took_over_at = now
    router.asked_at = now if cause is Cause.ASKED else router.asked_at
    router.given_by = _giver(router, cause)
    router.boast_until = NEVER
    router.hold_until = None
    router.burst = Burst(router.spec.announce, now, insist)
    router.last_sent = now
    router.confirm_by = now + max(CONFIRM_WITHIN, router.spec.advert_interval)
    return actions + holding.take(router, now)


def _giver(router: Router, cause: Cause) -> bytes:
    match cause:
        case Cause.MASTER_RELEASED:
            return router.released_by
        case Cause.MASTER_GONE if router.heard is not None:
            return router.heard.address
        case _:
            return b""


def lowered(router: Router, old: int, now: float) -> None:
    """Our priority was lowered: adverts with the old one are still under way."""
    router.boast = max(old, router.boast) if now < router.boast_until else old
    router.boast_until = now + router.spec.advert_interval


def confirmed(router: Router, now: float) -> list[Action]:
    """The kernel holds the VIPs: the advert and the announcements that waited for this are due."""
    if router.confirm_by is None:
        return []
    router.confirm_by = None
    router.advert_at = now
    return wake(router, now)


def wake(router: Router, now: float) -> list[Action]:
    """Advertise and announce what is due."""
    actions: list[Action] = []
    if router.confirm_by is not None and now >= router.confirm_by:
        router.confirm_by = None
        router.advert_at = now
        actions.append(Say("the kernel is slow to take the VIPs; advertising all the same"))
    if router.advert_at is not None and now >= router.advert_at:
        actions += advertise(router, now)
    if router.confirm_by is None and router.burst is not None and router.burst.take(now):
        if router.rival_now(now):
            router.conflict_announced = now
        actions.append(Announce())
    return actions


def advertise(router: Router, now: float) -> list[Action]:
    """Send an advert now. The next is due an interval after this one was due, so that lateness does not add up."""
    interval = router.spec.advert_interval
    due = now if router.advert_at is None else min(router.advert_at, now)
    router.advert_at = due + interval if due + interval > now else now + interval
    router.last_sent = now
    return [SendAdvert(router.priority)]


def receive(router: Router, advert: Advert, source: bytes, now: float) -> list[Action]:
    """An advert of another director while we are master.

    After a stall nothing is said before the timer has judged it. Until the kernel has our VIPs nothing is answered: our
    first advert makes the old master let go of its own.
    """
    slept = now - router.last_sent > router.dead_time()
    if advert.priority == RELEASE:
        quiet = router.releasing or router.confirm_by is not None or slept
        # It may have announced, and we not have heard it before.
        return [] if quiet else advertise(router, now) + _announce_again(router, now, CONFLICT_ANNOUNCE_EVERY)
    if router.releasing:
        return [] if holding.is_early(router, advert, source, now) else _succeeded(router, now)
    if slept:
        return _stand_down(router, Cause.OVERTAKEN, advert, now)
    if not router.outranks(advert, source):
        if router.came_late(source, now):
            return []
        if router.outranked_lately(advert, source, now):
            _announce_later(router, now)
            return []
        return _stand_down(router, Cause.OUTRANKED, advert, now)
    if router.confirm_by is not None:
        return []
    return _assert_mastership(router, advert, source, now)


def _stand_down(router: Router, cause: Cause, advert: Advert, now: float) -> list[Action]:
    """Leave at once. One that is outranked and has announced says so by a last advert: its winner may not have heard it
    before, or not since it announced last, and then does not know that neighbours have learned another MAC.
    """
    announced = router.confirm_by is None and cause is Cause.OUTRANKED
    last: list[Action] = [SendAdvert(router.priority)] if announced else []
    actions = last + become(router, cause, now)
    router.down_at = now + router.master_down_from(router.master_interval)
    if router.priority > advert.priority:
        router.preempt_at = now + router.spec.preempt_delay
    if cause is Cause.OVERTAKEN:
        return actions + holding.drop(router)
    holding.let_go_soon(router, now)
    return actions


def _assert_mastership(router: Router, advert: Advert, source: bytes, now: float) -> list[Action]:
    """A losing master is answered at once, with at most one advert an interval and one announcement a second.

    For a moment after a takeover the old master's last adverts are still under way; that is no conflict. Each conflict is
    told once. The loser may announce the VIPs until it hears us, and its kernel answers ARP while its lease lasts: so the
    winner goes on announcing for as long after the last losing advert.
    """
    actions: list[Action] = []
    if now - router.conflict_answered >= router.spec.advert_interval:
        router.conflict_answered = now
        actions += advertise(router, now)
    settled = _is_settled(router, now)
    burst = max(router.spec.announce.burst, default=0.0) + CONFLICT_ANNOUNCE_EVERY
    actions += _announce_again(router, now, router.spec.lease + 1.0 if settled else burst)
    if not settled:
        return actions
    known = router.rival_now(now) == source
    router.rival, router.rival_at = source, now
    return actions if known else [*actions, TwoMasters(source, advert.priority)]


def told_of_master(router: Router, priority: int, source: bytes, now: float) -> list[Action]:
    """A peer says by its channel that it is master too, or was until now: it may have announced, and no advert of it have
    arrived here. Who wins between the two tells the neighbours again; after a takeover the burst does so by itself.
    """
    wins = (router.priority, router.address) >= (priority, source)
    slept = now - router.last_sent > router.dead_time()
    if not wins or router.releasing or router.confirm_by is not None or slept or not _is_settled(router, now):
        return []
    return _announce_again(router, now, router.spec.lease + 1.0)


def _announce_again(router: Router, now: float, lasts: float) -> list[Action]:
    """Neighbours may have learned another's MAC: tell them ours for `lasts` seconds, once a second at most."""
    actions: list[Action] = []
    if now - router.conflict_announced >= CONFLICT_ANNOUNCE_EVERY:
        router.conflict_announced = now
        actions.append(Announce())
        if router.burst is not None:
            router.burst.take(now)
    if router.burst is not None:
        router.burst.prolong(now, now + lasts, CONFLICT_ANNOUNCE_EVERY)
    return actions


def _announce_later(router: Router, now: float) -> None:
    """A master that may yield has announced; one that goes on says so in time, and ends these announcements.

    One that yields, or dies before it says so again, leaves neighbours with its MAC, and answers ARP while its lease lasts.
    """
    if router.burst is not None:
        every = max(CONFLICT_ANNOUNCE_EVERY, 2 * router.spec.advert_interval)
        router.burst.prolong(now, now + max(router.spec.lease + 1.0, every), every)


def _is_settled(router: Router, now: float) -> bool:
    """Whether the adverts of whoever was master before us must have ended by now."""
    return now - router.since > router.dead_time() + router.spec.advert_interval


def _succeeded(router: Router, now: float) -> list[Action]:
    """A successor's advert was heard during our release: only now are the VIPs given up."""
    ready_by, router.answer_by = router.ready_by, None
    if router.stopping:
        router.give_up_at = None
        holding.let_go_soon(router, now)
        return []
    actions = become(router, Cause.HANDED_OVER, now)
    router.ready_by = ready_by
    router.down_at = now + router.master_down_from(router.master_interval)
    holding.let_go_soon(router, now)
    return actions
