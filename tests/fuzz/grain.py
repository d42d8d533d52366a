"""Values out of fuzzed bytes: whatever comes, there is always a next one."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Grain:
    """Reads from the front; when the bytes are used up, zeros follow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return max(0, len(self._data) - self._at)

    def number(self, size: int = 1) -> int:
        """An unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        """So many bytes, filled up with zeros."""
        found = self._data[self._at : self._at + size]
        self._at += size
        return found.ljust(size, b"\0")

    def piece(self) -> bytes:
        """Bytes behind their own length, which may promise more than there is; never filled up."""
        size = self.number(2)
        return self.take(min(size, self.left))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left)

    def choice(self, options: Sequence[T]) -> T:
        """One of these."""
        return options[self.number() % len(options)]

    def seconds(self) -> float:
        """A time to let pass: 0 to 65.5 s in steps of a millisecond."""
        return self.number(2) / 1000
