"""Quiet times: windows in a zone's own wall clock, over midnight and when the clock is set."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.event import Severity
from notify.quiet import LONGEST, Window, free_at, is_endless, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Window(start=22 * 60, end=7 * 60, zone="Europe/Berlin")
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    """The moment that a clock in this zone shows."""
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


@pytest.mark.parametrize(
    ("now", "free"),
    [
        ("2026-11-26 21:59", "2026-11-26 21:59"),
        ("2026-11-26 22:00", "2026-11-27 07:00"),
        ("2026-11-27 03:00", "2026-11-27 07:00"),
        ("2026-11-27 07:00", "2026-11-27 07:00"),
        ("2026-11-27 12:00", "2026-11-27 12:00"),
    ],
)
def test_a_night(now: str, free: str) -> None:
    """From ten to seven, over midnight; the end belongs to the day."""
    assert free_at([NIGHT], WARNING, at(now)) == at(free)


def test_what_still_passes() -> None:
    """By default the critical; with none nothing does."""
    night = at("2026-11-27 03:00")
    assert free_at([NIGHT], CRITICAL, night) == night
    deaf = Window(start=22 * 60, end=7 * 60, zone="Europe/Berlin", passes=None)
    assert free_at([deaf], CRITICAL, night) == at("2026-11-27 07:00")


def test_days_are_those_on_which_it_begins() -> None:
    """Friday's night lasts into Saturday; Saturday's is none."""
    friday = Window(start=22 * 60, end=7 * 60, days=(4,), zone="Europe/Berlin")
    assert free_at([friday], WARNING, at("2026-11-28 03:00")) == at("2026-11-28 07:00")
    assert free_at([friday], WARNING, at("2026-11-28 23:00")) == at("2026-11-28 23:00")
    assert free_at([friday], WARNING, at("2026-11-27 03:00")) == at("2026-11-27 03:00")


def test_times_that_follow_each_other_are_one() -> None:
    """A weekend after Friday's night ends on Monday morning, for one digest and not three."""
    weekend = Window(days=(5, 6), zone="Europe/Berlin")
    windows = [NIGHT, weekend]
    assert free_at(windows, WARNING, at("2026-11-27 23:00")) == at("2026-11-30 07:00")


@pytest.mark.parametrize(
    ("now", "free"),
    [
        # Spring 2026: at 02:00 the clock is set to 03:00. A night of nine hours on the clock lasts eight.
        (at("2026-03-28 23:00"), at("2026-03-29 07:00")),
        # Autumn 2026: at 03:00 the clock is set to 02:00. It lasts ten.
        (at("2026-10-24 23:00"), at("2026-10-25 07:00")),
        (at("2026-10-25 02:30", fold=1), at("2026-10-25 07:00")),
    ],
)
def test_a_night_in_which_the_clock_is_set(now: float, free: float) -> None:
    """It ends when the clock on the wall says so."""
    assert free_at([NIGHT], WARNING, now) == free


def test_an_end_that_comes_twice_or_never() -> None:
    """The first of two; where the hour is left out, as long after the gap as it would have been into it."""
    early = Window(start=22 * 60, end=2 * 60 + 30, zone="Europe/Berlin")
    assert free_at([early], WARNING, at("2026-10-25 01:00")) == at("2026-10-25 02:30", fold=0)
    again = at("2026-10-25 02:15", fold=1)
    assert free_at([early], WARNING, again) == again
    assert free_at([early], WARNING, at("2026-03-29 01:00")) == at("2026-03-29 03:30")


def test_endless() -> None:
    """All days and all hours, for what does not pass."""
    always = Window()
    assert is_endless([always], WARNING)
    assert not is_endless([always], CRITICAL)
    assert not is_endless([NIGHT], WARNING)
    assert not is_endless([], WARNING)


def test_an_unknown_zone_is_named() -> None:
    """With what may be missing."""
    for name in ("Europe/Nowhere", "../etc/passwd", ""):
        with pytest.raises(ValueError, match="no time zone"):
            zone_of(name)


windows = st.builds(
    Window,
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
)


@given(st.lists(windows, max_size=3), st.floats(1.7e9, 1.9e9))
def test_free_means_free(some: list[Window], now: float) -> None:
    """Never in the past, and at that moment nothing is held, unless it never ends."""
    free = free_at(some, WARNING, now)
    assert free >= now
    assert free_at(some, WARNING, free) == free or free - now > LONGEST
