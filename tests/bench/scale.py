"""`PYTHONPATH=tests python -m bench.scale`: hactl and keepalived with thousands of servers, and with shared ones.

Start and reload on the kernel's own table (`--only table`; where the running kernel has none, in the lab kernel: `python -m
hactl.lab.guest -- ...`, whose times count as ratios only), shared servers on the running kernel (`--only sharing`).
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from bench import usage
from bench.book import FOLDER, Book
from bench.farm import Farm
from bench.ground import Ground, ground
from bench.ours import Hactl
from bench.rival import Keepalived

from hactl.lab import net as namespaces
from hactl.lab.kernel import has_ipvs

_LOOK_EVERY = 0.05
_WITHIN = 240.0
_QUIET = 3.0
"""Seconds after a reload until the next; four times as many in which an unchanged one would have written."""
FEW, MANY = 1, 4000
FIRST = f"{MANY:,} of them, the first since the start"
"""hactl loads then what reads its file, and keeps it for some minutes."""
UNTOLD = frozenset({"nothing", "those back", "the others"})
SHARED, SHARING = 200, 50
PARTS = {"table": "scale.json", "sharing": "sharing.json"}
"""What can be measured, with the book of each."""


class Scaled(msgspec.Struct, frozen=True):
    """One figure of both programs, and the most that their ratio may be; None where there is no target.

    `writes` are hactl's writes to the table, -1 where they are not counted.
    """

    what: str
    servers: int
    unit: str
    ours: float
    theirs: float
    target: float | None = None
    writes: int = -1

    @property
    def ratio(self) -> float:
        """Ours in times of theirs."""
        return self.ours / self.theirs if self.theirs else float("inf")

    @property
    def met(self) -> bool:
        """Whether the target is met, or there is none."""
        return self.target is None or self.ratio <= self.target


HEAD = f"{'what':62}{'servers':>9}{'hactl':>10}{'beside it':>12}{'ratio':>8}{'target':>8}{'writes':>8}"


def line(one: Scaled) -> str:
    """A line below HEAD."""
    target = f"{one.target:8.2f}" if one.target is not None else f"{'-':>8}"
    writes = f"{one.writes:8}" if one.writes >= 0 else f"{'-':>8}"
    missed = "" if one.met else "  missed"
    figures = f"{one.ours:10.2f}{one.theirs:12.2f}{one.ratio:8.2f}"
    return f"{one.what:62}{one.servers:9}{figures}{target}{writes} {one.unit}{missed}"


# ---- the table ------------------------------------------------------------------------------------------------------


class Timed(msgspec.Struct):
    """What one program took: seconds by what was done, and writes by the same where they are counted."""

    seconds: dict[str, float] = {}
    writes: dict[str, int] = {}


def _heavy(here: Ground) -> tuple[int, int]:
    """How many servers stand in the table, and how many of them with the other weight."""
    with namespaces.inside(here.namespace):
        text = Path("/proc/thread-self/net/ip_vs").read_text()
    weights = [row.split()[3] for row in text.splitlines() if row.startswith("  -> ") and "Remote" not in row]
    return len(weights), weights.count("2")


def _until(here: Ground, wanted: tuple[int, int], began: float) -> float:
    """Seconds from `began` until the table is so."""
    while (there := _heavy(here)) != wanted:
        assert time.monotonic() < began + _WITHIN, f"{there} in place of {wanted}"
        time.sleep(_LOOK_EVERY)
    return time.monotonic() - began


def _reloads(servers: int) -> dict[str, int]:
    """Reloads in order by name, each with how many servers have the other weight then; UNTOLD ready for others."""
    if servers <= MANY:
        return {"nothing": 0, "one": FEW, "the others": servers, "all": 0}
    several = {FIRST: MANY, "nothing": MANY, "those back": 0, "one": FEW, f"{MANY:,} of them": MANY}
    return {**several, "the others": servers, "all": 0}


def timed(here: Ground, program: Hactl | Keepalived, farm: Farm, reloads: dict[str, int]) -> Timed:
    """Start, and reload."""
    found = Timed()
    count: Callable[[], int] = program.writes if isinstance(program, Hactl) else lambda: 0
    began = time.monotonic()
    program.start(farm)
    try:
        found.seconds["start"] = _until(here, (farm.servers, 0), began)
        found.writes["start"] = count()
        time.sleep(_QUIET)
        for name, changed in reloads.items():
            before = count()
            program.write(farm._replace(changed=changed))
            program.reload()
            began = time.monotonic()
            found.seconds[name] = _until(here, (farm.servers, changed), began)
            time.sleep(4 * _QUIET if name == "nothing" else _QUIET)
            found.writes[name] = count() - before
    finally:
        program.stop()
        here.start("ipvsadm", "-C").wait(60)
    return found


def table(here: Ground, servers: int, interval: float) -> Iterator[Scaled]:
    """Start and reload of so many servers."""
    farm = Farm("tcp", servers, interval)
    reloads = _reloads(servers)
    ours = timed(here, Hactl(here, kernel=True), farm, reloads)
    theirs = timed(here, Keepalived(here, kernel=True), farm, reloads)
    checked = timed(here, Keepalived(here, kernel=True), farm._replace(alpha=True), {})
    start = ours.seconds["start"]
    writes = ours.writes["start"]
    yield Scaled(
        "start, each server after its first check", servers, "s", start, checked.seconds["start"], 1.0, writes
    )
    yield Scaled(
        "start, keepalived before any check", servers, "s", start, theirs.seconds["start"], None, writes
    )
    silent = ours.writes["nothing"]
    yield Scaled("reload, changed: nothing (writes)", servers, "", silent, 1.0, 0.0, silent)
    for name in reloads:
        if name not in UNTOLD:
            target = 0.1 if reloads[name] == MANY else None
            took = ours.seconds[name], theirs.seconds[name]
            yield Scaled(f"reload, changed: {name}", servers, "s", *took, target, ours.writes[name])


# ---- shared servers -------------------------------------------------------------------------------------------------


def sharing(here: Ground, seconds: float, settle: float) -> Iterator[Scaled]:
    """What fifty services over the same servers cost in times of one service over them."""
    costs: dict[tuple[str, int], tuple[float, float]] = {}
    for services in (1, SHARING):
        for make in (Hactl, Keepalived):
            program = make(here)
            program.start(Farm("tcp", SHARED, 1.0, sharing=services))
            try:
                time.sleep(settle)
                pids = [pid for some in program.processes().values() for pid in some]
                before, probes = usage.cpu(pids), here.accepted()
                time.sleep(seconds)
                spent = (usage.cpu(pids) - before) / seconds
                costs[program.name, services] = 1000 * spent, (here.accepted() - probes - 1) / seconds
            finally:
                program.stop()
    ours, one = costs["hactl", SHARING], costs["hactl", 1]
    theirs, rival = costs["keepalived", SHARING], costs["keepalived", 1]
    yield Scaled("probes, 50 services; beside: hactl's for 1", SHARED, "/s", ours[1], one[1], 1.05)
    yield Scaled("CPU, 50 services; beside: hactl's for 1", SHARED, "ms/s", ours[0], one[0], 1.1)
    yield Scaled("probes, 50 services", SHARED, "/s", ours[1], theirs[1])
    yield Scaled("CPU, 50 services", SHARED, "ms/s", ours[0], theirs[0])
    yield Scaled("CPU, 1 service", SHARED, "ms/s", one[0], rival[0])


# ---- all of it ------------------------------------------------------------------------------------------------------


def measure(here: Ground, asked: argparse.Namespace) -> Iterator[Scaled]:
    """Everything that was asked for."""
    if asked.only == "sharing":
        yield from sharing(here, asked.seconds, asked.settle)
    else:
        for servers in asked.servers:
            yield from table(here, servers, asked.interval)


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(prog="bench.scale")
    parser.add_argument("--only", choices=PARTS, help="default: what this kernel can do")
    parser.add_argument("--servers", nargs="+", type=int, default=[1000, 10_000])
    parser.add_argument(
        "--interval", type=float, default=30.0, help="between two checks of a server, for the table"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement of shared servers")
    parser.add_argument("--settle", type=float, default=15.0, help="seconds until it begins")
    parser.add_argument("--json", type=Path, help="default: build/bench/scale.json, or sharing.json")
    asked = parser.parse_args()
    asked.only = asked.only or ("table" if has_ipvs() else "sharing")
    if asked.only == "table" and not has_ipvs():
        parser.error(
            "this kernel has no IPVS: python -m hactl.lab.guest -- env PYTHONPATH=tests python -m bench.scale"
        )
    book = Book(
        asked.json or FOLDER / PARTS[asked.only], {"interval": asked.interval, "seconds": asked.seconds}
    )
    print(HEAD)
    with ground() as here:
        for one in measure(here, asked):
            book.add("scale", one)
            print(line(one), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
