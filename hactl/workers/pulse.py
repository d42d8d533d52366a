"""The failover worker's pulse: wakes up on a grid of its own and tells the supervisor how late that was.

Quick at first, so that the daemon can say at its start what this host allows; then seldom, for as long as it runs. It wakes
by the same timers as adverts do.
"""

import asyncio

from failover.lateness import Samples
from hactl.workers import base

AFTER = 2.0
"""Seconds left out: the start's own work comes once."""
QUICK = 0.01
QUICK_FOR = 5.0
SLOW = 0.05
TELL_EVERY = 60.0


class Pulse:
    """Beats from its making to `close`."""

    def __init__(self, send: base.Send, *, realtime: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._samples = Samples(realtime=realtime)
        self._every = QUICK
        self._due = self._loop.time() + AFTER
        self._tell_at = self._due + QUICK_FOR
        self._timer = self._loop.call_at(self._due, self._beat)

    def close(self) -> None:
        """Beat no more."""
        self._timer.cancel()

    def _beat(self) -> None:
        now = self._loop.time()
        self._samples.add(now - self._due)
        if now >= self._tell_at:
            self._send(self._samples.tell())
            self._every, self._tell_at = SLOW, now + TELL_EVERY
        self._due = max(self._due + self._every, now)
        self._timer = self._loop.call_at(self._due, self._beat)
