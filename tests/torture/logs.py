"""What a daemon's log complains of, round by round.

Owns how far a log was read. The law: what came in a round is judged by the faults of that round, and of none before it.
"""

from collections.abc import Iterable
from pathlib import Path


class Log:
    """The log of one daemon, which only grows. `signs`: what must not be in it."""

    def __init__(self, path: Path, signs: Iterable[str]) -> None:
        self._path, self._signs = path, tuple(signs)
        self._read = 0

    def complaints(self, *, excused: bool) -> list[str]:
        """What is new and must not be there, each with what stands around it; nothing where a fault excuses it."""
        new = self._path.read_bytes()[self._read :]
        self._read += len(new)
        text = new.decode(errors="replace")
        found = [] if excused else [sign for sign in self._signs if sign in text]
        return [text[max(0, text.find(sign) - 200) : text.find(sign) + 1500] for sign in found]
