"""Durations as the file writes them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.config.duration import parse, written


@given(st.integers(min_value=0, max_value=10 * 365 * 86400 * 1000))
def test_round_trip(milliseconds: int) -> None:
    """What is written is read back to the same seconds, for every whole millisecond."""
    seconds = milliseconds / 1000
    assert parse(written(seconds)) == pytest.approx(seconds, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("2s", 2.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("90d", 7776000.0),
        ("40.95s", 40.95),
        ("0s", 0.0),
    ],
)
def test_units(text: str, seconds: float) -> None:
    """Each unit means what it says."""
    assert parse(text) == seconds


@pytest.mark.parametrize("value", [5, "5", 1.5, 0])
def test_a_bare_number_is_refused(value: object) -> None:
    """A number without unit is refused with the units it may have."""
    with pytest.raises(ValueError, match=f"needs a unit: {value}s, or {value}ms"):
        parse(value)


@pytest.mark.parametrize("value", ["", "s", "-1s", "1 s", "1h30m", "1y", True, None, [], "1e3s", "٣s"])
def test_other_forms_are_refused(value: object) -> None:
    """Whatever else is no duration."""
    with pytest.raises(ValueError, match="must be a duration"):
        parse(value)


@given(st.text())
def test_nothing_but_value_error(text: str) -> None:
    """Any text is a duration or a ValueError."""
    with contextlib.suppress(ValueError):
        assert parse(text) >= 0
