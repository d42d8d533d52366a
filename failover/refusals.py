"""Adverts for one router that were dropped: counted by reason, and told when somebody's are dropped one after the other.

Owns the wording and how often it is told. The law: one drop, such as a packet that the link doubled, alarms nobody, nor does
what waited, and grew old, while this worker stood still; what lasts is told once, and a flood fills no log. Core.
"""

from collections import Counter

import msgspec

from failover.neighbours import MOST
from failover.packet import Drop

IN_A_ROW = 3
LASTS = 1.0
"""Seconds that a row must last before it is told."""
QUIET = 60.0
"""Seconds between two alarms of one router, for which status goes on showing the last drop, and after which what begins anew
is told anew."""


class _Row(msgspec.Struct):
    """Adverts of one source that were dropped with none taken between; `told` is the reason told last."""

    began: float
    count: int = 0
    last: float = 0.0
    told: Drop | None = None


class Refusals:
    """Those of one router. `counts` are by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._rows: dict[str, _Row] = {}
        self._source = self._text = ""
        self._until = self._quiet_until = float("-inf")

    def count(self, drop: Drop) -> None:
        """A drop that concerns no known router alone."""
        self.counts[drop.value] += 1

    def refuse(self, drop: Drop, source: str, note: str, now: float) -> str:
        """An advert of this source for this router is dropped; the alarm, mostly empty. `note` completes it."""
        self.count(drop)
        row = self._row(source, now)
        if row.count < IN_A_ROW or now - row.began < LASTS:
            return ""
        self._source, self._until = source, now + QUIET
        self._text = f"adverts of {source} are dropped: {drop.text}" + (f"; {note}" if note else "")
        if row.told is drop or now < self._quiet_until:
            return ""
        row.told = drop
        self._quiet_until = now + QUIET
        return self._text

    def accept(self, source: str) -> None:
        """An advert of this source was taken: what was wrong with its adverts is mended."""
        self._rows.pop(source, None)
        if source == self._source:
            self._source = self._text = ""

    def text(self, now: float) -> str:
        """For status, as long as it is of interest."""
        return self._text if now < self._until else ""

    def _row(self, source: str, now: float) -> _Row:
        row = self._rows.pop(source, None)
        if row is None or now - row.last > QUIET:
            row = _Row(now)
        row.count += 1
        row.last = now
        self._rows[source] = row
        if len(self._rows) > MOST:
            del self._rows[next(iter(self._rows))]
        return row
