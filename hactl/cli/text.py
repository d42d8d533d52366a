"""Text for terminals: aligned columns, colours, ages.

The law: whatever came from outside (a probed server's words, an operator's reason) is shown without its
control characters, so it cannot speak to the terminal. Times are seconds; `now` is handed in.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from hactl.printable import printable

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "bold": 1, "dim": 2}
_GAP = "  "

STATE_COLOURS = {
    "up": "green", "master": "green", "down": "red", "fault": "red", "critical": "red", "degraded": "yellow",
    "drain": "yellow", "disabled": "yellow", "unknown": "yellow", "init": "yellow", "warning": "yellow",
}  # fmt: skip
"""The colour of each state and severity that has one."""


class Cell(NamedTuple):
    """One field of a table and its colour (empty: none)."""

    text: str
    colour: str = ""


def state(word: str) -> Cell:
    """A state in its colour."""
    return Cell(word, STATE_COLOURS.get(word, ""))


def paint(text: str, colour: str, colours: bool) -> str:
    """The text in a colour, or as it is where colours are off."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colours and colour and text else text


def table(rows: Sequence[Sequence[Cell | str]], colours: bool) -> list[str]:
    """The rows as lines with aligned columns; the first row is the heading."""
    cells = [[_cell(field) for field in row] for row in rows]
    widths = [max(len(cell.text) for cell in column) for column in zip(*cells, strict=True)]
    heading = [Cell(cell.text, "dim") for cell in cells[0]]
    return [_line(row, widths, colours) for row in [heading, *cells[1:]]]


def _cell(field: Cell | str) -> Cell:
    cell = Cell(field) if isinstance(field, str) else field
    return Cell(printable(cell.text), cell.colour)


def _line(row: Iterable[Cell], widths: Sequence[int], colours: bool) -> str:
    """One line; padding stands outside the colour, and nothing trails."""
    line = ""
    pending = ""
    for cell, width in zip(row, widths, strict=True):
        if cell.text:
            line += pending + paint(cell.text, cell.colour, colours)
            pending = ""
        pending += " " * (width - len(cell.text)) + _GAP
    return line


def span(seconds: float) -> str:
    """A length of time in its two largest units: 12s, 3m 12s, 2h 5m, 4d 3h."""
    whole = max(0, int(seconds))
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{number}{unit}" for number, unit in parts[:2] if number or unit == parts[0][1])


def moment(text: str | None) -> float | None:
    """Wall-clock seconds of an RFC 3339 time, None where there is none."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def ago(text: str | None, now: float) -> str:
    """How long ago an RFC 3339 time was: `3m 12s ago`; empty where there is none."""
    at = moment(text)
    if at is None:
        return ""
    return f"{span(now - at)} ago" if now - at >= 1 else "just now"


def ahead(at: float, now: float) -> str:
    """How far off a deadline is: `in 2h 5m`."""
    return f"in {span(at - now)}" if at - now >= 1 else "now"


def clock(at: float, zone: tzinfo | None = None) -> str:
    """A wall-clock time for people, in the host's zone unless one is given."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
