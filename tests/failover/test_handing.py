"""Handing over by name, one step after the other, on both sides."""

import pytest

from failover import handing
from failover.actions import Action, Announce, DropAddresses, Ready, SendAdvert, Stopped
from failover.election import Election
from failover.group import may_be_taken
from failover.holding import SETTLE
from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.peer.actions import PeerState
from failover.peer.handover import GIVE_UP
from failover.peer.report import PeerReport
from failover.peer.standing import RouterView
from failover.successor import successor
from support.failover import (
    HIGHER,
    LOWER,
    OURS,
    advert,
    adverts,
    as_master,
    kinds,
    only,
    router_spec,
    run_to,
    started,
)


def giving(**changes: int) -> Election:
    """A master of old that asked a peer at 0."""
    election = as_master(now=0.0, **changes)
    election.router.took_over_at = -10.0
    assert only(SendAdvert, election.release(0.0, hold=60.0, within=1.4, named=True)) == [SendAdvert(100)]
    return election


def taking(**changes: int) -> Election:
    """A backup under a better master, asked by it at 0."""
    election = started(now=-1.0, **changes)
    election.receive(advert(200), HIGHER, 0.0)
    handing.asked(election.router, 0.0)
    return election


# ---- the giver --------------------------------------------------------------------------------------------------


def test_the_giver_is_silent_and_keeps_what_it_holds() -> None:
    """No advert, no release, no announcement while the peer is at it."""
    election = giving()
    assert [
        action for at, action in run_to(election, 0.19) if isinstance(action, SendAdvert | Announce)
    ] == []
    assert election.router.holding


def test_the_giver_says_nothing_before_its_kernel_has_the_vips() -> None:
    """An advert would make the old master let go, and nobody would serve."""
    election = started(now=-0.36)
    election.wake(0.001)
    assert election.router.confirm_by is not None
    assert election.release(0.01, hold=60.0, within=1.4, named=True) == []


def test_ready_lets_go_a_moment_later() -> None:
    """And the giver holds back."""
    election = giving()
    assert kinds(handing.ready(election.router, 0.01)) == ["Changed"]
    assert (election.router.state, election.router.cause) == (State.BACKUP, Cause.HANDED_OVER)
    assert election.router.hold_until == 60.0
    done = run_to(election, 0.1)
    assert kinds([action for _, action in done]) == ["DropAddresses"]
    assert done[0][0] == pytest.approx(0.01 + SETTLE)


def test_the_takers_advert_alone_does_not_let_go() -> None:
    """Its announcement is still under way: the VIPs are served here until it says that it is ready."""
    election = giving()
    assert kinds(election.receive(advert(50), LOWER, 0.01)) == ["Changed"]
    for tick in range(1, 10):
        election.receive(advert(50), LOWER, tick / 10)
        assert not only(DropAddresses, [action for _, action in run_to(election, tick / 10 + 0.09)])
    handing.ready(election.router, 1.0)
    assert kinds([action for _, action in run_to(election, 1.05)]) == ["DropAddresses"]


def test_a_rivals_advert_is_not_taken_for_the_takers() -> None:
    """Both took over a moment ago; the rival yields to what we said before. Until the peer is ready we are who serves."""
    election = giving()
    election.router.took_over_at = -0.01
    assert election.receive(advert(100), LOWER, 0.01) == []
    assert only(SendAdvert, handing.unanswered(election.router, 0.05)) == [SendAdvert(RELEASE)]
    assert election.router.holding
    assert not only(DropAddresses, [action for _, action in run_to(election, 1.0)])


def test_a_rival_that_does_not_yield_is_heard_again() -> None:
    """An interval after the ask nothing of ours is under way any more: who still advertises follows."""
    election = giving()
    election.router.took_over_at = -0.01
    assert election.receive(advert(100), LOWER, 0.01) == []
    assert kinds(election.receive(advert(100), LOWER, 0.11)) == ["Changed"]


def test_never_ready_is_waited_for_so_long_and_no_longer() -> None:
    """It advertises, but its word is lost for ever."""
    election = giving()
    for tick in range(1, 40):
        election.receive(advert(50), LOWER, tick / 10)
        if dropped := [at for at, a in run_to(election, tick / 10 + 0.09) if isinstance(a, DropAddresses)]:
            assert dropped == [GIVE_UP]
            return
    pytest.fail("still held")


def test_unanswered_is_released_by_adverts_before_the_peers_patience_ends() -> None:
    """Two intervals after the last advert; then it is a release as any other, with its whole time."""
    done = run_to(giving(), 3.0)
    assert adverts(done)[:3] == [(0.2, RELEASE), (0.21, RELEASE), (0.22, RELEASE)]
    assert adverts(done)[3] == pytest.approx((0.2 + 1.4, 100))


def test_refused_is_released_by_adverts_at_once() -> None:
    """The peer says no."""
    election = giving()
    assert only(SendAdvert, handing.unanswered(election.router, 0.01)) == [SendAdvert(RELEASE)]
    assert handing.unanswered(election.router, 0.02) == []
    assert handing.ready(election.router, 0.03) == [], "a late ready says nothing any more"
    assert election.router.holding


def test_the_taker_dies_before_it_is_ready() -> None:
    """It advertised once: this director, which still holds the VIPs, is master again after its master-down time."""
    election = giving()
    election.receive(advert(50), LOWER, 0.01)
    done = run_to(election, 0.5)
    assert kinds([action for _, action in done])[:2] == ["Changed", "HoldAddresses"]
    assert election.router.cause is Cause.MASTER_SILENT


@pytest.mark.parametrize("heard", [True, False])
def test_a_stop_by_name(heard: bool) -> None:
    """It leaves when the peer is ready, with its advert or before it."""
    election = as_master(now=0.0)
    election.stop(0.0, named=True)
    if heard:
        assert election.receive(advert(50), LOWER, 0.01) == []
    assert not only(Stopped, [action for _, action in run_to(election, 0.1)])
    assert handing.ready(election.router, 0.1) == []
    assert kinds([action for _, action in run_to(election, 0.2)]) == ["Changed", "DropAddresses", "Stopped"]


def test_a_stop_by_name_that_nobody_answers_ends_as_any_other() -> None:
    """Released by adverts, then left."""
    election = as_master(now=0.0)
    election.stop(0.0, named=True)
    done = run_to(election, 5.0)
    assert [priority for _, priority in adverts(done)] == [RELEASE] * 3
    assert isinstance(done[-1][1], Stopped)


def test_an_orphan_asks_as_well() -> None:
    """Without a supervisor it never advertises again: asked in vain it releases and serves on."""
    election = as_master(now=0.0)
    election.release(0.0, hold=60.0, within=None, named=True)
    done = run_to(election, 60.0)
    assert {priority for _, priority in adverts(done)} == {RELEASE}
    assert election.router.holding


# ---- the taker --------------------------------------------------------------------------------------------------


def test_the_taker_takes_over_as_ever_and_says_so_last() -> None:
    """VIPs, advert, announcement, and then the word."""
    election = taking()
    assert (election.router.state, election.router.cause) == (State.MASTER, Cause.ASKED)
    assert kinds(election.taken(0.002)) == ["SendAdvert", "Announce", "Ready"]
    assert kinds(election.taken(0.7)) == [], "a renewal says nothing"


def test_a_slow_kernel_is_waited_for_with_the_word() -> None:
    """The advert is not held up for ever; ready is said when the VIPs are really there, and announced then."""
    election = taking()
    early = [action for at, action in iter_wakes(election, 0.25)]
    assert only(SendAdvert, early)
    assert not only(Ready, early)
    assert kinds(election.taken(0.25)) == ["Announce", "Ready"]


def iter_wakes(election: Election, until: float) -> list[tuple[float, Action]]:
    """As `run_to`, but the kernel confirms nothing."""
    done: list[tuple[float, Action]] = []
    while (at := election.deadline()) is not None and at <= until:
        done += [(at, action) for action in election.wake(at)]
    return done


def test_the_givers_last_advert_does_not_confuse_the_taker() -> None:
    """It left before the ask and arrives after it, as one of a giver before him may; one that comes an interval later is a
    master's."""
    election = taking()
    assert election.receive(advert(200), HIGHER, 0.001) == []
    election.taken(0.002)
    assert election.receive(advert(200), HIGHER, 0.05) == []
    assert kinds(election.receive(advert(200), HIGHER, 0.11)) == ["SendAdvert", "Changed"]
    assert election.router.cause is Cause.OUTRANKED
    other = taking()
    other.taken(0.002)
    assert other.receive(advert(200), LOWER, 0.05) == []


def test_when_the_giver_has_let_go_it_is_announced_once_more() -> None:
    """The giver's kernel answered ARP until now."""
    election = taking()
    election.taken(0.002)
    assert handing.given(election.router, 0.01) == [Announce()]
    backup = started()
    assert handing.given(backup.router, 0.01) == []


def test_what_was_taken_is_kept_when_the_giver_says_no_more() -> None:
    """It died, or took its ask back: the adverts decide."""
    election = taking()
    handing.given(election.router, 0.001)
    assert election.router.state is State.MASTER
    assert kinds(election.taken(0.002)) == ["SendAdvert", "Announce"]


def test_a_master_that_is_asked_says_that_it_is_ready() -> None:
    """Both believed to be master."""
    election = as_master(now=0.0)
    assert kinds(handing.asked(election.router, 1.0)) == ["Announce", "Ready"]


def test_who_cannot_take_refuses() -> None:
    """With the reason."""
    election = started()
    assert handing.refusal(election.router, 0.1) is None
    election.set_fault("interface eth0 is down", 0.2)
    assert handing.refusal(election.router, 0.3) == "it is in fault: interface eth0 is down"
    late = started(startup_delay=10.0)
    assert handing.refusal(late.router, 0.1) == "it listens before it takes part"
    assert handing.refusal(giving().router, 0.1) == "it is being handed over"
    assert handing.refusal(Election(router_spec(), OURS).router, 0.0) == "it does not run"


# ---- groups -----------------------------------------------------------------------------------------------------


def grouped() -> Election:
    """A backup of a group."""
    election = Election(router_spec(), OURS, grouped=True)
    election.start(-1.0)
    election.receive(advert(200), HIGHER, 0.0)
    return election


def test_a_grouped_router_waits_for_its_group() -> None:
    """Asked, it would be master; the giver's last advert does not end that, its word that it hands over no more does."""
    election = grouped()
    assert kinds(handing.asked(election.router, 0.0)) == ["Wants"]
    election.receive(advert(200), HIGHER, 0.001)
    assert kinds(election.grant(0.001)) == ["Changed", "HoldAddresses"]
    election = grouped()
    handing.asked(election.router, 0.0)
    handing.unasked(election.router, 0.5)
    assert election.grant(0.5) == []
    assert run_to(election, 0.5) == []
    assert kinds([action for _, action in run_to(election, 1.5)]) == ["Wants"]


def test_a_group_is_granted_by_name() -> None:
    """And says ready."""
    election = grouped()
    handing.asked(election.router, 0.0)
    election.grant(0.001)
    assert election.router.cause is Cause.ASKED
    assert kinds(election.taken(0.002)) == ["SendAdvert", "Announce", "Ready"]


def test_a_group_is_taken_whole_or_not_at_all() -> None:
    """One member in fault refuses for all."""
    assert may_be_taken("web", {"web": None, "inside": None}) is None
    assert may_be_taken("web", {"web": None, "inside": "it is in fault: x"}) == (
        "inside moves with it: it is in fault: x"
    )
    assert may_be_taken("web", {"web": "it is in fault: x"}) == "it is in fault: x"
    assert may_be_taken("web", {}) == "it does not run"


# ---- whom to ask ------------------------------------------------------------------------------------------------


def report(peer: str, *views: RouterView, state: PeerState = PeerState.UP) -> PeerReport:
    """A peer that said this of its routers."""
    return PeerReport(
        peer=peer, state=state, reason="", since=0.0, links=(), drops={}, payload_taken=0, routers=views
    )


def view(router: str = "web", state: State = State.BACKUP, priority: int = 100) -> RouterView:
    """One router of a peer."""
    return RouterView(router, state, priority, "10.99.0.9")


def test_the_best_peer_that_can_take_them_all() -> None:
    """Up, backup in each of them, highest priority."""
    reports = [
        report("b", view(priority=100), view("inside")),
        report("c", view(priority=150), view("inside", State.FAULT)),
        report("d", view(priority=200), view("inside"), state=PeerState.UNKNOWN),
        report("e", view(priority=120)),
    ]
    assert successor(reports, ["web"]) == "c"
    assert successor(reports, ["web", "inside"]) == "b"
    assert successor(reports, ["other"]) is None
    assert successor(reports, []) is None
    assert successor([], ["web"]) is None
