"""Quiet times: when a channel holds what is not severe enough to wake somebody; core.

The law: a window is in the wall clock of its own time zone, a day's from `start` to `end`; where the clock is set
forward or back in between, it begins and ends at the moments that show these times, the first of two. Moments are
wall-clock seconds since the epoch, and are handed in.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from notify.event import Severity

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST = 8 * 86400.0
"""Seconds: windows that follow each other for longer never end."""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A quiet time. `start` and `end` are minutes of the day, `end` at or before `start` is on the next day; `days` are
    those on which it begins, 0 is Monday; `passes` the lowest severity that is told all the same, None: nothing is.

    `zone` is a name of the IANA database.
    """

    start: int = 0
    end: int = 0
    days: tuple[int, ...] = tuple(range(7))
    zone: str = "UTC"
    passes: Severity | None = Severity.CRITICAL

    def holds(self, severity: Severity) -> bool:
        """Whether an alert of this severity waits for the end."""
        return self.passes is None or severity.rank < self.passes.rank


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of this name. Raises ValueError when the host knows none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"this host knows no time zone '{name}' (package tzdata)") from error


def free_at(windows: Sequence[Window], severity: Severity, now: float) -> float:
    """When an alert of this severity may be told: `now`, or the end of the quiet time, with those that follow at once."""
    free = now
    while (end := _end(windows, severity, free)) is not None:
        free = end
        if free - now > LONGEST:
            break
    return free


def is_endless(windows: Sequence[Window], severity: Severity) -> bool:
    """Whether an alert of this severity would wait for ever."""
    return free_at(windows, severity, 0.0) > LONGEST


def _end(windows: Sequence[Window], severity: Severity, now: float) -> float | None:
    """The latest end of the windows that are open now and hold this severity."""
    ends = [
        end
        for window in windows
        if window.holds(severity)
        for begin, end in _spans(window, now)
        if begin <= now < end
    ]
    return max(ends, default=None)


def _spans(window: Window, now: float) -> Iterator[tuple[float, float]]:
    """Begin and end of the window on the days around now."""
    zone = zone_of(window.zone)
    today = datetime.fromtimestamp(now, zone).date()
    longer = 1 if window.end <= window.start else 0
    for ahead in (-1, 0, 1):
        day = today + timedelta(days=ahead)
        if day.weekday() in window.days:
            yield _moment(day, window.start, zone), _moment(day + timedelta(days=longer), window.end, zone)


def _moment(day: date, minutes: int, zone: tzinfo) -> float:
    return datetime.combine(day, time(minutes // 60, minutes % 60), zone).timestamp()
