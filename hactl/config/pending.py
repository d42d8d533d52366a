"""Keys whose effect this version does not have: one row for each, deleted when the effect comes."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from hactl.config.fault import Path

Uses = Callable[[Any], bool]
"""Whether a value asks for something that is not there."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One key without effect. In `pattern` a `*` stands for any one name; `unsafe`: `run` refuses the file."""

    pattern: str
    text: str
    unsafe: bool
    when: Uses = bool


class Idle(msgspec.Struct, frozen=True, kw_only=True):
    """A use of such a key in a file."""

    path: Path
    text: str
    unsafe: bool


ROWS: Final[tuple[Row, ...]] = ()


def idle(data: Any, rows: tuple[Row, ...] = ROWS) -> Iterator[Idle]:
    """Every use of a key without effect in a file, given as dicts, lists and scalars."""
    for row in rows:
        for path, value in _matches(data, tuple(row.pattern.split(".")), ()):
            if row.when(value):
                yield Idle(path=path, text=row.text, unsafe=row.unsafe)


def _matches(data: Any, pattern: tuple[str, ...], path: Path) -> Iterator[tuple[Path, Any]]:
    if not pattern:
        yield path, data
        return
    first, rest = pattern[0], pattern[1:]
    if isinstance(data, list) and first == "*":
        for index, item in enumerate(data):
            yield from _matches(item, rest, (*path, index))
    elif isinstance(data, dict):
        for key in data if first == "*" else ([first] if first in data else []):
            yield from _matches(data[key], rest, (*path, key))
