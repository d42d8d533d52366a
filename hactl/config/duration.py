"""Durations as the file writes them: 250ms, 2s, 5m, 1h, 90d.

The law: a duration has one number and one unit; a bare number is refused, whatever it was meant to be. What `written`
writes, `parse` reads back to the same number of seconds.
"""

import re
from typing import Final

LONGEST: Final = 10 * 366 * 86400.0
PATTERN: Final = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"

_FORM = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)", re.ASCII)
_BARE = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse(value: object) -> float:
    """Seconds of a duration; ValueError with a sentence for the operator otherwise."""
    text = str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if _BARE.fullmatch(text):
        raise ValueError(f"a duration needs a unit: {text}s, or {text}ms, {text}m, {text}h?")
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("must be a duration such as 250ms, 2s, 5m or 1h")
    number, unit = float(match[1]), match[2]
    seconds = number / 1000 if unit == "ms" else number * _UNITS[unit]
    if seconds > LONGEST:
        raise ValueError("a duration longer than ten years")
    return seconds


def written(seconds: float) -> str:
    """The shortest exact way to write a duration."""
    for unit in ("d", "h", "m", "s"):
        size = _UNITS[unit]
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    if seconds == 0:
        return "0s"
    milliseconds = round(seconds * 1000, 6)
    whole = int(milliseconds)
    return f"{whole}ms" if whole == milliseconds else f"{milliseconds:f}".rstrip("0") + "ms"
