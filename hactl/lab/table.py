"""The demo's last word: its results as plain text in columns.

Its law: text from values, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from hactl.lab.serving import Check
from hactl.lab.stories import Result, Verdict


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Rows of equal length as aligned lines, a rule below the first; ``right`` are columns of numbers."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        cells = (
            cell.rjust(w) if n in right else cell.ljust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return [line(rows[0]), "  ".join("-" * width for width in widths), *map(line, rows[1:])]


def takeovers(results: Sequence[Result]) -> list[str]:
    """The failures of a director, one a line."""
    head = (
        "done to the master",
        "gap ms",
        "target",
        "failed",
        "of",
        "after",
        "who held the VIP",
        "two s",
        "result",
    )
    rows = [
        (
            result.act.text,
            f"{result.gap * 1000:.0f}",
            f"{result.target * 1000:.0f}",
            str(result.failed),
            str(result.requests),
            str(result.failed_after),
            " > ".join(result.holders),
            f"{result.overlap:.2f}",
            result.verdict.value,
        )
        for result in results
    ]
    return columns([head, *rows], right=frozenset({1, 2, 3, 4, 5, 7}))


def checks(found: Sequence[Check]) -> list[str]:
    """The cluster's checks, one a line."""
    rows = [(check.name, check.seen, "ok" if check.ok else Verdict.FAILED.value) for check in found]
    return columns([("what had to happen", "what was seen", "result"), *rows])


LEGEND = (
    "gap: longest time the client got no answer; after: requests that failed although they began after the",
    "successor's announcement; two s: longest time that two nodes held the VIP; late: as promised, but over",
    "the target on this machine.",
)
