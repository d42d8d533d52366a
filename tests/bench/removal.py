"""How long a dead real server stays in the table."""

import contextlib
import math
import random
import time
from collections.abc import Iterator

from bench.farm import Farm
from bench.figures import Removal
from bench.ground import Ground, mortal
from bench.kernel_table import Watch
from bench.programs import PROGRAMS

_SERVING_AFTER, _IN_TABLE_WITHIN = 15.0, 200.0
_GAP = 0.1
"""Longest time between two deaths."""


def removals(here: Ground, retries: int, *, kernel: bool) -> Iterator[Removal]:
    """Kill servers one by one, each at a moment of its own; with `kernel` the kernel's own table says when they left it."""
    deaths = 30 if kernel else 200
    farm = Farm("tcp", deaths, 1.0, retries=retries, mortals=True)
    for make in PROGRAMS:
        here.open(range(deaths))
        program = make(here, kernel)
        with Watch(here) if kernel else contextlib.nullcontext() as watch:
            program.start(farm)
            try:
                _await_all(deaths, watch)
                died = _kill(here, deaths)
                time.sleep((retries + 2) * farm.interval + 2.0)
                gone = program.removals if watch is None else dict(watch.removals)
            finally:
                program.stop()
        took = sorted(gone[server] - at for server, at in died.items() if server in gone)
        found = (took[0], took[len(took) // 2], took[-1]) if took else (math.nan,) * 3
        yield Removal(program.name, kernel, farm.interval, retries, deaths, len(took), *found)


def _await_all(servers: int, watch: Watch | None) -> None:
    """Until every server serves; the lab kernel takes its time."""
    if watch is None:
        time.sleep(_SERVING_AFTER)
        return
    limit = time.monotonic() + _IN_TABLE_WITHIN
    while len(watch.there) < servers:
        assert time.monotonic() < limit, f"{len(watch.there)} of {servers} servers are in the table"
        time.sleep(0.1)
    time.sleep(2.0)


def _kill(here: Ground, servers: int) -> dict[str, float]:
    chance, died = random.Random(1), {}
    for number in range(servers):
        time.sleep(chance.uniform(0.0, _GAP))
        died[mortal(number)] = here.close(number)
    return died
