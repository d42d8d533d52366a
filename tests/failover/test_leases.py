"""Leases, inheritance, and waking from a stall: what keeps a VIP from being on two directors or on none."""

from typing import Any

import pytest

from failover import handing
from failover.actions import Action, Announce, DropAddresses, HoldAddresses, Say, SendAdvert
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import RELEASE
from support.failover import (
    HIGHER,
    LOWER,
    advert,
    adverts,
    as_master,
    kinds,
    only,
    router_spec,
    run_to,
    settled,
    started,
    vip,
    with_changes,
)


def renewals(done: list[tuple[float, Action]]) -> list[float]:
    """When the lease was renewed."""
    return [at for at, action in done if isinstance(action, HoldAddresses)]


def test_a_lease_is_renewed_at_a_third_of_it() -> None:
    """3 s of lease are renewed every second."""
    election = as_master(now=0.0, lease=3)
    assert renewals(run_to(election, 3.5)) == [pytest.approx(at) for at in (1.0, 2.0, 3.0)]


def test_a_write_is_void_when_the_lease_before_it_has_ended() -> None:
    """A renewal at a third of the lease may take two thirds; then the address was gone and would be re-created."""
    election = as_master(now=0.0, lease=3)
    (renewal,) = only(HoldAddresses, [action for _, action in run_to(election, 1.0)])
    assert renewal.void_after == pytest.approx(3.0)


def test_lease_off_is_never_renewed() -> None:
    """Without a lease the kernel keeps the VIPs, and no timer of it runs."""
    election = as_master(now=0.0, lease=0)
    assert renewals(run_to(election, 10.0)) == []


def test_a_voided_write_makes_a_listener_of_the_master() -> None:
    """The write outlasted the lease: others may hold the VIPs, so off with them, and listen."""
    election = as_master(now=0.0)
    assert kinds(election.voided(1.0)) == ["Changed", "DropAddresses"]
    assert election.router.cause is Cause.LEASE_LAPSED
    assert election.deadline() == pytest.approx(1.0 + 0.3 + 15.6 / 256)


def test_a_slow_kernel_delays_the_first_advert_but_not_for_ever() -> None:
    """After an interval without the kernel's word the advert goes out: a third director must not take over as well."""
    election = started()
    election.wake(0.361)
    assert election.wake(0.460) == []
    assert kinds(election.wake(0.462)) == ["Say", "SendAdvert", "Announce"]
    assert election.taken(0.5) == []


def test_a_vip_taken_off_by_somebody_is_put_back() -> None:
    """An operator's `ip address del` or another program's flush is repaired at once."""
    election = as_master(now=0.0)
    assert kinds(election.addresses_missing(0.05)) == ["Say", "HoldAddresses"]


def test_a_backup_does_not_care_for_a_removed_vip() -> None:
    """What is not held is not put back."""
    assert started().addresses_missing(0.05) == []


# ---- inherited VIPs ---------------------------------------------------------------------------------------------


def inherited(**changes: Any) -> tuple[Election]:
    """A router that found its VIPs on the interface at start."""
    election = started(now=0.0, **changes)
    election.router.state = State.INIT
    election.start(0.0, inherited=True)
    return (election,)


def test_inherited_vips_are_renewed_at_once_while_listening() -> None:
    """The daemon before us died: its VIPs stay, and nothing is advertised yet."""
    (election,) = inherited()
    done = run_to(election, 0.3)
    assert renewals(done) == [0.0]
    assert adverts(done) == []


def test_inherited_vips_are_dropped_when_another_master_is_heard() -> None:
    """Somebody took over meanwhile, with whatever priority: two holders end now."""
    (election,) = inherited()
    run_to(election, 0.1)
    assert kinds(settled(election, advert(1), LOWER, 0.2)) == ["DropAddresses"]
    assert election.router.state is State.BACKUP


def test_inherited_vips_survive_a_release() -> None:
    """A release is no successor: dropping here would leave the VIPs to nobody."""
    (election,) = inherited()
    assert election.receive(advert(RELEASE), HIGHER, 0.1) == []
    assert election.router.holding


def test_inherited_vips_are_kept_when_nobody_is_heard() -> None:
    """After a master-down time of silence this director is master of what it holds."""
    (election,) = inherited()
    done = run_to(election, 1.0)
    assert election.router.state is State.MASTER
    assert not only(DropAddresses, [action for _, action in done])


def test_startup_delay_does_not_apply_to_inherited_vips() -> None:
    """Clients are being served from here: the delay is for those who join."""
    (election,) = inherited(startup_delay=30.0)
    run_to(election, 1.0)
    assert election.router.state is State.MASTER


def test_inherited_vips_with_a_fault_wait_for_a_successor() -> None:
    """The new daemon cannot be master here: the VIPs go when a peer was heard."""
    election = started()
    election.router.state = State.INIT
    election.start(0.0, inherited=True, fault="interface eth1 is down")
    assert election.router.state is State.FAULT
    assert kinds(settled(election, advert(50), LOWER, 0.5)) == ["DropAddresses"]


# ---- stalls -----------------------------------------------------------------------------------------------------


def test_a_master_that_slept_and_hears_another_steps_back() -> None:
    """The peer's advert is newer than our last sending: it took over, even with a lower priority."""
    election = as_master(now=0.0)
    actions = election.receive(advert(50), LOWER, 1.5)
    assert kinds(actions) == ["Changed", "DropAddresses"]
    assert election.router.cause is Cause.OVERTAKEN


def test_a_master_overtaken_while_asleep_does_not_renew() -> None:
    """Nothing after that puts the VIPs back: the queue was read before the timers."""
    election = as_master(now=0.0)
    election.receive(advert(50), LOWER, 5.0)
    assert election.wake(5.0) == []
    assert election.addresses_missing(5.0) == []


def test_a_short_stall_changes_nothing() -> None:
    """Late by less than a peer's patience: one advert, in the ordinary way."""
    election = as_master(now=0.0)
    run_to(election, 1.9)
    assert kinds(election.wake(2.15)) == ["SendAdvert", "HoldAddresses"]


def test_a_stall_within_the_lease_goes_on_at_once() -> None:
    """Nobody was heard: advert, renewal and a new announcement, and a word about it."""
    election = as_master(now=0.0)
    actions = election.wake(1.5)
    assert kinds(actions) == ["Say", "SendAdvert", "Announce", "HoldAddresses"]
    assert election.router.state is State.MASTER


def test_after_a_stall_nobody_is_known_to_be_alone() -> None:
    """Peers may have come meanwhile: the first lease is the one that protects them, the next as it was before."""
    election = as_master(now=0.0)
    election.set_alone(True, 0.1)
    leases = [action.lease for action in only(HoldAddresses, election.wake(1.5))]
    leases += [action.lease for _, action in run_to(election, 2.3) if isinstance(action, HoldAddresses)]
    assert leases == [2, 60]


def test_a_longer_lease_counts_once_the_kernel_has_it() -> None:
    """The write of it was under way when we stood still: the VIPs went by the lease before, and it comes too late."""
    election = as_master(now=0.0)
    election.confirmed(2)
    (longer,) = only(HoldAddresses, election.set_alone(True, 0.1))
    assert longer.lease == 60
    assert longer.void_after < 2.1
    election.wake(3.0)
    assert election.router.cause is Cause.LEASE_LAPSED

    election = as_master(now=0.0)
    election.set_alone(True, 0.1)
    election.confirmed(60)
    election.wake(3.0)
    assert election.router.state is State.MASTER


def test_a_lease_is_judged_from_when_it_was_begun() -> None:
    """Not from when it was to be renewed: 1.9 s of a stall are within two seconds, but the kernel's began before."""
    election = as_master(now=0.0)
    run_to(election, 0.6)
    assert kinds(election.wake(2.1)) == ["Changed", "DropAddresses"]
    assert election.router.cause is Cause.LEASE_LAPSED


def test_an_advert_that_finds_the_lease_lapsed_is_heard_as_by_a_backup() -> None:
    """Whoever was alone hears somebody after a stall past the lease: listening comes first, and is all there is to do."""
    election = as_master(now=0.0)
    election.set_alone(True, 0.1)
    election.confirmed(60)
    assert kinds(election.receive(advert(200), HIGHER, 70.0))[:2] == ["Changed", "DropAddresses"]
    assert (election.router.state, election.router.cause) == (State.BACKUP, Cause.LEASE_LAPSED)


def test_a_stall_in_the_midst_of_a_takeover_listens_first() -> None:
    """The write that the first advert waits for is void when it is done, and would end the mastership later."""
    election = started(now=-0.36)
    election.wake(0.001)
    assert election.router.confirm_by is not None
    assert kinds(election.wake(1.4)) == ["Changed", "DropAddresses"]
    assert election.router.cause is Cause.LEASE_LAPSED


def test_a_stall_past_the_lease_listens_first() -> None:
    """The VIPs are gone by the kernel's clock, and a peer that we cannot hear may have them."""
    election = as_master(now=0.0)
    assert kinds(election.wake(2.5)) == ["Changed", "DropAddresses"]
    assert election.router.cause is Cause.LEASE_LAPSED
    run_to(election, 2.5 + 0.37)
    assert election.router.state is State.MASTER


def test_the_kernels_word_of_an_expired_vip_does_not_bring_it_back() -> None:
    """After a stall past the lease the first event may be that of the VIP's end; it must not be re-created."""
    election = as_master(now=0.0)
    assert kinds(election.addresses_missing(2.5)) == ["Changed", "DropAddresses"]
    assert election.router.state is State.BACKUP


def test_a_lingering_holder_that_slept_past_its_lease_does_not_renew() -> None:
    """Not master any more, VIPs expired while asleep: they stay away."""
    election = as_master(now=0.0)
    election.set_fault("tracked interface eth1 is down", 0.05)
    run_to(election, 0.1)
    assert kinds(election.wake(3.0)) == ["DropAddresses"]


def test_a_backup_that_was_late_itself_waits_one_interval_more() -> None:
    """The adverts may be waiting behind our own lateness; it says so, once."""
    election = started()
    (said,) = election.wake(0.361 + 0.06)
    assert isinstance(said, Say)
    assert "late" in said.text
    assert election.deadline() == pytest.approx(0.521)
    assert kinds(election.wake(0.521 + 0.08)) == ["Changed", "HoldAddresses"]


def test_patience_is_not_for_a_released_router() -> None:
    """The master said that it goes: there is nobody to accuse, unless we slept so long that another may have followed."""
    for woke, does in ((0.4, ["Changed", "HoldAddresses"]), (0.5, ["Say"])):
        election = started()
        election.receive(advert(RELEASE), HIGHER, 0.1)
        assert kinds(election.wake(woke)) == does


def test_patience_is_for_each_stall_in_which_another_may_have_followed() -> None:
    """It slept, waits for an advert, and sleeps again: slow only, or for so long that there may be a master by now."""
    for woke, does in ((0.85, ["Changed", "HoldAddresses"]), (0.95, ["Say"])):
        election = started()
        assert kinds(election.wake(0.5)) == ["Say"]
        assert kinds(election.wake(woke)) == does


def test_patience_returns_with_each_advert() -> None:
    """A second late wake, after the master was heard again, is met with patience again."""
    election = started()
    election.wake(0.5)
    election.receive(advert(200), HIGHER, 0.55)
    assert kinds(election.wake(2.0)) == ["Say"]


# ---- announcing -------------------------------------------------------------------------------------------------


def announced(done: list[tuple[float, Action]]) -> list[float]:
    """When announcements were made."""
    return [at for at, action in done if isinstance(action, Announce)]


def test_announcements_insist_until_the_dead_masters_lease_has_ended() -> None:
    """No release was heard: its kernel may answer ARP for the lease and a second after its last advert."""
    election = started(lease=3)
    election.receive(advert(200), HIGHER, 1.0)
    done = run_to(election, 10.0)
    began = election.router.since
    insisting = [began + 1.5 + 0.5 * n for n in range(6)]
    burst = [began + offset for offset in (0.0, 0.1, 0.3, 0.7)]
    assert announced(done) == pytest.approx(burst + insisting, abs=0.001)
    assert insisting[-2] < 1.0 + 3 + 1 <= insisting[-1]


def test_announcements_do_not_insist_after_a_release() -> None:
    """The old master let go by itself: the burst is enough."""
    election = started(lease=3)
    election.receive(advert(200), HIGHER, 1.0)
    election.receive(advert(RELEASE), HIGHER, 1.05)
    assert len(announced(run_to(election, 10.0))) == 5


def test_announcements_stop_with_mastership() -> None:
    """The burst belongs to the master only."""
    election = as_master(now=0.0)
    election.receive(advert(200), HIGHER, 0.05)
    assert announced(run_to(election, 0.2)) == []


# ---- reload -----------------------------------------------------------------------------------------------------


def test_a_vip_that_comes_by_reload_is_put_on_and_announced() -> None:
    """The master takes the new VIP at once, and tells of all of them."""
    election = as_master(now=0.0)
    run_to(election, 5.0)
    grown = with_changes(election.router.spec, addresses=(vip(), vip("10.99.0.101")))
    actions = election.adopt(grown, 5.05)
    assert kinds(actions) == ["HoldAddresses"]
    assert announced(run_to(election, 5.2)) == [5.05, pytest.approx(5.15)]


def test_a_backup_adopts_in_silence() -> None:
    """Nothing is held, so nothing is written."""
    election = started()
    assert election.adopt(with_changes(election.router.spec, lease=9), 0.1) == []


def test_a_lease_that_a_reload_turned_on_begins_at_once() -> None:
    """From `off` to 6 s: the VIPs get their end now."""
    election = as_master(now=0.0, lease=0)
    (hold,) = only(HoldAddresses, election.adopt(with_changes(election.router.spec, lease=6), 1.0))
    assert hold.lease == 6


def test_a_release_heard_after_a_stall_makes_nobody_speak_who_may_have_lost_the_vips() -> None:
    """It was sent while we slept, and so was its successor's advert behind it: that one is the master."""
    election = as_master(now=0.0, priority=200)
    run_to(election, 1.0)
    assert election.receive(advert(RELEASE), LOWER, 9.0) == []
    election.receive(advert(50), HIGHER, 9.0)
    assert election.router.cause is Cause.OVERTAKEN


@pytest.mark.parametrize(
    "event",
    [
        lambda e: e.set_alone(True, 9.0),
        lambda e: e.release(9.0, hold=1.0, within=1.4),
        lambda e: e.release(9.0, hold=1.0, within=1.4, named=True),
        lambda e: e.stop(9.0),
        lambda e: e.stop(9.0, named=True),
        lambda e: e.adopt(router_spec(priority=90), 9.0),
        lambda e: e.set_priority(90, 9.0),
        lambda e: e.release(1.0, hold=1.0, within=1.4, named=True) and e.hand(handing.unanswered, 9.0),
    ],
    ids=["alone", "release", "release by name", "stop", "stop by name", "reload", "priority", "refusal"],
)
def test_whatever_is_heard_first_after_a_long_stall_renews_nothing(event: Any) -> None:
    """The lease is over, and a renewal would bring back what another director may have by now."""
    election = as_master(now=0.0)
    run_to(election, 1.0)
    actions = event(election) + election.wake(9.0)
    assert not only(HoldAddresses, actions)
    assert not only(SendAdvert, actions)
    assert only(DropAddresses, actions)
    assert election.router.state is not State.MASTER
