"""Every router told of once a second while something in it moves, hundreds of them not at once.

Owns the second's timer. The law: no advert waits for the reports of all routers.
"""

import asyncio
from collections.abc import Callable, Sequence

from failover.instance import Instance

REPORT_EVERY = 1.0
_AT_ONCE = 25


class Reporting:
    """Reports of what `routers` gives; `told` hears of whom, `round_ended` that each had its turn."""

    def __init__(
        self,
        routers: Callable[[], Sequence[Instance]],
        told: Callable[[Sequence[Instance]], None],
        round_ended: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._routers, self._told, self._round_ended = routers, told, round_ended
        self._turn = 0
        self._timer = self._loop.call_later(REPORT_EVERY, self._report)

    def close(self) -> None:
        """No more reports."""
        self._timer.cancel()

    def _report(self) -> None:
        routers = self._routers()
        turns = 1 + len(routers) // _AT_ONCE
        self._timer = self._loop.call_later(REPORT_EVERY / turns, self._report)
        self._turn = (self._turn + 1) % turns
        some = routers[self._turn :: turns]
        for instance in some:
            instance.report()
        self._told(some)
        if self._turn == 0:
            self._round_ended()
