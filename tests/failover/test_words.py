"""A peer's own word that its end or its link's is near shortens the wait, and nothing else."""

from collections.abc import Iterable

import pytest

from failover.actions import Announce, HoldAddresses
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.spec import Standby
from support.failover import advert, router_spec, run_to

HIGHER, LOWER = bytes((10, 99, 0, 9)), bytes((10, 99, 0, 1))

SKEW = 156 / 256 * 0.1


def backup_of(master: bytes, **changes: object) -> Election:
    """A backup that heard this master at 1.0."""
    election = Election(router_spec(**changes), b"\x0a\x63\x00\x02")
    election.start(0.0)
    election.receive(advert(200), master, 1.0)
    return election


def test_a_lost_link_of_the_master_in_a_pair_is_acted_on_at_once() -> None:
    """No advert can come any more: take over now."""
    election = backup_of(HIGHER)
    election.hasten(HIGHER, 1.05, gone=True, pair=True)
    assert election.router.state is State.MASTER


def test_with_three_directors_the_skew_time_still_tells_who_is_first() -> None:
    """A lost link shortens the wait to the skew time."""
    election = backup_of(HIGHER)
    election.hasten(HIGHER, 1.05, gone=True, pair=False)
    assert election.deadline() == pytest.approx(1.05 + SKEW)


def test_an_ending_daemon_needs_one_missed_advert() -> None:
    """One interval and the skew time after its last advert."""
    election = backup_of(HIGHER)
    election.hasten(HIGHER, 1.05, gone=False, pair=True)
    assert election.deadline() == pytest.approx(1.0 + 0.1 + SKEW)


def test_the_advert_that_is_sent_with_the_word_is_the_last() -> None:
    """Whichever arrives first, one interval and the skew time after it somebody else must be master."""
    election = backup_of(HIGHER)
    election.hasten(HIGHER, 1.05, gone=False, pair=True)
    election.receive(advert(200), HIGHER, 1.051)
    assert election.deadline() == pytest.approx(1.051 + 0.1 + SKEW)
    run_to(election, 1.3)
    assert (election.router.state, election.router.cause) == (State.MASTER, Cause.MASTER_GONE)


def test_the_last_advert_of_a_director_in_standby() -> None:
    """Others act."""
    election = backup_of(HIGHER)
    election.set_standby(Standby.SOFT, 1.0)
    election.hasten(HIGHER, 1.05, gone=False, pair=True)
    election.receive(advert(200), HIGHER, 1.051)
    assert (election.deadline() or 0.0) > 1.051 + 0.3 + SKEW


@pytest.mark.parametrize("gone", [True, False])
def test_a_word_from_before_a_stall_shortens_nothing(gone: bool) -> None:
    """It may have been taken back meanwhile: patience counts from the last advert, as if nothing had been said."""
    election = backup_of(HIGHER)
    election.receive(advert(200, interval=1.0), HIGHER, 1.1)
    election.hasten(HIGHER, 1.2, gone=gone, pair=False)
    assert (election.deadline() or 9.0) < 2.8
    election.wake(3.4)
    assert election.deadline() == pytest.approx(1.1 + 3.0 + 156 / 256)


@pytest.mark.parametrize("gone", [True, False])
def test_the_word_of_somebody_else_changes_nothing(gone: bool) -> None:
    """Only the master that was heard last is believed."""
    election = backup_of(HIGHER)
    before = election.deadline()
    election.hasten(LOWER, 1.05, gone=gone, pair=True)
    assert election.deadline() == before


def test_a_start_that_listens_goes_on_listening() -> None:
    """`startup_delay` goes before a peer's word."""
    election = backup_of(HIGHER, startup_delay=10.0)
    election.hasten(HIGHER, 1.05, gone=True, pair=True)
    assert election.router.state is State.BACKUP


@pytest.mark.parametrize("gone", [True, False])
def test_a_takeover_on_the_masters_word_says_so(gone: bool) -> None:
    """The last advert is not long ago, and yet this is no preempting: of equals, and where nobody preempts."""
    election = backup_of(HIGHER, priority=200, preempt=False)
    election.hasten(HIGHER, 1.05, gone=gone, pair=True)
    run_to(election, 1.2)
    assert (election.router.state, election.router.cause) == (State.MASTER, Cause.MASTER_GONE)


def test_the_word_of_a_daemon_before_is_forgotten_with_the_next_ones_adverts() -> None:
    """It was read after a stall; the next daemon is the worse one and is preempted, which is what is said."""
    election = backup_of(HIGHER, priority=250, preempt_delay=0.0)
    election.router.down_at = 2.0
    election.hasten(HIGHER, 1.0, gone=False, pair=True)
    assert election.router.hastened
    election.receive(advert(200), HIGHER, 1.05)
    run_to(election, 2.0)
    assert election.router.cause is Cause.PREEMPTING


def test_a_masters_word_is_forgotten_with_its_next_advert() -> None:
    """It goes on after all, and falls silent later without a word."""
    election = backup_of(HIGHER)
    election.hasten(HIGHER, 1.05, gone=False, pair=True)
    election.receive(advert(200), HIGHER, 1.1)
    run_to(election, 2.0)
    assert election.router.cause is Cause.MASTER_SILENT


def test_who_hears_adverts_is_not_alone() -> None:
    """The peers' own channel may be cut where adverts are not: a long lease would outlive what the peer does meanwhile."""
    election = backup_of(HIGHER)
    assert election.set_alone(True, 1.2) == []
    assert election.router.lease == 2
    election.set_alone(True, 1.4)
    assert election.router.lease == 60, "silent for longer than the dead time"
    run_to(election, 1.5)
    actions = election.receive(advert(50), LOWER, 1.6)
    assert [a.lease for a in actions if isinstance(a, HoldAddresses)] == [2], "and it is short again at once"


def test_leases_alone() -> None:
    """With every peer dead the lease is long; with one back it is short at once; off stays off."""
    election = Election(router_spec(priority=200), b"\x0a\x63\x00\x02")
    election.start(0.0)
    election.receive(advert(RELEASE), LOWER, 0.0)
    election.wake(0.1)
    assert [a.lease for a in election.set_alone(True, 1.1) if isinstance(a, HoldAddresses)] == [60]
    assert [a.lease for a in election.set_alone(False, 1.2) if isinstance(a, HoldAddresses)] == [2]
    assert election.set_alone(False, 1.3) == []
    unleased = Election(router_spec(lease=0), b"\x0a\x63\x00\x02")
    assert (unleased.router.lease, unleased.set_alone(True, 1.0)) == (0, [])


def master_of_all() -> Election:
    """A master (priority 100, 10.99.0.2) since 1.4, its burst long over at 20."""
    election = backup_of(LOWER)
    run_to(election, 20.0)
    assert election.router.state is State.MASTER
    return election


def announced(done: Iterable[tuple[float, object]]) -> list[float]:
    """When, to the millisecond."""
    return [round(at, 3) for at, action in done if isinstance(action, Announce)]


def test_a_winner_announces_again_when_a_peer_says_that_it_is_master_too() -> None:
    """The loser's adverts are all lost, what it announced is not: at once, then each second until its lease is over."""
    election = master_of_all()
    assert Announce() in election.told_of_master(90, HIGHER, 20.0)
    lasts = election.router.spec.lease + 1.0
    assert announced(run_to(election, 40.0)) == [20.0 + n for n in range(1, int(lasts) + 1)]


def test_who_loses_to_a_peer_or_is_no_master_announces_nothing() -> None:
    """Neighbours must learn the winner's MAC, not this one's."""
    election = master_of_all()
    assert election.told_of_master(200, LOWER, 20.0) == []
    assert election.told_of_master(election.router.priority, HIGHER, 20.0) == []
    assert backup_of(HIGHER).told_of_master(1, LOWER, 1.05) == []


def test_the_word_of_the_old_master_adds_nothing_to_a_takeovers_burst() -> None:
    """It says that it is no master any more; that is what the takeover was."""
    election = backup_of(LOWER)
    run_to(election, 1.5)
    assert election.router.state is State.MASTER
    assert election.told_of_master(90, LOWER, election.router.since + 0.01) == []
