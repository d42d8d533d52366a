"""Durations on the command line, written as in the file: `250ms`, `2s`, `5m`, `1h`, `30d`."""

from typing import Any

import click

from hactl.config.duration import parse


class Duration(click.ParamType[float]):
    """A duration on the command line, in seconds; never 0."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text; wrong usage with the reason otherwise."""
        if isinstance(value, float):
            return value
        try:
            seconds = parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return seconds or self.fail("must be longer than 0s", param, ctx)
