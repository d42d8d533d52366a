"""One event of the history as one line of text."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hactl.cli.text import STATE_COLOURS, clock, moment, paint
from hactl.printable import printable


def event_line(event: Mapping[str, Any], colours: bool = False, zone: tzinfo | None = None) -> str:
    """Time, severity, kind, subject, what changed, why; in the host's time zone unless one is given."""
    at = moment(event.get("at"))
    old, new = printable(str(event.get("old", ""))), printable(str(event.get("new", "")))
    change = f"{old} -> {new}" if old and new else old or new
    severity = str(event.get("severity", ""))
    fields = [
        clock(at, zone) if at is not None else "",
        paint(f"{severity:<8}", STATE_COLOURS.get(severity, ""), colours),
        f"{printable(str(event.get('kind', ''))):<19}",
        printable(str(event.get("subject", ""))),
        change,
    ]
    reason = printable(str(event.get("reason", "")))
    line = "  ".join(field for field in fields if field)
    return f"{line}: {reason}" if reason else line
