"""What is wrong and who knows of it, in the screen of `hactl status`."""

from collections.abc import Iterator, Mapping
from typing import Any

from hactl.cli.text import Cell, ago, table
from hactl.printable import printable

SHOWN = 20


def problems(status: Mapping[str, Any], now: float, colours: bool) -> list[str]:
    """A table of the worst, those that nobody knows of first; empty when nothing is wrong."""
    found = list(status.get("problems", {}).values())
    if not found:
        return []
    rows: list[tuple[Cell | str, ...]] = [("PROBLEM", "SEVERITY", "SINCE", "KNOWN", "REASON")]
    rows += _rows(found[:SHOWN], now)
    counts = status.get("problem_counts") or {"open": len(found)}
    more = counts["open"] - len(found[:SHOWN])
    return [*table(rows, colours), *([f"and {more} problems more"] if more > 0 else [])]


def _rows(found: list[Mapping[str, Any]], now: float) -> Iterator[tuple[Cell | str, ...]]:
    for one in found:
        colour = {"critical": "red", "warning": "yellow"}.get(one.get("severity", ""))
        known = one.get("acknowledged") or {}
        why = f": {known['reason']}" if known.get("reason") else ""
        yield (
            printable(f"{one.get('topic')} {one.get('subject')}"),
            Cell(one.get("severity", ""), colour) if colour else one.get("severity", ""),
            ago(one.get("since"), now),
            f"{ago(known.get('at'), now)} by {known.get('by')}{why}" if known else Cell("no", "yellow"),
            printable(str(one.get("reason", ""))),
        )
