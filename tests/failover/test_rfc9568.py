"""RFC 9568 sentence by sentence, as far as it concerns the election; each test names its section."""

from itertools import pairwise

import pytest

from failover.actions import Announce, DropAddresses, SendAdvert, TwoMasters
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import OWNER, RELEASE
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
    settled,
    started,
    with_changes,
)

SKEW = 156 / 256 * 0.1
"""Skew time of priority 100 with adverts every 100 ms."""
MASTER_DOWN = 0.3 + SKEW


# ---- 6.1 Parameters ---------------------------------------------------------------------------------------------


def test_6_1_owner_always_preempts() -> None:
    """The owner of the addresses preempts, independent of Preempt_Mode."""
    election = started(preempt=False, priority=OWNER, startup_delay=1.0)
    election.receive(advert(254), HIGHER, 0.5)
    run_to(election, 1.0)
    assert election.router.state is State.MASTER


def test_6_1_preempt_mode_false_leaves_a_lower_master_alone() -> None:
    """With Preempt_Mode false a lower-priority Active Router is not preempted."""
    election = started(preempt=False)
    for tick in range(100):
        election.receive(advert(1), LOWER, tick * 0.1)
        run_to(election, tick * 0.1 + 0.05)
    assert election.router.state is State.BACKUP


# ---- 6.4.1 Initialize -------------------------------------------------------------------------------------------


def test_6_4_1_owner_becomes_master_at_startup() -> None:
    """Priority 255: VIPs, advert and announcement at once, advert timer armed, state Active."""
    election = started(priority=OWNER)
    done = run_to(election, 0.0)
    assert kinds([action for _, action in done]) == ["Changed", "HoldAddresses", "SendAdvert", "Announce"]
    assert election.router.cause is Cause.OWNER
    assert election.router.advert_at == pytest.approx(0.1)


def test_6_4_1_others_become_backup_with_the_master_down_timer() -> None:
    """Active_Adver_Interval is our own, the down timer is armed, state Backup."""
    election = started()
    assert election.router.state is State.BACKUP
    assert election.deadline() == pytest.approx(MASTER_DOWN)


def test_6_4_1_a_silent_link_is_taken_after_the_master_down_time() -> None:
    """Nobody advertises: this director becomes Active when its timer fires, not before."""
    election = started()
    assert run_to(election, MASTER_DOWN - 0.001) == []
    run_to(election, MASTER_DOWN)
    assert election.router.state is State.MASTER


# ---- 6.4.2 Backup -----------------------------------------------------------------------------------------------


def test_6_4_2_takeover_puts_addresses_on_then_advertises_then_announces() -> None:
    """Active_Down_Timer fires: the advert waits for the kernel's word that it has the addresses, announcing comes last."""
    election = started()
    actions = election.wake(MASTER_DOWN)
    assert kinds(actions) == ["Changed", "HoldAddresses"]
    assert kinds(election.taken(MASTER_DOWN + 0.001)) == ["SendAdvert", "Announce"]
    assert election.router.advert_at == pytest.approx(MASTER_DOWN + 0.101)


def test_6_4_2_priority_zero_sets_the_timer_to_skew_time() -> None:
    """The master released: only the skew time remains, so that the best backup is first."""
    election = started()
    election.receive(advert(200), HIGHER, 0.2)
    election.receive(advert(RELEASE), HIGHER, 0.25)
    assert election.deadline() == pytest.approx(0.25 + SKEW)
    run_to(election, 0.25 + SKEW)
    assert election.router.cause is Cause.MASTER_RELEASED


def test_6_4_2_repeated_releases_do_not_push_the_takeover_back() -> None:
    """A release is sent three times; only the first counts."""
    election = started()
    for at in (0.20, 0.21, 0.22):
        election.receive(advert(RELEASE), HIGHER, at)
    assert election.deadline() == pytest.approx(0.20 + SKEW)


@pytest.mark.parametrize("priority", [100, 101, 254, 255])
def test_6_4_2_an_advert_of_at_least_our_priority_arms_the_timer_again(priority: int) -> None:
    """Priority equal or greater: Active_Down_Timer is reset."""
    election = started()
    election.receive(advert(priority), LOWER, 0.3)
    assert election.deadline() == pytest.approx(0.3 + MASTER_DOWN)


@pytest.mark.parametrize("priority", [1, 99])
def test_6_4_2_a_lower_advert_is_discarded_when_preempting(priority: int) -> None:
    """Preempt_Mode true and priority lower: the timer runs on, and then we take over."""
    election = started()
    election.receive(advert(priority), HIGHER, 0.3)
    assert election.deadline() == pytest.approx(MASTER_DOWN)
    run_to(election, MASTER_DOWN)
    assert election.router.cause is Cause.PREEMPTING


def test_6_4_2_the_masters_interval_is_learned() -> None:
    """Active_Adver_Interval comes from the advert; skew and down interval are computed with it."""
    election = started()
    election.receive(advert(200, interval=1.0), HIGHER, 0.2)
    assert election.deadline() == pytest.approx(0.2 + 3.0 + 156 / 256)
    election.receive(advert(RELEASE, interval=1.0), HIGHER, 0.3)
    assert election.deadline() == pytest.approx(0.3 + 156 / 256)


def test_rfc3768_6_2_version_2_counts_with_its_own_interval() -> None:
    """VRRPv2 learns nothing: Master_Down_Interval is of our own interval, the skew of one second."""
    election = started(version=2, advert_interval=2.0)
    election.receive(advert(200, interval=2.0, version=2), HIGHER, 1.0)
    assert election.deadline() == pytest.approx(1.0 + 6.0 + 156 / 256)


def test_6_4_2_a_backup_sends_nothing() -> None:
    """No adverts, no announcements, no addresses while Backup."""
    election = started()
    for tick in range(50):
        assert election.receive(advert(200), HIGHER, tick * 0.1) == []
        assert run_to(election, tick * 0.1 + 0.09) == []


def test_6_4_2_shutdown_as_backup() -> None:
    """Shutdown: the timer is cancelled, the state is Initialize, nothing is sent."""
    election = started()
    assert kinds(election.stop(0.1)) == ["Changed", "Stopped"]
    assert election.router.state is State.INIT
    assert election.deadline() is None


# ---- 6.4.3 Active -----------------------------------------------------------------------------------------------


def test_6_4_3_adverts_go_out_every_interval() -> None:
    """Adver_Timer fires: an advert, and the timer armed again with the interval."""
    election = as_master(now=0.0)
    assert adverts(run_to(election, 0.501)) == [(round(tick * 0.1, 6), 100) for tick in range(1, 6)]


def test_6_4_3_a_late_wake_does_not_shift_the_adverts_after_it() -> None:
    """Lateness of the loop does not add up."""
    election = as_master(now=0.0)
    election.wake(0.13)
    assert election.router.advert_at == pytest.approx(0.2)


def test_6_4_3_priority_zero_is_answered_by_an_advert_at_once() -> None:
    """Another Active Router gives up: say that we are here, and arm the timer again. It may have announced: so do we."""
    election = as_master(now=0.0)
    assert election.receive(advert(RELEASE), LOWER, 0.05) == [SendAdvert(100), Announce()]
    assert election.router.advert_at == pytest.approx(0.15)


def test_6_4_3_a_higher_priority_makes_us_backup() -> None:
    """Priority greater than ours: addresses off, down timer from the sender's interval, state Backup.

    The last advert is beyond the RFC, see below."""
    election = as_master(now=0.0)
    assert kinds(settled(election, advert(101, interval=0.2), LOWER, 0.05)) == [
        "SendAdvert",
        "Changed",
        "DropAddresses",
    ]
    assert election.router.cause is Cause.OUTRANKED
    assert election.deadline() == pytest.approx(0.05 + 0.6 + 156 / 256 * 0.2)


def test_6_4_3_equal_priority_is_won_by_the_greater_address() -> None:
    """Priority equal: the greater primary address, compared as unsigned numbers, stays Active."""
    election = as_master(now=0.0)
    election.receive(advert(100), HIGHER, 0.05)
    assert election.router.state is State.BACKUP
    election = as_master(now=0.0)
    election.receive(advert(100), LOWER, 0.05)
    assert election.router.state is State.MASTER


def test_6_4_3_addresses_compare_unsigned() -> None:
    """192.0.0.1 is greater than 10.99.0.5, although its first bit is set."""
    election = as_master(now=0.0)
    election.receive(advert(100), bytes((192, 0, 0, 1)), 0.05)
    assert election.router.state is State.BACKUP


def test_6_4_3_a_losing_advert_is_answered_at_once() -> None:
    """Otherwise: discard, and send an ADVERTISEMENT immediately to assert the state to the sender (and to bridges)."""
    election = as_master(now=0.0)
    actions = election.receive(advert(99), HIGHER, 0.05)
    assert kinds(actions) == ["SendAdvert", "Announce"]
    assert election.router.state is State.MASTER


def test_a_master_that_is_outranked_after_a_while_says_so() -> None:
    """Beyond the RFC: its winner may never have heard it, and announces again when it does. One that has not announced yet
    has nothing to say."""
    election = as_master(now=0.0)
    run_to(election, 1.0)
    actions = election.receive(advert(101), LOWER, 1.0)
    assert kinds(actions) == ["SendAdvert", "Changed"]
    assert only(SendAdvert, actions) == [SendAdvert(100)]
    waiting = started(now=-0.36)
    waiting.wake(0.001)
    assert waiting.router.confirm_by is not None
    assert kinds(waiting.receive(advert(101), LOWER, 0.01)) == ["Changed"]


def test_the_winner_outlasts_the_losers_announcements_and_its_lease() -> None:
    """Beyond the RFC: a loser that does not hear us announces too, and when it dies its kernel answers ARP while its lease
    lasts. Whoever was announced last must be the master: once a second until the lease has ended."""
    election = as_master(now=0.0)
    run_to(election, 10.0)
    done = []
    for tick in range(100, 120):
        done += [(tick / 10, action) for action in election.receive(advert(99), LOWER, tick / 10)]
        done += run_to(election, tick / 10 + 0.09)
    done += run_to(election, 40.0)
    times = [at for at, action in done if isinstance(action, Announce)]
    assert 11.9 + 2 + 1 <= times[-1] < 20.0
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(times))


def test_the_winner_outlasts_the_burst_of_one_that_began_when_it_did() -> None:
    """Two took over in one moment; the loser may be cut off before it hears us, and announces to its burst's end."""
    election = as_master(now=0.0)
    election.receive(advert(99), LOWER, 0.05)
    announced = [at for at, action in run_to(election, 10.0) if isinstance(action, Announce)]
    assert announced[-1] > 0.05 + router_spec().announce.burst[-1] + 0.5


def test_6_4_3_answers_to_a_losing_master_are_limited() -> None:
    """At most one advert an interval and one announcement a second, whatever arrives."""
    election = as_master(now=0.0)
    answers = [a for n in range(1000) for a in election.receive(advert(99), HIGHER, 0.05 + n / 1000)]
    assert len(only(SendAdvert, answers)) == 10
    assert len(only(Announce, answers)) == 1


def test_a_second_master_is_reported_once_the_takeover_is_over() -> None:
    """The old master's last adverts right after a takeover are no conflict; later ones are."""
    election = as_master(now=0.0)
    assert only(TwoMasters, election.receive(advert(99), HIGHER, 0.05)) == []
    run_to(election, 2.0)
    (conflict,) = only(TwoMasters, election.receive(advert(99), HIGHER, 2.05))
    assert (conflict.address, conflict.priority) == (HIGHER, 99)


def test_each_conflict_is_told_once() -> None:
    """However long it lasts; one that was over for a second and the dead time, or one with another master, is a new one."""
    election = as_master(now=0.0)
    run_to(election, 2.0)
    told = []
    for tick in range(40):
        told += only(TwoMasters, election.receive(advert(99), HIGHER, 2.05 + tick / 10))
        run_to(election, 2.1 + tick / 10)
    assert [one.address for one in told] == [HIGHER]
    assert election.router.rival_now(6.0) == HIGHER
    assert [one.address for one in only(TwoMasters, election.receive(advert(98), LOWER, 6.1))] == [LOWER]
    run_to(election, 9.0)
    assert election.router.rival_now(9.0) == b""
    assert only(TwoMasters, election.receive(advert(98), LOWER, 9.05))


def test_6_4_3_shutdown_sends_priority_zero() -> None:
    """Shutdown: an ADVERTISEMENT with priority 0; hactl sends three, and keeps the addresses for the successor."""
    election = as_master(now=0.0)
    done = [(0.05, action) for action in election.stop(0.05)] + run_to(election, 0.08)
    assert adverts(done) == [(round(0.05 + n / 100, 6), RELEASE) for n in range(3)]
    assert election.router.holding
    assert kinds(settled(election, advert(90), LOWER, 0.16)) == ["Changed", "DropAddresses", "Stopped"]


def test_6_4_3_an_advert_while_the_kernel_is_busy_is_not_answered() -> None:
    """Our first advert makes the old master let go, so it must not leave before our addresses are there."""
    election = started()
    election.receive(advert(99), LOWER, 0.3)
    assert kinds(election.wake(MASTER_DOWN)) == ["Changed", "HoldAddresses"]
    assert election.receive(advert(99), LOWER, 0.4) == []
    assert election.receive(advert(RELEASE), LOWER, 0.4) == []
    assert kinds(election.taken(0.405)) == ["SendAdvert", "Announce"]


# ---- 8.3 and hactl's own rules beside the RFC -------------------------------------------------------------------


def test_8_3_2_two_directors_of_equal_priority_end_with_one_master() -> None:
    """Both start at once, both time-outs fire together, and the address decides at the first advert."""
    first, second = (Election(started().router.spec, address) for address in (LOWER, HIGHER))
    for election in (first, second):
        election.start(0.0)
        election.wake(MASTER_DOWN)
        election.taken(MASTER_DOWN)
    first.receive(advert(100), HIGHER, 0.4)
    second.receive(advert(100), LOWER, 0.4)
    assert (first.router.state, second.router.state) == (State.BACKUP, State.MASTER)


def test_down_after_counts_missed_adverts() -> None:
    """`down_after: 5` waits for five intervals and the skew time."""
    election = started(down_after=5)
    assert election.deadline() == pytest.approx(0.5 + SKEW)


def test_preempt_delay_counts_from_the_first_lower_advert() -> None:
    """For that long the lower master is obeyed; then its adverts are ignored and the timer runs out."""
    election = started(preempt_delay=2.0)
    for tick in range(1, 40):
        at = tick / 10
        election.receive(advert(50), LOWER, at)
        run_to(election, at + 0.09)
        if election.router.state is State.MASTER:
            break
    # The first advert came at 0.1: those before 2.1 arm the timer again, the last of them at 2.0.
    assert election.router.since == pytest.approx(2.0 + MASTER_DOWN)
    assert election.router.cause is Cause.PREEMPTING


def test_preempt_delay_starts_anew_when_a_better_master_was_heard() -> None:
    """A master of our priority or more ends the wait; another lower one begins it again."""
    election = started(preempt_delay=1.0)
    election.receive(advert(50), LOWER, 0.1)
    election.receive(advert(200), HIGHER, 0.9)
    election.receive(advert(50), LOWER, 1.2)
    assert election.deadline() == pytest.approx(1.2 + MASTER_DOWN)


def test_preempt_delay_never_delays_a_takeover_from_a_silent_master() -> None:
    """It concerns preemption only."""
    election = started(preempt_delay=60.0)
    election.receive(advert(50), LOWER, 0.1)
    run_to(election, 0.1 + MASTER_DOWN)
    assert election.router.cause is Cause.MASTER_SILENT


def test_startup_delay_only_listens() -> None:
    """For `startup_delay` nothing is taken, not even from nobody; afterwards the silence heard so far counts."""
    election = started(startup_delay=5.0)
    run_to(election, 4.99)
    assert election.router.state is State.BACKUP
    run_to(election, 5.0)
    assert election.router.since == 5.0


def test_a_changed_priority_is_advertised_at_once() -> None:
    """Tracking lowered the priority: a better backup must learn it now, not in an interval."""
    election = as_master(now=0.0)
    election.set_priority(60, 0.04)
    assert adverts(run_to(election, 0.04)) == [(0.04, 60)]


def test_a_changed_interval_takes_effect_at_the_next_advert() -> None:
    """A reload with another interval restarts nothing."""
    election = as_master(now=0.0)
    election.adopt(with_changes(election.router.spec, advert_interval=0.5), 0.05)
    assert adverts(run_to(election, 1.2)) == [
        (0.1, 100),
        (0.6, 100),
        (1.1, 100),
    ]


def test_own_address_and_priority_is_no_reason_to_yield() -> None:
    """An advert that equals ours in both (a misconfigured twin) does not make us leave."""
    election = as_master(now=0.0)
    election.receive(advert(100), OURS, 0.05)
    assert election.router.state is State.MASTER


def test_nothing_is_dropped_that_is_not_held() -> None:
    """A backup that hears adverts asks nothing of the kernel."""
    election = started()
    assert only(DropAddresses, election.receive(advert(200), HIGHER, 0.1)) == []
