"""The time that trailers carry, while the host's own clock is set."""

import pytest

from failover.trailer_clock import Moment, TrailerClock
from support.moments import WALL, at


def clock() -> TrailerClock:
    """One that has looked once."""
    made = TrailerClock()
    assert made.look(at(0.0)) == ""
    return made


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (-3600.0, "the clock of this host was set back by 3600 s"),
        (90.0, "the clock of this host was set forward by 90 s"),
    ],
)
def test_a_step_is_told_once_and_changes_nothing(step: float, words: str) -> None:
    """Peers go on taking our adverts, and we theirs, by the clock that all had before."""
    kept = clock()
    assert kept.look(at(5.0, step)) == words
    assert kept.look(at(6.0, step)) == ""
    assert kept.read(at(6.0, step)) == WALL + 6.0
    assert kept.is_fresh(WALL + 6.0, 5.0, at(6.0, step))


@pytest.mark.parametrize("step", [0.5, -0.5, 0.02])
def test_a_small_correction_is_followed_without_a_word(step: float) -> None:
    """Time daemons slew, and a leap second is one."""
    kept = clock()
    assert kept.look(at(1.0, step)) == ""
    assert kept.read(at(2.0, step)) == pytest.approx(WALL + 2.0 + step)


def test_what_two_readings_differ_by_is_no_correction() -> None:
    """Else the supervisor would hear something new each second."""
    kept = clock()
    kept.look(at(1.0, 0.004))
    assert kept.ahead == WALL


def test_the_new_time_is_followed_when_a_peer_has_it() -> None:
    """A clock that was put right: who has a key and the same time says so with each advert."""
    kept = clock()
    kept.look(at(5.0, 3600.0))
    later = at(6.0, 3600.0)
    assert kept.agree(WALL + 6.0, 5.0, later) == "", "a peer with the old time"
    assert kept.agree(WALL + 1806.0, 5.0, later) == "", "a peer with neither"
    assert "agrees" in kept.agree(WALL + 3606.0, 5.0, later)
    assert kept.read(later) == later.wall
    assert kept.agree(WALL + 3606.0, 5.0, later) == "", "once"


def test_freshness_across_the_wrap_in_2106() -> None:
    """The seconds on the wire are counted modulo 2**32."""
    kept = TrailerClock()
    end = Moment(0.0, float(1 << 32))
    kept.look(end)
    assert kept.is_fresh((1 << 32) - 1.0, 5.0, end)
    assert not kept.is_fresh((1 << 32) - 6.0, 5.0, end)
