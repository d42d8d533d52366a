"""One router's adverts on their way out: composed for each destination, sealed, sent; a fault is told once.

Owns the memory of the last fault only.
"""

import errno
import os

from failover import outgoing
from failover.spec import RouterSpec
from failover.surroundings import Surroundings


class Adverts:
    """Those of one router, sent by the worker `around` it."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._error = 0

    def send(self, spec: RouterSpec, priority: int, source: bytes) -> str:
        """One advert to each destination; a warning for the log, empty when there is none to be given now."""
        error, guard = 0, self._around.guards.of(spec)
        for destination in outgoing.destinations(spec):
            message = outgoing.advert_message(spec, priority, source, destination, guard.password)
            try:
                sealed = guard.close(message, source, destination, self._around.moment())
                self._around.send(spec, sealed, source, destination)
            except OSError as failure:
                error = failure.errno or errno.EIO
        news = error and error != self._error
        self._error = error
        return f"cannot send adverts on {spec.interface}: {os.strerror(error)}" if news else ""
