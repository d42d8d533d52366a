"""Adverts that were sent before something happened and arrive after it: none of them takes a VIP from everybody."""

import pytest

from failover import backup, handing
from failover.actions import Announce
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import RELEASE
from support.failover import (
    HIGHER,
    LOWER,
    OURS,
    advert,
    as_master,
    kinds,
    router_spec,
    run_to,
    settled,
    started,
)

# ---- a master whose priority is lowered ---------------------------------------------------------------------------


def lowered() -> Election:
    """A master since 0 s, of priority 150 until 0.51 s and of 90 since."""
    election = as_master(now=0.0, priority=150)
    run_to(election, 0.5)
    election.set_priority(90, 0.51)
    return election


def test_who_loses_only_since_our_priority_was_lowered_may_have_yielded_already() -> None:
    """Both would yield, each to what the other said before. Who did not yield says so again an interval later."""
    election = lowered()
    run_to(election, 0.52)
    assert election.receive(advert(100), HIGHER, 0.55) == []
    assert election.router.state is State.MASTER
    assert "Changed" in kinds(election.receive(advert(100), HIGHER, 0.62))


def test_who_may_have_yielded_has_announced_and_is_answered_by_announcements() -> None:
    """It may yield, or die, before anybody hears it again: neighbours have its MAC. While it may go on nothing is said."""
    election = lowered()
    run_to(election, 4.0)
    election.set_priority(80, 4.01)
    election.receive(advert(85), HIGHER, 4.05)
    announced = [at for at, action in run_to(election, 9.0) if isinstance(action, Announce)]
    assert announced == pytest.approx([5.05, 6.05, 7.05])


def test_a_slow_master_that_may_have_yielded_has_its_time_to_speak() -> None:
    """With adverts of 2 s it says so again after two at the latest."""
    election = as_master(now=0.0, priority=150, advert_interval=2.0)
    run_to(election, 20.0)
    election.set_priority(90, 20.01)
    election.receive(advert(100, interval=2.0), HIGHER, 20.05)
    announced = [at for at, action in run_to(election, 30.0) if isinstance(action, Announce)]
    assert announced == pytest.approx([24.05])


def test_who_was_better_all_along_wins_at_once() -> None:
    """Our former priority would not have made it yield."""
    election = lowered()
    assert "Changed" in kinds(election.receive(advert(151), LOWER, 0.55))


def test_lowered_twice_within_an_interval_the_first_priority_counts() -> None:
    """Its adverts are under way as well."""
    election = lowered()
    election.set_priority(80, 0.53)
    assert election.receive(advert(120), HIGHER, 0.55) == []


def test_what_we_said_in_a_former_mastership_is_forgotten() -> None:
    """A new one begins with the priority that it has."""
    election = lowered()
    election.receive(advert(200), HIGHER, 0.52)
    election.receive(advert(RELEASE), HIGHER, 0.525)
    election.router.down_at = 0.53
    election.wake(0.53)
    election.taken(0.53)
    assert "Changed" in kinds(election.receive(advert(100), LOWER, 0.54))


# ---- a release ----------------------------------------------------------------------------------------------------


def test_nobody_succeeds_a_release_before_its_skew_time() -> None:
    """What comes earlier was sent by a second master, who may be about to yield: the VIPs stay."""
    election = as_master(now=0.0)
    run_to(election, 1.0)
    election.release(1.0, hold=60.0, within=1.4)
    assert election.receive(advert(50), LOWER, 1.07) == []
    assert election.router.holding
    assert "DropAddresses" in kinds(settled(election, advert(50), LOWER, 1.09))


@pytest.mark.parametrize("contest", ["new", "rival"])
def test_after_a_contest_a_successor_counts_from_an_interval_on(contest: str) -> None:
    """The loser's last advert may come at any moment, and be one of the highest priority."""
    began = 0.95 if contest == "new" else 0.0
    election = as_master(now=began, priority=254)
    run_to(election, 0.99)
    if contest == "rival":
        election.receive(advert(254), LOWER, 0.99)
    election.release(1.0, hold=60.0, within=1.4)
    assert election.receive(advert(254), LOWER, 1.05) == []
    assert "Changed" in kinds(election.receive(advert(254), LOWER, 1.11))


def test_who_is_better_succeeds_at_once() -> None:
    """It yields to nothing that we said."""
    election = as_master(now=0.0)
    election.release(0.01, hold=60.0, within=1.4)
    assert "Changed" in kinds(election.receive(advert(101), LOWER, 0.015))


def test_a_fault_waits_for_a_true_successor_as_well() -> None:
    """It releases and lingers."""
    election = as_master(now=0.0)
    run_to(election, 1.0)
    election.set_fault("tracked interface eth1 is down", 1.0)
    election.receive(advert(50), LOWER, 1.05)
    assert "DropAddresses" not in kinds(election.wake(1.07))


def test_an_advert_that_its_release_overtook_moves_no_master() -> None:
    """Two masters, and the better one stops: its last advert makes nobody yield to it any more."""
    election = as_master(now=0.0)
    election.receive(advert(RELEASE), HIGHER, 0.02)
    assert election.receive(advert(150), HIGHER, 0.03) == []
    assert "Changed" in kinds(election.receive(advert(150), HIGHER, 0.13))


# ---- a master's word ----------------------------------------------------------------------------------------------


def test_an_advert_that_the_masters_word_overtook_is_none_of_a_master() -> None:
    """It said that its daemon ends; what it advertised before comes by another way."""
    election = started(priority=100)
    election.receive(advert(150), HIGHER, 0.05)
    election.hasten(HIGHER, 0.1, gone=True, pair=True)
    assert election.router.cause is Cause.MASTER_GONE
    election.taken(0.101)
    assert "Changed" not in kinds(election.receive(advert(150), HIGHER, 0.15))
    assert "Changed" in kinds(election.receive(advert(150), HIGHER, 0.21))


def test_a_master_that_is_asked_is_not_confused_by_the_givers_last_advert() -> None:
    """It took over for the giver's silence, a moment before the ask reached it."""
    election = as_master(now=0.0)
    assert kinds(handing.asked(election.router, 0.02)) == ["Announce", "Ready"]
    assert "Changed" not in kinds(election.receive(advert(200), HIGHER, 0.03))
    assert "Changed" in kinds(election.receive(advert(200), HIGHER, 0.13))


@pytest.mark.parametrize("then", ["patience", "another"])
def test_an_old_word_is_no_cause(then: str) -> None:
    """Who slept meanwhile, or hears another master, does not take over because somebody said once that he goes."""
    election = started(priority=100)
    election.receive(advert(150), HIGHER, 0.05)
    election.hasten(HIGHER, 0.06, gone=False, pair=False)
    assert election.router.hastened
    if then == "patience":
        election.wake(7.0)
        run_to(election, 8.0)
        assert election.router.cause is Cause.MASTER_SILENT
    else:
        election.receive(advert(50), LOWER, 0.2)
        run_to(election, 0.35)
        assert election.router.cause is Cause.PREEMPTING


# ---- a hold -------------------------------------------------------------------------------------------------------


def test_a_hold_stops_who_was_about_to_preempt() -> None:
    """The order comes between two adverts of the master; the timer that its next advert would stop runs already."""
    election = started(priority=100)
    election.receive(advert(50), LOWER, 0.3)
    backup.hold_back(election.router, 60.0, LOWER, 0.3)
    run_to(election, 0.39)
    assert election.router.state is State.BACKUP
    run_to(election, 1.0)
    assert election.router.cause is Cause.MASTER_SILENT


def test_a_hold_stops_who_waits_for_its_group() -> None:
    """It wanted to preempt already, and only another router of the group kept it from that."""
    election = Election(router_spec(priority=100), OURS, grouped=True)
    election.start(0.0)
    run_to(election, 1.0)
    election.receive(advert(50), LOWER, 1.05)
    backup.hold_back(election.router, 60.0, LOWER, 1.05)
    assert election.grant(1.06) == []
    run_to(election, 1.5)
    assert kinds(election.grant(1.5)) == ["Changed", "HoldAddresses"], "its master has fallen silent"


def test_a_hold_keeps_nobody_who_wants_as_the_master_is_silent() -> None:
    """The group may be granted what it waited for all the same."""
    election = Election(router_spec(priority=100), OURS, grouped=True)
    election.start(0.0)
    election.receive(advert(50), LOWER, 0.1)
    run_to(election, 2.0)
    backup.hold_back(election.router, 60.0, LOWER, 2.0)
    assert kinds(election.grant(2.0)) == ["Changed", "HoldAddresses"]


def test_a_master_of_our_own_priority_keeps_its_hold_beside_a_rival() -> None:
    """Both are heard all the time, as where they do not hear each other."""
    election = started(priority=100)
    election.receive(advert(100), LOWER, 0.1)
    backup.hold_back(election.router, 60.0, LOWER, 0.1)
    for tick in range(2, 20):
        election.receive(advert(50), HIGHER, tick / 10)
        election.receive(advert(100), LOWER, tick / 10 + 0.05)
    assert election.router.hold_until is not None


def test_the_release_of_another_ends_no_hold() -> None:
    """Two began to succeed the giver, and the one that lost releases: the other is master and is not preempted."""
    election = started(priority=100)
    election.receive(advert(50), LOWER, 0.1)
    backup.hold_back(election.router, 60.0, LOWER, 0.1)
    election.receive(advert(RELEASE), HIGHER, 0.15)
    election.receive(advert(50), LOWER, 0.16)
    run_to(election, 0.4)
    assert election.router.state is State.BACKUP
    election.receive(advert(RELEASE), LOWER, 0.41)
    assert election.router.hold_until is None


def test_a_stall_ends_no_hold() -> None:
    """Another's advert is the first of those that waited; the held master's come behind it."""
    election = started(priority=100)
    election.receive(advert(50), LOWER, 0.1)
    backup.hold_back(election.router, 60.0, LOWER, 0.1)
    election.receive(advert(40), HIGHER, 0.15)
    election.receive(advert(40), HIGHER, 5.0)
    election.receive(advert(50), LOWER, 5.0)
    run_to(election, 5.2)
    assert election.router.state is State.BACKUP
    assert election.router.hold_until is not None


def test_a_taker_that_releases_at_once_is_not_succeeded_by_the_givers_last_advert() -> None:
    """The giver is the better one; it said so before it asked."""
    election = started(priority=100)
    election.receive(advert(200), HIGHER, 0.05)
    handing.asked(election.router, 0.1)
    election.taken(0.102)
    election.release(0.12, hold=60.0, within=1.4)
    assert election.receive(advert(200), HIGHER, 0.15) == []
    assert "Changed" in kinds(election.receive(advert(200), HIGHER, 0.21))


def test_who_takes_over_once_more_still_knows_that_it_was_asked() -> None:
    """Its group made it go, and another's release made it master again: the giver's last advert is as old as before."""
    election = started(priority=100)
    election.receive(advert(200), HIGHER, 0.01)
    handing.asked(election.router, 0.02)
    election.taken(0.021)
    election.yield_to_group(0.025)
    election.receive(advert(RELEASE), LOWER, 0.026)
    run_to(election, 0.09)
    assert (election.router.state, election.router.cause) == (State.MASTER, Cause.MASTER_RELEASED)
    election.taken(0.091)
    assert "Changed" not in kinds(election.receive(advert(200), HIGHER, 0.1))
    assert "Changed" in kinds(election.receive(advert(200), HIGHER, 0.13))
