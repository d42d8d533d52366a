"""Standing aside, and not preempting who was handed the router."""

import pytest

from failover import handing
from failover.election import Election
from failover.moves import Cause, State
from failover.packet import LAST, OWNER, RELEASE
from failover.router import Router
from failover.spec import Standby
from support.failover import (
    HIGHER,
    LOWER,
    OURS,
    advert,
    adverts,
    as_master,
    kinds,
    router_spec,
    run_to,
    started,
)

MASTER_DOWN = 0.3 + 255 / 256 * 0.1
"""That of the lowest priority."""


def aside(standby: Standby = Standby.SOFT, **changes: int) -> Election:
    """A backup in standby that has just heard a master."""
    election = Election(router_spec(**changes), OURS)
    election.set_standby(standby, -1.0)
    election.start(-1.0)
    election.receive(advert(50), LOWER, 0.0)
    return election


def test_in_standby_it_takes_over_after_twice_the_time() -> None:
    """No master is heard for so long; then it is master with the lowest priority, so that anybody may take over."""
    election = aside(priority=200)
    done = run_to(election, 5.0)
    assert election.router.state is State.MASTER
    assert election.router.since == pytest.approx(2 * MASTER_DOWN)
    assert {priority for _, priority in adverts(done)} == {LAST}


def test_in_standby_it_never_preempts() -> None:
    """Not even the lowest of others."""
    election = aside(priority=200)
    for tick in range(1, 40):
        election.receive(advert(LAST), LOWER, tick / 10)
        assert kinds([action for _, action in run_to(election, tick / 10 + 0.09)]) == []


def test_in_standby_a_release_is_no_call() -> None:
    """Others are asked by it; this one goes on waiting for twice the time."""
    election = aside()
    election.receive(advert(RELEASE), LOWER, 0.1)
    run_to(election, 5.0)
    assert election.router.since == pytest.approx(2 * MASTER_DOWN)


def test_in_standby_a_word_does_not_hasten() -> None:
    """The master's daemon is ending, or its link is gone: others act."""
    election = aside()
    election.hasten(LOWER, 0.1, gone=True, pair=True)
    assert election.router.state is State.BACKUP


def test_hard_standby_never_takes_over() -> None:
    """Nobody is heard for ever; it wants to be woken for nothing."""
    election = aside(Standby.HARD)
    assert election.deadline() is None
    assert election.wake(1000.0) == []


def test_hard_standby_of_an_owner() -> None:
    """Even its own address is left to others."""
    election = Election(router_spec(priority=OWNER), OURS)
    election.set_standby(Standby.HARD, 0.0)
    election.start(0.0)
    assert run_to(election, 100.0) == []


@pytest.mark.parametrize("standby", [Standby.SOFT, Standby.HARD])
def test_the_end_of_standby(standby: Standby) -> None:
    """Its own priority again, as tracked meanwhile: it preempts as ever."""
    election = aside(standby, priority=100)
    election.set_priority(90, 0.05)
    assert election.router.priority == LAST
    election.set_standby(Standby.OFF, 0.1)
    for tick in range(1, 10):
        election.receive(advert(50), LOWER, tick / 10)
        run_to(election, tick / 10 + 0.09)
    assert (election.router.state, election.router.priority) == (State.MASTER, 90)


def test_a_master_without_successor_stays_with_the_lowest_priority() -> None:
    """It hands over, nobody comes; whoever comes later takes over."""
    election = as_master(now=0.0)
    election.release(0.0, hold=0.0, within=1.4)
    election.set_standby(Standby.HARD, 0.0)
    done = run_to(election, 2.0)
    assert {priority for _, priority in adverts(done)} == {RELEASE, LAST}
    assert kinds(election.receive(advert(2), LOWER, 2.0)) == ["SendAdvert", "Changed"]
    assert election.router.cause is Cause.OUTRANKED


def test_who_is_in_standby_is_not_asked() -> None:
    """And refuses if it is."""
    assert handing.refusal(aside().router, 0.1) == "this director is in standby"


# ---- a priority that falls --------------------------------------------------------------------------------------


def test_who_was_about_to_preempt_and_is_no_better_any_more_listens_on() -> None:
    """Tracking takes the priority away just before the timer ends, and the master's next advert is lost."""
    election = started(priority=200)
    for tick in range(1, 3):
        election.receive(advert(100), LOWER, tick / 10)
    assert election.deadline() == pytest.approx(0.3 + 56 / 256 * 0.1)
    election.set_priority(50, 0.25)
    assert election.deadline() == pytest.approx(0.2 + 0.3 + 206 / 256 * 0.1)


# ---- not preempting ---------------------------------------------------------------------------------------------


def holding_back(master: bytes = LOWER) -> Election:
    """A better director that was told not to preempt this master before 60 s."""
    election = started(priority=200)
    election.router.hold_back(60.0, master)
    return election


def preempts(election: Election, source: bytes, until: float = 2.0) -> bool:
    """Whether it takes over from a lower master that advertises."""
    for tick in range(1, int(until * 10)):
        election.receive(advert(50), source, tick / 10)
        run_to(election, tick / 10 + 0.09)
    return election.router.state is State.MASTER


def test_the_master_that_was_handed_it_is_not_preempted() -> None:
    """By nobody who knows of it; the worker need not have handed it over itself."""
    assert not preempts(holding_back(), LOWER)


def test_another_master_is() -> None:
    """The one that was handed it failed, and somebody else took over."""
    election = holding_back(HIGHER)
    assert preempts(election, LOWER)
    assert election.router.hold_until is None


def test_a_second_successor_does_not_end_the_hold() -> None:
    """Two may begin to succeed a release at once; the one that yields again must not bring the old master back."""
    election = started(priority=200)
    election.receive(advert(50), LOWER, 0.1)
    election.router.hold_back(60.0, LOWER)
    election.receive(advert(40), HIGHER, 0.15)
    assert not preempts(election, LOWER)
    assert election.router.hold_until == 60.0


def test_after_a_restart_the_first_master_heard_may_be_the_wrong_one() -> None:
    """While two masters advertise, the one that is to be held back from may be heard a moment later."""
    election = holding_back(LOWER)
    election.receive(advert(40), HIGHER, 0.05)
    assert not preempts(election, LOWER)
    assert election.router.hold_until == 60.0


def test_the_giver_learns_whom_it_holds_back_from() -> None:
    """The first master heard after a release; another one is preempted when that one is heard no more."""
    election = as_master(now=0.0, priority=200)
    election.release(0.0, hold=60.0, within=1.4)
    election.receive(advert(50), LOWER, 0.05)
    assert not preempts(election, LOWER)
    record: Router = election.router
    assert record.hold_for == LOWER
    for at in (2.0, 2.1, 2.2, 2.3):
        election.receive(advert(50), HIGHER, at)
        assert record.hold_until == 60.0
    election.receive(advert(50), HIGHER, 2.4)
    assert record.hold_until is None
