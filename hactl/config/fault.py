"""A fault or warning of the configuration, at its place in the file.

Owns how a fault is written (``FILE:LINE:COLUMN: path: message``), the order of many, and the search for the word that
was probably meant.
"""

import difflib
from collections.abc import Iterable

import msgspec

Path = tuple[str | int, ...]
"""Where a value stands in the tree: keys, and positions in lists."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at one place. `line` and `column` count from 1; `path` is empty for the file as a whole."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        """The fault as one line for a terminal, in the form that editors and compilers use."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


def path_text(path: Path) -> str:
    """A path as an operator reads it: services.www.check[1].path."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def in_order(faults: Iterable[Fault], main: str) -> tuple[Fault, ...]:
    """Faults by place, those of the main file first, each once."""
    return tuple(
        sorted(set(faults), key=lambda f: (f.file != main, f.file, f.line, f.column, f.path, f.message))
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, None where none is near."""
    lowered = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), lowered, n=1, cutoff=0.6)
    found = found or difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], *, at_most: int = 12) -> str:
    """`; did you mean X?` where a known word is near, else the list of the known ones, else nothing."""
    words = sorted(known)
    near = nearest(word, words)
    if near is not None:
        return f"; did you mean '{near}'?"
    if not words:
        return ""
    more = ", ..." if len(words) > at_most else ""
    return f"; known here: {', '.join(words[:at_most])}{more}"
