"""Portions of what a receiver refuses."""

from hypothesis import given
from hypothesis import strategies as st

from notify.portion import REFUSALS, Portion, refused, taken


def lost_of(number: int, poison: frozenset[int], limit: int) -> tuple[list[int], int]:
    """Which of so many events are lost at a receiver that refuses these, and more than `limit` at once; and the tries."""
    queue, portion, lost, tries = list(range(number)), Portion(), [], 0
    while queue:
        tries += 1
        batch = queue[: portion.most]
        if len(batch) <= limit and poison.isdisjoint(batch):
            portion, gone = taken(portion), True
        else:
            portion, gone = refused(portion, str(batch[0]), len(batch))
            lost += batch if gone else []
        queue = queue[len(batch) :] if gone else queue
    return lost, tries


@given(st.integers(1, 1000), st.sets(st.integers(0, 999), max_size=3), st.integers(5, 2000))
def test_what_is_refused_takes_few_others_with_it(number: int, poison: set[int], limit: int) -> None:
    """Each event that is refused is lost with three others at most, whatever the size of a delivery may be."""
    lost, tries = lost_of(number, frozenset(poison), limit)
    assert set(lost) >= {one for one in poison if one < number}
    assert len(lost) <= 4 * len(poison)
    assert tries < 600


def test_one_in_a_thousand() -> None:
    """It is found in some twenty tries."""
    lost, tries = lost_of(1000, frozenset({500}), 1000)
    assert 500 in lost
    assert len(lost) <= 3
    assert tries < 40


def test_a_receiver_that_takes_nothing_is_given_up_in_a_few_rounds() -> None:
    """Of twenty thousand events each is lost, in a few announcements and not by the piece."""
    lost, tries = lost_of(20_000, frozenset(), 0)
    assert len(lost) == 20_000
    assert tries <= 6 * REFUSALS
