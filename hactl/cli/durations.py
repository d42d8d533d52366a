"""Durations as operators write them: `250ms`, `2s`, `5m`, `1h`, `30d`, one number and one unit.

The law: strict. A bare number is refused, because its unit would be a guess.
"""

import re
from typing import Any

import click

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FORM = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", re.ASCII)
_LONGEST = 10 * 365 * 86400.0


def parse(text: str) -> float:
    """The duration in seconds. Raises ValueError with the reason."""
    found = _FORM.fullmatch(text)
    if found is None:
        if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
            raise ValueError(f"'{text}' has no unit; write {text}s, {text}m or {text}h")
        raise ValueError(f"'{text}' is no duration; write for example 250ms, 30s, 5m, 2h or 7d")
    seconds = float(found[1]) * _UNITS[found[2]]
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"'{text}' is not between 1ms and ten years")
    return seconds


class Duration(click.ParamType[float]):
    """A duration on the command line, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text; wrong usage with the reason otherwise."""
        if isinstance(value, float):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
