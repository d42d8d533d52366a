"""A director whose first checks are not finished: it may take over from nobody, but never preempts."""

from typing import Any

from failover.election import Election
from failover.moves import State
from failover.packet import OWNER, RELEASE
from support.failover import LOWER, advert, run_to, started


def unproven(**changes: Any) -> Election:
    """A backup of priority 100 without verdicts."""
    election = started(**changes)
    election.set_priority(election.router.priority, 0.0, unproven=True)
    return election


def hears(election: Election, priority: int, since: float, until: float) -> State:
    """Its state after adverts of this priority every 100 ms."""
    for tick in range(round(since * 10), round(until * 10)):
        election.receive(advert(priority), LOWER, tick / 10)
        run_to(election, tick / 10 + 0.09)
    return election.router.state


def test_it_does_not_preempt() -> None:
    """However long a worse master advertises; and at once, as ever, when the verdicts are in."""
    election = unproven()
    assert hears(election, 50, 0.0, 20.0) is State.BACKUP
    election.set_priority(100, 20.0, unproven=False)
    assert hears(election, 50, 20.0, 20.5) is State.MASTER


def test_it_takes_over_from_a_silent_master() -> None:
    """Some director must serve, and unknown is no reason against this one."""
    election = unproven()
    hears(election, 50, 0.0, 1.0)
    run_to(election, 2.0)
    assert election.router.state is State.MASTER


def test_it_takes_over_from_a_master_that_releases() -> None:
    """Somebody is asked to come."""
    election = unproven()
    hears(election, 50, 0.0, 1.0)
    election.receive(advert(RELEASE), LOWER, 1.0)
    run_to(election, 1.1)
    assert election.router.state is State.MASTER


def test_preempt_delay_runs_meanwhile() -> None:
    """It counts from the first worse advert, not from the verdict."""
    election = unproven(preempt_delay=2.0)
    assert hears(election, 50, 0.0, 3.0) is State.BACKUP
    election.set_priority(100, 20.0, unproven=False)
    assert hears(election, 50, 3.0, 3.5) is State.MASTER


def test_the_owner_of_the_addresses_is_master_at_once() -> None:
    """They are on its interface whatever its checks say (RFC 9568 6.4.1)."""
    election = unproven(priority=OWNER)
    run_to(election, 0.0)
    assert election.router.state is State.MASTER
