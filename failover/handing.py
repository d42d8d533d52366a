"""A router on its way from one director to another that was asked by name: what the giver does, and the taker.

The law: make before break, whatever is lost and whoever dies. The giver falls silent and keeps its VIPs until the taker
says that it has them and has announced them; without an answer VRRP's own release follows. The taker takes over as ever,
VIPs, advert, announcement, and keeps what it took: of two masters the adverts decide.
"""

from collections.abc import Callable

from failover import holding, master, witness
from failover.actions import Action, Announce, Ready, Say, SendAdvert, Wants
from failover.moves import Cause, State
from failover.peer.handover import GIVE_UP
from failover.router import Router, become
from failover.spec import Standby

RELEASE_BEFORE = 1
"""How many missed adverts before the peers' patience ends an ask counts as unanswered."""


Decide = Callable[[Router, float], list[Action]]
"""One of the inputs below."""


def begin(router: Router, now: float) -> list[Action]:
    """A peer is asked: one more advert, so that nobody's patience ends meanwhile, then silence.

    Before the kernel has our VIPs there is none: it would make the old master let go.
    """
    said = router.confirm_by is None
    holding.fall_silent(router, now)
    router.last_sent = now
    missed = max(1, router.spec.down_after - RELEASE_BEFORE)
    router.answer_by = now + min(missed * router.spec.advert_interval, GIVE_UP)
    router.ready_by = now + GIVE_UP
    return [SendAdvert(router.priority)] if said else []


def wake(router: Router, now: float) -> list[Action]:
    """Wait for an answer no longer than peers are patient."""
    late = router.answer_by is not None and now >= router.answer_by
    return unanswered(router, now) if late else []


def ready(router: Router, now: float) -> list[Action]:
    """The peer that was asked has the VIPs and has announced them: let go, a moment later."""
    if router.ready_by is None:
        return []
    router.ready_by = router.answer_by = None
    actions: list[Action] = []
    if router.releasing and not router.stopping:
        actions = become(router, Cause.HANDED_OVER, now)
        router.down_at = now + router.master_down_from(router.master_interval)
    router.give_up_at = None
    holding.let_go_soon(router, now)
    return actions


def unanswered(router: Router, now: float) -> list[Action]:
    """The peer refuses, is gone or says nothing: release by adverts; or let go, where it advertises already."""
    if router.ready_by is None:
        return []
    router.ready_by = router.answer_by = None
    if router.releasing:
        return [Say("handing over by adverts"), *holding.linger(router, now)]
    holding.let_go_soon(router, now)
    return []


def refusal(router: Router, now: float) -> str | None:
    """Why this router cannot be taken here now, None when it can."""
    if router.standby is not Standby.OFF:
        return "this director is in standby"
    if witness.is_exclusive(router):
        return "the witness passes it on"
    if router.state is State.FAULT:
        return f"it is in fault: {router.detail}"
    if router.state is State.INIT or router.stopping:
        return "it does not run"
    if router.releasing:
        return "it is being handed over"
    if router.state is State.BACKUP and now < router.part_from:
        return "it listens before it takes part"
    return None


def asked(router: Router, now: float) -> list[Action]:
    """A peer hands this router over: take it, with its group when all of that was asked for."""
    router.asked, router.asked_at = True, now
    if router.state is State.MASTER:
        return [] if router.confirm_by is not None else taken(router, now)
    if router.grouped:
        router.wanting = True
        return [Wants()]
    return master.take_over(router, Cause.ASKED, now)


def unasked(router: Router, now: float) -> list[Action]:
    """The peer hands over no more; what was taken is kept."""
    if router.asked and router.state is State.BACKUP:
        router.wanting = False
        router.down_at = now + router.master_down_from(router.master_interval)
    router.asked = False
    return []


def taken(router: Router, now: float) -> list[Action]:
    """The kernel has the VIPs: whoever handed them over is told when they are announced."""
    actions = master.confirmed(router, now)
    if not router.asked or router.state is not State.MASTER:
        return actions
    router.asked = False
    return [*actions, *([] if Announce() in actions else [Announce()]), Ready()]


def given(router: Router, now: float) -> list[Action]:
    """The peer has let go, or says no more: announce what was taken once more, for its kernel answered ARP until now."""
    actions = unasked(router, now)
    serving = router.state is State.MASTER and not router.releasing and router.confirm_by is None
    return [*actions, Announce()] if serving else actions
