"""The wheel hands everything out once, in time."""

from hypothesis import given
from hypothesis import strategies as st

from health.wheel import GRAIN, Wheel


@given(st.lists(st.floats(0, 10)), st.lists(st.floats(0, 11)))
def test_each_item_once_and_never_early(whens: list[float], turns: list[float]) -> None:
    """At any sequence of turns each item comes at the first turn a grain or more after its time, never before it."""
    wheel: Wheel[int] = Wheel()
    for number, when in enumerate(whens):
        wheel.add(when, number)
    given_out: dict[int, float] = {}
    for now in [*sorted(turns), 12.0]:
        for number in wheel.due(now):
            assert number not in given_out
            given_out[number] = now
            assert now >= whens[number] - 1e-9
        waiting = set(range(len(whens))) - set(given_out)
        assert all(whens[number] > now - 2 * GRAIN for number in waiting)
    assert set(given_out) == set(range(len(whens)))
    assert wheel.next is None


def test_next_is_the_earliest() -> None:
    """The wheel says when it is worth looking again."""
    wheel: Wheel[str] = Wheel()
    wheel.add(5.0, "later")
    wheel.add(1.0, "sooner")
    assert wheel.next is not None
    assert 1.0 <= wheel.next < 1.0 + GRAIN
    assert wheel.due(2.0) == ["sooner"]
    assert wheel.due(2.0) == []
