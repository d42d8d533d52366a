"""What is measured of a health checker, and how it is written down."""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec


class Load(msgspec.Struct, frozen=True):
    """Checks at a steady pace. CPU times are microseconds a check, lateness milliseconds, memory mebibytes.

    `checker` is the process that checks, `rest` everything else of the program. `steady` is after how many seconds the
    pace was reached, `begun` how many seconds of CPU the whole program had used when the measurement began.
    """

    program: str
    kind: str
    servers: int
    interval: float
    steady: float
    begun: float
    checks: float
    checker: float
    rest: float
    lateness: Mapping[str, float]
    memory: float
    memory_checker: float


class Reload(msgspec.Struct, frozen=True):
    """A reload: servers that were written, when all were (seconds), and CPU seconds beyond the checks' own."""

    program: str
    servers: int
    changed: int
    writes: int
    after: float
    checker: float
    rest: float


class Removal(msgspec.Struct, frozen=True):
    """Seconds from the failure of servers in one way to their removal, sorted; `kernel`: from the kernel's own table.

    `again` is after how many seconds a failed check is repeated, `retries` how many failures are forgiven.
    """

    program: str
    way: str
    kernel: bool
    interval: float
    retries: int
    again: float
    deaths: int
    took: tuple[float, ...]


class Growth(msgspec.Struct, frozen=True):
    """Mebibytes that a thousand more servers take, of the checker and of the whole program."""

    program: str
    kind: str
    checker: float
    whole: float


Result = Load | Reload | Growth


def growths(loads: Sequence[Load]) -> Iterator[Growth]:
    """The growth of each program and kind of check, from its fewest servers to its most."""
    several: dict[tuple[str, str], list[Load]] = {}
    for one in loads:
        several.setdefault((one.program, one.kind), []).append(one)
    for (program, kind), runs in several.items():
        few, many = min(runs, key=lambda run: run.servers), max(runs, key=lambda run: run.servers)
        thousands = (many.servers - few.servers) / 1000
        if thousands:
            checker = (many.memory_checker - few.memory_checker) / thousands
            yield Growth(program, kind, checker, (many.memory - few.memory) / thousands)


def quantiles(late: Iterable[float]) -> dict[str, float]:
    """Milliseconds from seconds."""
    times = sorted(late)
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {
        name: 1000 * times[min(len(times) - 1, int(share * len(times)))] for name, share in shares.items()
    }


def middle(runs: Sequence[Load]) -> Load:
    """The median of each figure of several runs."""
    names = ("steady", "begun", "checks", "checker", "rest", "memory", "memory_checker")
    figures = {name: statistics.median(getattr(run, name) for run in runs) for name in names}
    late = {name: statistics.median(run.lateness[name] for run in runs) for name in runs[0].lateness}
    return msgspec.structs.replace(runs[0], **figures, lateness=late)


LOAD_HEAD = (
    "program     check servers  every checks/s   CPU us/check    checks/s   lateness of starts, ms      MiB    start\n"
    "                                           checker    rest  per core     p50     p99      max            CPU s"
)


def load_line(load: Load) -> str:
    """One line below `LOAD_HEAD`."""
    late = "".join(f"{load.lateness[name]:8.2f}" for name in ("p50", "p99", "max"))
    return (
        f"{load.program:12}{load.kind:6}{load.servers:7}{load.interval:5g} s{load.checks:9.0f}"
        f"{load.checker:10.1f}{load.rest:8.1f}{1e6 / load.checker:10.0f}{late}{load.memory:9.1f}{load.begun:9.1f}"
    )


def reload_line(one: Reload) -> str:
    """A reload in words."""
    return (
        f"{one.program:12}reload of {one.servers} servers, {one.changed} changed: {one.writes} written "
        f"within {one.after:.1f} s, "
        f"{one.checker + one.rest:.2f} s of CPU ({one.checker:.2f} of the checker)"
    )


def growth_line(one: Growth) -> str:
    """A growth in words."""
    return f"{one.program:12}{one.kind}: {one.whole:.2f} MiB for each 1,000 servers more ({one.checker:.2f} of the checker)"


def removal_line(one: Removal) -> str:
    """Removals in words."""
    times = [1000 * seconds for seconds in one.took]
    text = f"{statistics.median(times):.0f} ms [{times[0]:.0f} to {times[-1]:.0f}]" if times else "never"
    return (
        f"{one.program:12}http every {one.interval:g} s, {one.retries} forgiven, again after {one.again:g} s: "
        f"{one.way:8} {len(times)} of {one.deaths} removed after {text}"
    )
