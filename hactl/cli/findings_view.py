"""Findings as text: what, about what, the evidence, and the command that mends it."""

from collections.abc import Sequence

from hactl.cli.text import paint
from hactl.doctor.finding import Finding, Severity
from hactl.printable import printable

_COLOURS = {Severity.FAULT: "red", Severity.WARNING: "yellow"}


def findings_text(findings: Sequence[Finding], well: str, colours: bool) -> list[str]:
    """The lines, faults first; `well` is said where there is none."""
    if not findings:
        return [printable(well)]
    lines: list[str] = []
    for one in sorted(findings, key=lambda found: found.severity is not Severity.FAULT):
        word = paint(one.severity, _COLOURS[one.severity], colours)
        lines.append(f"{word} {one.id}: {printable(one.subject)}: {one.text}")
        lines.append(f"    seen: {printable(one.evidence)}")
        if one.mend:
            lines.append(f"    mend: {printable(one.mend)}")
    faults = sum(one.severity is Severity.FAULT for one in findings)
    rest = len(findings) - faults
    return [
        *lines,
        f"{faults} {'fault' if faults == 1 else 'faults'}, {rest} {'warning' if rest == 1 else 'warnings'}",
    ]
