"""Handover, stop and faults: make before break."""

import pytest

from failover.actions import DropAddresses, SendAdvert, Stopped
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import OWNER, RELEASE
from failover.timing import GRACE
from support.failover import HIGHER, LOWER, advert, adverts, as_master, kinds, only, run_to, settled, started


def released(hold: float = 60.0, within: float | None = 1.4, **changes: int) -> Election:
    """A master that began to hand over at 0."""
    election = as_master(now=0.0, **changes)
    election.release(0.0, hold=hold, within=within)
    return election


def test_a_handover_sends_three_releases_within_20_ms() -> None:
    """Two of them may be lost."""
    election = as_master(now=0.0)
    done = [(0.0, action) for action in election.release(0.0, hold=60.0, within=1.4)] + run_to(election, 0.05)
    assert adverts(done) == [(0.0, RELEASE), (0.010, RELEASE), (0.020, RELEASE)]


def test_the_vips_stay_until_the_successor_is_heard() -> None:
    """No drop before its advert, and the lease goes on being renewed."""
    election = released()
    assert kinds([action for _, action in run_to(election, 1.0)]) == [
        "SendAdvert",
        "SendAdvert",
        "HoldAddresses",
    ]
    assert kinds(settled(election, advert(50), LOWER, 1.0)) == ["Changed", "DropAddresses"]
    assert (election.router.state, election.router.cause) == (State.BACKUP, Cause.HANDED_OVER)


def test_during_a_handover_nothing_is_advertised_or_answered() -> None:
    """Another release heard meanwhile is not answered either."""
    election = released()
    assert election.receive(advert(RELEASE), LOWER, 0.5) == []
    assert all(priority == RELEASE for _, priority in adverts(run_to(election, 1.0)))


def test_without_a_successor_the_master_stays() -> None:
    """Nobody was heard in time: it advertises, announces and is bound by no hold-back."""
    election = released(within=1.4)
    done = run_to(election, 1.41)
    assert adverts(done)[-1] == (1.4, 100)
    assert "Announce" in kinds([action for _, action in done])
    assert (election.router.state, election.router.releasing) == (State.MASTER, False)
    assert election.router.hold_until is None


def test_a_release_for_ever_keeps_the_vips_and_stays_silent() -> None:
    """A worker without a supervisor serves on without an advert until somebody takes over."""
    election = released(within=None)
    done = run_to(election, 60.0)
    assert {priority for _, priority in adverts(done)} == {RELEASE}
    assert election.router.holding
    assert kinds(settled(election, advert(1), LOWER, 60.0)) == ["Changed", "DropAddresses"]


def test_a_second_release_is_not_sent_again_but_may_change_the_terms() -> None:
    """Asked twice, a router tells the peers once; the later wish decides about the end."""
    election = released(within=1.4)
    run_to(election, 0.5)
    assert election.release(0.5, hold=60.0, within=None) == []
    assert {priority for _, priority in adverts(run_to(election, 9.0))} == set()


def test_the_giver_holds_back() -> None:
    """After a handover a lower-priority master is left alone for `hold` seconds, then preempted."""
    election = released(hold=2.0)
    election.receive(advert(50), LOWER, 0.1)
    for tick in range(2, 40):
        election.receive(advert(50), LOWER, tick / 10)
        run_to(election, tick / 10 + 0.09)
    assert election.router.cause is Cause.PREEMPTING
    # The last advert obeyed came at 1.9.
    assert election.router.since == pytest.approx(1.9 + 0.3 + 15.6 / 256)


@pytest.mark.parametrize("end", ["released", "silent", "resumed"])
def test_the_hold_back_ends_with_the_new_master(end: str) -> None:
    """It releases, it dies, or the operator says `resume`: this director is free to be master again."""
    election = released(hold=3600.0)
    election.receive(advert(50), LOWER, 0.1)
    if end == "released":
        election.receive(advert(RELEASE), LOWER, 0.2)
    if end == "resumed":
        election.resume()
        for tick in range(2, 5):
            election.receive(advert(50), LOWER, tick / 10)
    run_to(election, 0.9)
    assert election.router.state is State.MASTER
    assert election.router.hold_until is None or end == "resumed"


def test_only_a_master_can_hand_over() -> None:
    """A backup, a fault and one that stops have nothing to give."""
    assert started().release(0.1, hold=60.0, within=1.0) == []
    stopping = as_master(now=0.0)
    stopping.stop(0.0)
    assert stopping.release(0.1, hold=60.0, within=None) == []


def test_an_advert_that_the_release_overtook_is_none_of_a_master() -> None:
    """The network may bring the releasing master's last advert after its release: for a while it counts for nothing."""
    election = started(priority=100)
    election.receive(advert(150), HIGHER, 0.05)
    election.receive(advert(RELEASE), HIGHER, 0.1)
    run_to(election, 0.2)
    assert election.router.cause is Cause.MASTER_RELEASED
    assert "Changed" not in kinds(election.receive(advert(150), HIGHER, 0.21))
    assert "Changed" in kinds(election.receive(advert(150), LOWER, 0.22)), (
        "another one's advert is a master's"
    )


def test_a_releasing_master_that_goes_on_is_obeyed_a_little_later() -> None:
    """It took its release back: nobody succeeded it in time, as it thinks."""
    election = started(priority=100)
    election.receive(advert(RELEASE), HIGHER, 0.1)
    run_to(election, 0.2)
    since = election.router.since
    election.receive(advert(150), HIGHER, since + 0.11)
    assert election.router.state is State.BACKUP


# ---- stop -------------------------------------------------------------------------------------------------------


def test_a_stop_waits_for_the_successor() -> None:
    """Released, then gone as soon as somebody else was heard."""
    election = as_master(now=0.0)
    election.stop(0.0)
    run_to(election, 0.1)
    assert kinds(settled(election, advert(50), LOWER, 0.11)) == ["Changed", "DropAddresses", "Stopped"]
    assert election.router.state is State.INIT
    assert election.deadline() is None


def test_a_stop_without_successor_ends_after_master_down_and_a_second() -> None:
    """The operator's word: an orderly stop is the one case in which time alone takes the VIPs off."""
    election = as_master(now=0.0)
    election.stop(0.0)
    done = run_to(election, 10.0)
    (stopped,) = [at for at, action in done if isinstance(action, Stopped)]
    assert stopped == pytest.approx(4 * 0.1 + GRACE)
    assert kinds([action for at, action in done if at == stopped]) == ["Changed", "DropAddresses", "Stopped"]


def test_a_stop_during_a_handover_ends_both() -> None:
    """No second round of releases; the end is that of a stop."""
    election = released(within=None)
    run_to(election, 0.5)
    assert election.stop(0.5) == []
    assert isinstance(run_to(election, 10.0)[-1][1], Stopped)


def test_a_fault_during_a_stop_ends_the_stop() -> None:
    """The link goes down while we wait for a successor: nobody can be heard any more, so leave now."""
    election = as_master(now=0.0)
    election.stop(0.0)
    actions = election.set_fault("interface eth0 is down", 0.1, reachable=False)
    assert kinds(actions) == ["Changed", "DropAddresses", "Stopped"]
    assert election.router.state is State.INIT


def test_a_stall_during_a_stop_ends_the_stop() -> None:
    """Past the lease there is nothing left to wait for."""
    election = as_master(now=0.0)
    election.stop(0.0)
    assert kinds(election.wake(9.0))[-1] == "Stopped"


def test_a_stop_in_fault_leaves_at_once() -> None:
    """What still lingers is dropped."""
    election = as_master(now=0.0)
    election.set_fault("tracked interface eth1 is down", 0.0)
    assert kinds(election.stop(0.1)) == ["Changed", "DropAddresses", "Stopped"]


# ---- faults -----------------------------------------------------------------------------------------------------


def test_a_fault_of_a_reachable_master_releases_and_lingers() -> None:
    """A tracked interface failed: the peers can hear us, so they are told, and the VIPs wait for a successor."""
    election = as_master(now=0.0)
    actions = election.set_fault("tracked interface eth1 is down", 0.0)
    assert kinds(actions) == ["Changed", "SendAdvert"]
    assert only(SendAdvert, actions) == [SendAdvert(RELEASE)]
    run_to(election, 0.1)
    assert kinds(settled(election, advert(50), LOWER, 0.11)) == ["DropAddresses"]
    assert election.router.state is State.FAULT


def test_a_fault_of_an_unreachable_master_drops_at_once() -> None:
    """The interface is down: nobody could be told, and the peers take over by themselves."""
    election = as_master(now=0.0)
    assert kinds(election.set_fault("interface eth0 is down", 0.0, reachable=False)) == [
        "Changed",
        "DropAddresses",
    ]


def test_a_lingering_fault_drops_when_the_link_goes_too() -> None:
    """First the tracked interface, then our own: the VIPs wait no longer."""
    election = as_master(now=0.0)
    election.set_fault("tracked interface eth1 is down", 0.0)
    assert kinds(election.set_fault("interface eth0 is down", 0.1, reachable=False)) == ["DropAddresses"]
    assert election.router.detail == "interface eth0 is down"


def test_a_mended_fault_listens_for_a_whole_master_down_time() -> None:
    """It does not come back as master."""
    election = as_master(now=0.0)
    election.set_fault("interface eth0 is down", 0.0, reachable=False)
    assert kinds(election.set_fault(None, 5.0)) == ["Changed"]
    assert election.router.state is State.BACKUP
    assert election.deadline() == pytest.approx(5.0 + 0.3 + 15.6 / 256)


def test_a_fault_that_mends_before_a_successor_came_keeps_the_vips() -> None:
    """They were never taken off, and are not now."""
    election = as_master(now=0.0)
    election.set_fault("tracked interface eth1 is down", 0.0)
    election.set_fault(None, 0.2)
    done = run_to(election, 10.0)
    assert only(DropAddresses, [action for _, action in done]) == []
    assert election.router.state is State.MASTER


def test_no_fault_is_no_news() -> None:
    """Saying again that nothing is wrong changes nothing."""
    election = as_master(now=0.0)
    assert election.set_fault(None, 0.1) == []


def test_a_fault_in_fault_changes_the_reason_only() -> None:
    """One fault after another is one stay in `fault`, with the latest reason."""
    election = started()
    election.set_fault("interface eth0 is down", 0.0, reachable=False)
    assert election.set_fault("interface eth0 does not exist", 0.1, reachable=False) == []
    assert election.router.transitions == 2
    assert election.router.detail == "interface eth0 does not exist"


def test_a_faulty_router_ignores_silence_and_adverts() -> None:
    """No takeover from `fault`."""
    election = started()
    election.set_fault("interface eth0 is down", 0.0, reachable=False)
    assert election.receive(advert(1), HIGHER, 0.1) == []
    assert election.deadline() is None


def test_an_owner_can_hand_over() -> None:
    """The owner's hold-back is the operator's word, and counts."""
    election = released(hold=60.0, priority=OWNER)
    election.receive(advert(50), LOWER, 0.1)
    for tick in range(2, 20):
        election.receive(advert(50), LOWER, tick / 10)
        run_to(election, tick / 10 + 0.09)
    assert election.router.state is State.BACKUP
