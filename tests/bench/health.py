"""`PYTHONPATH=tests python -m bench.health`: hactl's checks beside keepalived's, on the same servers in the same run.

Prints a table and writes everything down. Times and CPU are of the running kernel; the table that is
written to is a stand-in for both programs: a strict fake here, answered system calls there.
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import figures, usage
from bench.book import FOLDER, Book
from bench.farm import KINDS, Farm
from bench.figures import Load, Reload
from bench.ground import Ground, ground
from bench.lateness import lateness
from bench.programs import PROGRAMS, Program

from hactl.lab import guest

STEADY_WITHIN = 60.0
LOADS = {
    "second": tuple(Farm(kind, servers, 1.0) for kind in KINDS for servers in (1000, 4000)),
    "many": tuple(Farm(kind, 10_000, 5.0) for kind in KINDS),
}
"""Parts by name: checks every second, and of many servers."""
PARTS = (*LOADS, "reload")
_SETTLING = 350
"""Servers a second whose first verdict is worked off by a program that does much at each: log, history, alerts, status."""


class Spent:
    """CPU seconds since this was made."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._before = self._now()

    def taken(self) -> tuple[float, float]:
        """Of the checker, and of everything else."""
        now = self._now()
        return now[0] - self._before[0], now[1] - self._before[1]

    def _now(self) -> tuple[float, float]:
        processes = self._program.processes()
        checker = usage.cpu(processes.pop("checker", []))
        return checker, sum(map(usage.cpu, processes.values()))


def steady(here: Ground, farm: Farm) -> float:
    """Wait until checks come at the pace that was asked for; after how many seconds they did."""
    began, wanted = time.monotonic(), 0.95 * farm.servers / farm.interval
    window = max(1.0, farm.interval)
    while time.monotonic() < began + STEADY_WITHIN:
        before, at = here.accepted(), time.monotonic()
        time.sleep(window)
        if (here.accepted() - before) / (time.monotonic() - at) >= wanted:
            break
    return time.monotonic() - began - window


def load(here: Ground, program: Program, farm: Farm, seconds: float) -> Load:
    """Measure a program that runs already."""
    after = steady(here, farm)
    time.sleep(2.0 + farm.servers / _SETTLING)
    begun = sum(map(usage.cpu, program.processes().values()))
    spent, before, at = Spent(program), here.accepted(), time.monotonic()
    time.sleep(seconds)
    (checker, rest), checks = spent.taken(), here.accepted() - before - 1
    took = time.monotonic() - at
    starts = here.starts(max(seconds, 6 * farm.interval))
    late = [one for times in starts.values() if len(times) > 1 for one in lateness(times, farm.interval)]
    processes = program.processes()
    return Load(
        program=program.name,
        kind=farm.kind,
        servers=farm.servers,
        interval=farm.interval,
        steady=after,
        begun=begun,
        checks=checks / took,
        checker=1e6 * checker / checks,
        rest=1e6 * rest / checks,
        lateness=figures.quantiles(late),
        memory=sum(map(usage.memory, processes.values())),
        memory_checker=usage.memory(processes["checker"]),
    )


def loads(here: Ground, farm: Farm, seconds: float, rounds: int) -> Iterator[Load]:
    """One load of both programs, in turns; the medians."""
    runs: dict[str, list[Load]] = {}
    for _ in range(rounds):
        for make in PROGRAMS:
            program = make(here, False)
            program.start(farm)
            try:
                runs.setdefault(program.name, []).append(load(here, program, farm, seconds))
            finally:
                program.stop()
    yield from (figures.middle(several) for several in runs.values())


def reloads(here: Ground, farm: Farm, changed: int) -> Iterator[Reload]:
    """What a reload costs beyond the checks that go on meanwhile."""
    window = 6 * farm.interval
    for make in PROGRAMS:
        program = make(here, False)
        program.start(farm)
        try:
            steady(here, farm)
            time.sleep(2.0 + farm.servers / _SETTLING)
            idle = Spent(program)
            time.sleep(window)
            usual = idle.taken()
            before = program.changes()
            program.write(farm._replace(changed=changed))
            busy = Spent(program)
            program.reload()
            began, after = time.monotonic(), math.nan
            while (passed := time.monotonic() - began) < window:
                if math.isnan(after) and program.changes() - before >= changed:
                    after = passed
                time.sleep(0.25)
            checker, rest = (now - was for now, was in zip(busy.taken(), usual, strict=True))
            writes = program.changes() - before
            yield Reload(program.name, farm.servers, changed, writes, after, checker, rest)
        finally:
            program.stop()


def measure(here: Ground, asked: argparse.Namespace) -> Iterator[tuple[str, figures.Result]]:
    """Everything that was asked for: a line and what it says, as it comes."""
    found = []
    for farm in (farm for part in asked.only for farm in LOADS.get(part, ())):
        for one in loads(here, farm, asked.seconds, asked.rounds):
            found.append(one)
            yield figures.load_line(one), one
    for growth in figures.growths(found):
        yield figures.growth_line(growth), growth
    if "reload" in asked.only:
        for reload in reloads(here, Farm("tcp", 10_000, 5.0), 10):
            yield figures.reload_line(reload), reload


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(prog="bench.health")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program at each load")
    parser.add_argument("--json", type=Path, default=FOLDER / "health.json")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts of it")
    asked = parser.parse_args()
    book = Book(asked.json, {"seconds": asked.seconds, "rounds": asked.rounds})
    if LOADS.keys() & set(asked.only):
        print(figures.LOAD_HEAD)
    with guest.raising_signals(), ground() as here:
        for line, result in measure(here, asked):
            book.add(type(result).__name__.lower(), result)
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
