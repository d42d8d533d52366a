"""When a channel delivers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.pace import (
    ASKED_MOST,
    BACKOFF_MOST,
    GATHER,
    GATHER_MOST,
    LARGE,
    LARGE_WITHIN,
    Pace,
    arrived,
    deadline,
    failed,
    gave_up,
    succeeded,
)

DIGEST = 2.0


def test_nothing_is_due_while_nothing_waits() -> None:
    """An idle channel has no deadline."""
    assert deadline(Pace(), DIGEST) is None


def test_the_first_event_leaves_after_a_short_gathering() -> None:
    """A single event after a quiet time waits GATHER, not the digest."""
    assert deadline(arrived(Pace(), 10.0), DIGEST) == 10.0 + GATHER


def test_without_a_digest_an_event_leaves_at_once() -> None:
    """Digest 0 means no gathering at all."""
    assert deadline(arrived(Pace(), 10.0), 0.0) == 10.0


def test_a_burst_leaves_when_it_pauses() -> None:
    """Each further event of a burst puts the delivery off, but never beyond the digest."""
    pace = arrived(arrived(Pace(), 10.0), 10.1)
    assert deadline(pace, DIGEST) == pytest.approx(10.1 + 2 * GATHER)
    for step in range(40):
        pace = arrived(pace, 10.1 + step * 0.1)
    assert deadline(pace, DIGEST) == 10.0 + DIGEST


def test_a_burst_that_begins_slowly_is_one_delivery() -> None:
    """The first ten of thousands, and then nothing for a while: so many at once are no chance, more is to come."""
    pace = Pace()
    for number in range(10):
        pace = arrived(pace, 10.0 + number * 0.001)
    due = deadline(pace, DIGEST)
    assert due == 10.0 + DIGEST
    for number in range(LARGE):
        pace = arrived(pace, 11.5 + number * 0.001)
    assert deadline(pace, DIGEST) == pytest.approx(11.549 + GATHER_MOST)


def test_a_large_burst_is_waited_out() -> None:
    """Most of a cluster failing is one delivery, though it takes longer than the digest and has a pause in it."""
    pace = Pace()
    for number in range(LARGE):
        pace = arrived(pace, 10.0 + number * 0.01)
    assert deadline(pace, DIGEST) == pytest.approx(10.49 + GATHER_MOST)
    pace = arrived(pace, 19.0)
    assert deadline(pace, DIGEST) == 10.0 + LARGE_WITHIN
    assert deadline(pace, 30.0) == pytest.approx(19.0 + GATHER_MOST)
    assert deadline(pace, 0.0) == 10.0
    small = succeeded(pace, 21.0, 21.1, waiting=False, burst=False)
    assert deadline(arrived(small, 99.0), DIGEST) == 99.0 + GATHER


def test_what_follows_a_delivery_is_gathered_for_the_digest() -> None:
    """An event soon after a delivery waits until the digest has passed since that delivery began."""
    pace = succeeded(arrived(Pace(), 10.0), 10.2, 10.3, waiting=False, burst=False)
    assert deadline(pace, DIGEST) is None
    assert deadline(arrived(pace, 10.5), DIGEST) == 10.2 + DIGEST
    assert deadline(arrived(pace, 99.0), DIGEST) == 99.0 + GATHER


def test_the_rest_of_a_burst_is_due_at_once() -> None:
    """What did not fit into a full delivery follows it without waiting for the digest."""
    pace = succeeded(arrived(Pace(), 10.0), 10.2, 10.3, waiting=True, burst=True)
    due = deadline(pace, DIGEST)
    assert due is not None
    assert due <= 10.3


def test_back_off_doubles_up_to_its_most() -> None:
    """After failures the next try is 1, 2, 4, ... seconds away, and never more than 300; arrivals do not hasten it."""
    pace, waits = arrived(Pace(), 0.0), []
    for _ in range(12):
        pace = failed(pace, 100.0)
        waits.append(pace.retry_at - 100.0)
        assert deadline(arrived(pace, 100.0), DIGEST) == pace.retry_at
    assert waits[:5] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == BACKOFF_MOST


def test_a_receiver_is_left_alone_for_as_long_as_it_asks() -> None:
    """Where that is longer than the back-off, and not for ever."""
    pace = arrived(Pace(), 0.0)
    assert failed(pace, 100.0, 30.0).retry_at == 130.0
    assert failed(pace, 100.0, 0.5).retry_at == 101.0
    assert failed(pace, 100.0, 1e9).retry_at == 100.0 + ASKED_MOST


def test_giving_up_starts_the_back_off_anew() -> None:
    """After a loss the next event is tried at the time set, and its failures are counted from there."""
    pace = failed(failed(arrived(Pace(), 0.0), 0.0), 1.0)
    assert gave_up(pace, 1.0, waiting=False) == Pace()
    rest = gave_up(pace, 1.0, waiting=True)
    assert (rest.attempts, deadline(rest, DIGEST)) == (1, pace.retry_at)


@given(
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40),
    st.sampled_from([0.0, 0.1, 0.2, 2.0, 30.0]),
)
def test_every_event_leaves_within_the_digest_and_deliveries_keep_their_distance(
    gaps: list[float], digest: float
) -> None:
    """Whatever the arrivals: nothing waits longer than the digest after it is allowed, and deliveries are apart by it."""
    pace, now, began = Pace(), 0.0, None
    for gap in gaps:
        now += gap
        due = deadline(pace, digest)
        if due is not None and due <= now:
            assert began is None or due >= began + digest
            assert pace.first is not None
            assert due <= max(pace.first, began or 0.0) + digest
            began = due
            pace = succeeded(pace, due, due, waiting=False, burst=False)
        pace = arrived(pace, now)
