"""The replay window: every counter once, in any order, within its width."""

from hypothesis import given
from hypothesis import strategies as st

from failover.peer.window import SIZE, Window


@given(st.lists(st.integers(0, 3 * SIZE) | st.integers(0, 40), max_size=200))
def test_against_a_plain_set(counters: list[int]) -> None:
    """The law, with the simplest model: not zero, not seen, not too far behind the highest."""
    window, seen, highest = Window(), set(), 0
    for counter in counters:
        expected = counter > 0 and counter not in seen and counter > highest - SIZE
        assert window.take(counter) is expected
        if expected:
            seen.add(counter)
            highest = max(highest, counter)
    assert window.highest == highest


def test_far_ahead_forgets_what_is_behind() -> None:
    """The greatest counter there is does no harm."""
    window = Window()
    assert window.take(5)
    assert window.take(2**64 - 1)
    assert not window.take(5)
    assert window.take(2**64 - 2)
