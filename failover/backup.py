"""A router as backup: listening, and deciding when the master is gone (RFC 9568 section 6.4.2)."""

from failover import fencing, master, witness
from failover.actions import Action, Say, Wants
from failover.moves import Cause
from failover.packet import OWNER, RELEASE, Advert
from failover.router import NEVER, Router
from failover.spec import Standby
from failover.timing import skew_time

TOGETHER = 0.25
"""Share of an interval within which an advert that follows the word of an end was sent with it: by another way it may be
slower."""


def receive(router: Router, advert: Advert, source: bytes, now: float) -> None:
    """An advert arms the master-down timer again, shortens it, or is ignored."""
    if advert.priority == RELEASE:
        router.master_released = True
        if router.hold_for in (b"", source):
            router.hold_until = None
        skewed = now + _release_patience(router)
        router.down_at = skewed if router.down_at is None else min(router.down_at, skewed)
        return
    router.master_released = False
    router.patient = False
    if router.asked:
        return  # It left the giver before its ask did.
    last = _is_last(router, source, now)
    router.hastened = router.hastened and last
    if not _yields(router, advert, now):
        if router.awaiting:
            witness.court(router, now)
    else:
        router.wanting = False
        witness.forgo(router)
        router.hastened = last
        patience = _one_missed(router) if router.hastened else router.master_down_from(router.master_interval)
        router.down_at = now + patience


def _is_last(router: Router, source: bytes, now: float) -> bool:
    """Whether the advert was sent together with the word that its daemon is ending: it is the last, and no other sign."""
    just_said = now - router.ending_at <= TOGETHER * router.master_interval
    return router.ending == source and just_said and not _listens_on(router, now)


def _one_missed(router: Router) -> float:
    """Patience from an advert on, once the master has said that its daemon is ending."""
    return router.master_interval + skew_time(router.priority, router.master_interval, router.spec.version)


def _listens_on(router: Router, now: float) -> bool:
    """Whether something goes before the master's own word that it goes."""
    return router.holds_back(now) or router.standby is not Standby.OFF or now < router.part_from


def lowered(router: Router) -> None:
    """Our priority is another now: whoever was about to preempt the master and is no better any more listens on."""
    heard, soon = router.heard, router.master_released or router.hastened or router.asked
    if router.down_at is None or heard is None or soon or heard.priority < router.priority:
        return
    router.preempt_at = None
    router.down_at = max(router.down_at, heard.at + router.master_down_from(router.master_interval))


def hold_back(router: Router, until: float, master: bytes, now: float) -> list[Action]:
    """Do not preempt this master before then: whoever was about to listens on, unless it is silent already."""
    router.hold_back(until, master)
    if router.heard is None or router.heard.address != master or router.down_at is None:
        return []
    patience = router.heard.at + router.master_down_from(router.master_interval)
    if patience > max(router.down_at, now):
        router.down_at, router.wanting = patience, False
        witness.forgo(router)
    return []


def _release_patience(router: Router) -> float:
    """How long somebody better may take to succeed a master that released: the skew time, or all of it in standby."""
    if router.standby is not Standby.OFF:
        return router.master_down_from(router.master_interval)
    return skew_time(router.priority, router.master_interval, router.spec.version)


def _yields(router: Router, advert: Advert, now: float) -> bool:
    """Whether this advert keeps us backup. `preempt_delay` counts from the first lower-priority advert heard.

    Nobody preempts whose tracked objects or first checks have no verdict yet: it may be the worse director of the two.
    The owner of the addresses preempts whatever `preempt` says (RFC 9568 6.1).
    """
    holds_back = router.holds_back(now)  # Which follows whom we hear, whatever the priority.
    if advert.priority >= router.priority:
        router.preempt_at = None
        return True
    if holds_back:
        return True
    if router.priority == OWNER:
        return False
    if not router.spec.preempt:
        return True
    if router.preempt_at is None:
        router.preempt_at = now + router.spec.preempt_delay
    return router.unproven or now < router.preempt_at


def wake(router: Router, now: float) -> list[Action]:
    """Take over when the master-down timer has run out, unless it was us who slept, and if witnesses allow it."""
    if router.awaiting:
        allowed = witness.may_take(router, now)
        return begin(router, now) if allowed else witness.wake(router, now)
    waits = router.wanting or router.standby is Standby.HARD or router.fence.until is not None
    if router.down_at is None or now < router.down_at or waits:
        return []
    if now < router.part_from:
        router.down_at = router.part_from
        return []
    late = now - router.down_at
    if late > _tolerated(router):
        router.down_at = max(now + router.master_interval, _unhastened(router))
        router.patient, router.hastened = True, False
        return [Say(f"woke {late:.3f} s late; waiting one interval more before accusing the master")]
    if router.grouped:
        router.wanting = True
        return [Wants()]
    if fencing.is_due(router, now):
        return fencing.ask(router, now)
    return begin(router, now)


def _tolerated(router: Router) -> float:
    """How late the timer may be before it was us who slept, and another may have become master meanwhile.

    Who waits for that already, or follows a release, is slow only, but for a stall in which another could have done so.
    """
    waits = router.patient or router.master_released
    return router.master_interval * (router.spec.down_after if waits else 0.5)


def _unhastened(router: Router) -> float:
    """When a silence is over that the master's word has shortened: it may have taken its word back while we slept."""
    if not router.hastened or router.heard is None:
        return NEVER
    return router.heard.at + router.master_down_from(router.master_interval)


def begin(router: Router, now: float) -> list[Action]:
    """Become master, once the witness allows it."""
    if not witness.may_take(router, now):
        return witness.ask(router, now)
    return master.take_over(router, takeover_cause(router, now), now)


def hasten(router: Router, source: bytes, now: float, *, gone: bool, pair: bool) -> None:
    """The master that we heard last says that its daemon is ending, or (`gone`) that its link is: wait less.

    After an end one missed advert is enough. A link that is gone carries no advert: in a `pair` we act at once, with
    more directors the skew time still tells who is first. Holding back, standby and `startup_delay` go before.
    """
    heard = router.heard
    if not gone:
        router.ending, router.ending_at = source, now
    if router.down_at is None or heard is None or heard.address != source or _listens_on(router, now):
        return
    soon = heard.at + _one_missed(router)
    if gone:
        skew = skew_time(router.priority, router.master_interval, router.spec.version)
        soon = now if pair else now + skew
    if (soon := max(now, soon)) < router.down_at:
        router.down_at, router.hastened = soon, True


def takeover_cause(router: Router, now: float) -> Cause:
    """Why this backup becomes master now."""
    if router.asked:
        return Cause.ASKED
    if router.priority == OWNER:
        return Cause.OWNER
    if router.master_released:
        return Cause.MASTER_RELEASED
    if router.hastened:
        return Cause.MASTER_GONE
    if router.master_lives(now):
        return Cause.PREEMPTING
    return Cause.MASTER_SILENT
