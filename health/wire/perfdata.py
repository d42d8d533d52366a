"""What a Nagios plugin writes: a line of text, and after a bar what it measured; core.

Source: Nagios Plugins Development Guidelines, "Performance data": 'label'=value[unit];[warn];[crit];[min];[max].
"""

import math
import re
from typing import NamedTuple

from health.result import LABEL_LIMIT, MEASURES_LIMIT, UNIT_LIMIT, Measure

_ITEM = re.compile(
    r"(?<!\S)('(?:[^']|'')*'|[^\s'=]+)=(-?[0-9]{1,30}(?:\.[0-9]{0,30})?)([^\s;0-9]*)(?:;\S*)?(?=\s|\Z)"
)
"""Begins where a word does: tried from each of its characters, a long word would take a second."""
_LONGEST = 8192


class Said(NamedTuple):
    """The text of the first line, and the measures in the order they stand in."""

    text: str
    measures: tuple[Measure, ...]


def read(output: bytes) -> Said:
    """What a plugin said. What is not in the form, U for a value that it does not know included, is left out."""
    lines = output[:_LONGEST].decode(errors="replace").splitlines()
    text, _, data = (lines[0] if lines else "").partition("|")
    _, _, more = "\n".join(lines[1:]).partition("|")
    found: dict[str, Measure] = {}
    for match in _ITEM.finditer(f"{data}\n{more}"):
        measure = _measure(*match.groups())
        if measure is not None and len(found) < MEASURES_LIMIT:
            found.setdefault(measure.label, measure)
    return Said(text.strip(), tuple(found.values()))


def _measure(label: str, value: str, unit: str) -> Measure | None:
    if label.startswith("'"):
        label = label[1:-1].replace("''", "'")
    fits = 0 < len(label) <= LABEL_LIMIT and len(unit) <= UNIT_LIMIT and (label + unit).isprintable()
    number = float(value)
    return Measure(label, number, unit) if fits and math.isfinite(number) else None
