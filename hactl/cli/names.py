"""Names on the command line, as the file may have them."""

import re
from typing import Any

import click

NAME = r"[A-Za-z0-9._-]{1,64}"


class Named(click.ParamType[str]):
    """The name of a `kind` of thing: a router, a channel."""

    def __init__(self, kind: str) -> None:
        self.name = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; wrong usage for what cannot be one."""
        if re.fullmatch(NAME, value, re.ASCII) is None:
            self.fail(f"'{value}' cannot be the name of a {self.name}", param, ctx)
        return str(value)
