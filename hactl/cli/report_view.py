"""A report as text, JSON and CSV."""

import csv
import io
from typing import Any

import msgspec

from hactl.cli.text import Cell, clock, span, table
from hactl.history.availability import Line, Span
from hactl.status.picture import wall_text

_HEADING = ("WHAT", "NAME", "AVAILABLE", "DOWNTIMES", "DOWN", "LONGEST", "DEGRADED", "WATCHED")
_COLUMNS = (
    "subject", "name", "available", "downtimes", "down_s", "longest_s", "mean_s", "degraded_s", "watched_s",
)  # fmt: skip


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of one director's history from `since` to `until`, in wall-clock seconds."""

    cluster: str
    node: str
    since: float
    until: float
    lines: tuple[Line, ...]


def share(value: float | None) -> str:
    """An availability as people write it: 99.98 %, and never 100 for less than all."""
    if value is None:
        return "-"
    if value == 1.0:
        return "100 %"
    percent = value * 100
    text = f"{percent:.3f}" if percent > 99 else f"{percent:.1f}"
    return ("99.999" if float(text) >= 100 else text) + " %"


def as_text(report: Report, colours: bool, *, downtimes: bool = False) -> str:
    """The report for a terminal."""
    what = f"{report.cluster}, as {report.node} saw it from {clock(report.since)} to {clock(report.until)}"
    if not report.lines:
        return f"{what}: nothing is known\n"
    rows = [_HEADING, *(_row(line) for line in report.lines)]
    text = [what, "", *table(rows, colours)]
    if downtimes:
        text += ["", *_downtimes(report, colours)]
    return "\n".join(text) + "\n"


def _row(line: Line) -> tuple[Cell | str, ...]:
    downs = line.downtimes
    colour = "red" if downs and downs[-1].end == line.spans[-1].end else "yellow" if downs else "green"
    return (
        line.subject.value,
        line.name,
        Cell(share(line.available), colour if line.watched else ""),
        str(len(downs)),
        span(line.seconds("down")) if downs else "-",
        span(max(down.length for down in downs)) if downs else "-",
        span(line.seconds("degraded")) if line.seconds("degraded") else "-",
        span(line.watched) if line.watched else "never",
    )


def _downtimes(report: Report, colours: bool) -> list[str]:
    """Each downtime, the newest last."""
    every = sorted(
        ((down, line) for line in report.lines for down in line.downtimes), key=lambda one: one[0].start
    )
    if not every:
        return ["Nothing was down."]
    rows: list[tuple[Cell | str, ...]] = [("FROM", "FOR", "WHAT", "WHY")]
    for down, line in every:
        lasts = down.end == report.until
        length = Cell(f"{span(down.length)}, still", "red") if lasts else span(down.length)
        rows.append((clock(down.start), length, f"{line.subject.value} {line.name}", down.reason))
    return table(rows, colours)


def as_json(report: Report) -> dict[str, Any]:
    """The report for programs. Lengths are seconds."""
    return {
        "cluster": report.cluster,
        "node": report.node,
        "since": wall_text(report.since),
        "until": wall_text(report.until),
        "lines": [
            {**_numbers(line), "periods": [_period(one) for one in line.spans]} for line in report.lines
        ],
    }


def as_csv(report: Report) -> str:
    """One line for each subject, with a heading (RFC 4180)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS)
    writer.writeheader()
    writer.writerows(_numbers(line) for line in report.lines)
    return out.getvalue()


def _numbers(line: Line) -> dict[str, Any]:
    downs = line.downtimes
    return {
        "subject": line.subject.value,
        "name": line.name,
        "available": _rounded(line.available),
        "downtimes": len(downs),
        "down_s": round(line.seconds("down"), 3),
        "longest_s": round(max((down.length for down in downs), default=0.0), 3),
        "mean_s": round(line.seconds("down") / len(downs), 3) if downs else 0.0,
        "degraded_s": round(line.seconds("degraded"), 3),
        "watched_s": round(line.watched, 3),
    }


def _rounded(available: float | None) -> float | None:
    """To seven places, and never 1 for less than all."""
    return available if available is None or available == 1.0 else min(round(available, 7), 0.9999999)


def _period(one: Span) -> dict[str, Any]:
    return {
        "from": wall_text(one.start),
        "to": wall_text(one.end),
        "state": one.state,
        "reason": one.reason,
    }
