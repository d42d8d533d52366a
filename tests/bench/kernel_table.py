"""When real servers left the kernel's own IPVS table, whoever took them out."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.ground import Ground

from hactl.lab import net as namespaces
from hactl.lab import serving

EVERY = 0.01


class Watch:
    """Reads the table again and again. `removals` are the servers that are gone, and when that was seen (monotonic)."""

    def __init__(self, ground: Ground) -> None:
        self.there: set[str] = set()
        self.removals: dict[str, float] = {}
        self._namespace = ground.namespace
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="table")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join(10)

    def _watch(self) -> None:
        with namespaces.inside(self._namespace):
            while not self._ended.wait(EVERY):
                text = Path("/proc/thread-self/net/ip_vs").read_text()
                now, there = (
                    time.monotonic(),
                    {entry.server.rpartition(":")[0] for entry in serving.table(text)},
                )
                self.removals |= dict.fromkeys(self.there - there, now)
                self.there = there
