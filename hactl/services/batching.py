"""News of checks looked at together where there is much of it.

The law: news is looked at at once, unless the look before took long; then it waits some times as long, so that looking takes
a share of the time at most, however large services are. No rest is so long that it matters to a removal.
"""

import asyncio
import time
from collections.abc import Callable, Collection

QUICK = 0.002
"""Seconds that a look may take without a rest after it."""
RESTS = 3.0
"""Rest after a look, in times of what it took."""
LONGEST = 0.25
"""Longest rest in seconds."""


class Batches:
    """Calls `look` with the checks that have news and the services that are to be looked at for another reason."""

    def __init__(self, look: Callable[[Collection[str], Collection[str]], None]) -> None:
        self._look = look
        self._checks: set[str] = set()
        self._services: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, checks: Collection[str], services: Collection[str]) -> None:
        """There is news."""
        self._checks.update(checks)
        self._services.update(services)
        if self._timer is None and (self._checks or self._services):
            self._turn()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        checks, self._checks = self._checks, set()
        services, self._services = self._services, set()
        began = time.monotonic()
        self._look(checks, services)
        took = time.monotonic() - began
        if took > QUICK:
            self._timer = asyncio.get_running_loop().call_later(min(RESTS * took, LONGEST), self._rested)

    def _rested(self) -> None:
        self._timer = None
        self.add((), ())
