"""`PYTHONPATH=tests python -m bench.removal`: how long a dead real server stays in the table, hactl and keepalived in turns.

The same web servers fail in four ways, each at a moment of its own. From the moment that one has left the table no new
request is sent to it. `--kernel` reads that from the kernel's own table, in the lab kernel: `python -m bench removal-ipvs`.
"""

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.book import FOLDER, Book
from bench.farm import Farm
from bench.figures import Removal, removal_line
from bench.ground import Ground, ground, mortal
from bench.kernel_table import Watch
from bench.mortals import Mortals, Way
from bench.programs import PROGRAMS, Program

from hactl.lab import guest
from hactl.lab.cluster import LabError

INTERVAL = 1.0
_CHECKED = 3
"""Checks that a server has answered well when it surely serves."""
_SERVING_WITHIN, _SETTLED = 200.0, 1.0
_GAP = 0.1
"""Longest time between two deaths."""


class Setting(NamedTuple):
    """So many failures in a row are forgiven, each check after a failed one comes after `again` seconds."""

    retries: int
    again: float
    both: bool = True


SETTINGS = {
    "first": Setting(0, INTERVAL),
    "second": Setting(1, INTERVAL),
    "usual": Setting(1, 0.5, both=False),
}
"""By the failure that counts. The last is hactl's own default; keepalived's is the second."""


def removals(here: Ground, setting: Setting, servers: int, *, kernel: bool) -> Iterator[Removal]:
    """Let servers fail one by one; with `kernel` the kernel's own table says when they left it."""
    farm = Farm("http", servers, INTERVAL, retries=setting.retries, mortals=True, again=setting.again)
    for make in PROGRAMS if setting.both else PROGRAMS[:1]:
        with Mortals(here, range(servers)) as mortals:
            program = make(here, kernel)
            with Watch(here) if kernel else contextlib.nullcontext() as watch:
                program.start(farm)
                try:
                    _await_all(servers, mortals, watch)
                    died = _kill(mortals, servers)
                    time.sleep((setting.retries + 2) * (INTERVAL + farm.timeout) + 1.0)
                    gone = program.removals if watch is None else dict(watch.removals)
                finally:
                    program.stop()
        yield from _found(program, setting, died, gone, kernel=kernel)


def _found(
    program: Program,
    setting: Setting,
    died: dict[str, tuple[Way, float]],
    gone: dict[str, float],
    *,
    kernel: bool,
) -> Iterator[Removal]:
    for way in Way:
        deaths = {server: at for server, (how, at) in died.items() if how is way}
        took = sorted(gone[server] - at for server, at in deaths.items() if server in gone)
        yield Removal(
            program=program.name,
            way=way.value,
            kernel=kernel,
            interval=INTERVAL,
            retries=setting.retries,
            again=setting.again,
            deaths=len(deaths),
            took=tuple(took),
        )


def _await_all(servers: int, mortals: Mortals, watch: Watch | None) -> None:
    """Until every server serves; the lab kernel takes its time."""

    def serving() -> int:
        checked = sum(mortals.answered[number] >= _CHECKED for number in range(servers))
        return checked if watch is None else min(checked, len(watch.there))

    limit = time.monotonic() + _SERVING_WITHIN
    while serving() < servers:
        if time.monotonic() > limit:
            raise LabError(f"{serving()} of {servers} servers serve")
        time.sleep(0.1)
    time.sleep(_SETTLED)


def _kill(mortals: Mortals, servers: int) -> dict[str, tuple[Way, float]]:
    chance, died = random.Random(1), {}
    ways = tuple(Way)
    for number in range(servers):
        time.sleep(chance.uniform(0.0, _GAP))
        way = ways[number % len(ways)]
        died[mortal(number)] = way, mortals.fail(number, way)
    return died


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.removal", description=__doc__)
    parser.add_argument("--servers", type=int, default=200, help="that fail, in each setting")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=tuple(SETTINGS))
    parser.add_argument("--kernel", action="store_true", help="from the kernel's own table")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    path = asked.json or FOLDER / ("removal-ipvs.json" if asked.kernel else "removal.json")
    book = Book(path, {"servers": asked.servers, "rounds": asked.rounds})
    missed = 0
    with guest.raising_signals(), ground() as here:
        for name in tuple(asked.settings) * asked.rounds:
            for found in removals(here, SETTINGS[name], asked.servers, kernel=asked.kernel):
                print(removal_line(found), flush=True)
                book.add("removal", found)
                missed += found.deaths - len(found.took)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
