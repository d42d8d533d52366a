"""The page's parts on adverts, many routers, dead real servers and checks.

Its law: text from a book's samples alone.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import msgspec
from bench.book import Document
from bench.chart import Chart, Line, svg
from bench.figures import Removal
from bench.mortals import Way
from bench.outage.samples import Ratio, ratio
from bench.outage.targets import ratio_text
from bench.section import Section, conditions, mark, spread, table, verdict

_REMOVAL_TARGET = 0.7
_LATE_TARGET = 0.005
_ADVERTS = """How late adverts are while busy processes want every core, and whether the backup took over for it, which it
must not.
"""
_ROUTERS = """A pair with so many routers on one interface, one VIP each, adverts every second. Late is more than 10 ms.
"""
_REMOVAL = """From a server's failure until it has left the table, after which no request is sent to it; an http check every
second with a timeout of a second; median and range. Where the second failure counts, both forgive one. *As it comes*: hactl
repeats a failed check after 500 ms by itself (`fast_interval`), keepalived after the interval (`delay_before_retry`).
"""
_CHECKS = """Checks of the same servers, both programs in turns. CPU is that of the process that checks, most of it the
kernel's, which on loopback does the server's half of each connection as well. [Where the time goes](keepalived.md).
"""


def adverts(found: Document) -> Section:
    """Lateness of adverts on a busy host."""
    head = ("adverts each", "scheduling", "sent", "p50", "p99", "p99.9", "worst", "takeovers", "targets")
    rows = table(head, map(_advert_cells, found.of("adverts")))
    return Section(f"## Adverts on a busy host\n\n{_ADVERTS}\n{conditions(found.conditions)}\n\n{rows}", {})


def _advert_cells(one: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_advert(one))


def _advert(one: dict[str, Any]) -> Iterator[str]:
    yield f"{1000 * one['interval']:.0f} ms"
    yield "real time" if one["realtime"] else "not in real time"
    yield str(one["adverts"])
    for share in ("0.5", "0.99", "0.999", "1"):
        yield f"{1000 * one[share]:.2f} ms"
    yield str(one["moves"])
    promised = f"p99.9 at most {1000 * _LATE_TARGET:.0f} ms and no takeover: "
    kept = one["0.999"] <= _LATE_TARGET and not one["moves"]
    yield promised + verdict(kept) if one["realtime"] else ""


def routers(found: Document) -> Section:
    """Many routers on one interface."""
    head = ("", "adverts", "late", "worst", "CPU, master", "CPU, backup")
    rows = table(
        head,
        (
            (
                one["side"],
                str(one["adverts"]),
                str(one["late"]),
                f"{1000 * one['worst']:.1f} ms",
                f"{one['master']:.1%} of a core",
                f"{one['backup']:.1%}",
            )
            for one in found.of("routers")
        ),
    )
    late = [one["late"] for one in found.of("routers") if one["side"] == "hactl"]
    judged = f"Target: none of hactl's is late: {verdict(not any(late))}.\n" if late else ""
    return Section(f"## Many routers\n\n{_ROUTERS}\n{conditions(found.conditions)}\n\n{rows}\n{judged}", {})


def removals(found: Document) -> Section:
    """Dead real servers, from the running kernel or from the lab kernel's own table."""
    samples = [msgspec.convert(one, Removal) for one in found.of("removal")]
    kernel = any(one.kernel for one in samples)
    where = "in the kernel's own table" if kernel else "as the programs see it"
    note = (
        "The lab kernel, where everything takes longer: only the ratios count.\n"
        if kernel
        else "The kernel's table is a stand-in for both.\n"
    )
    name = f"measured-removal{'-ipvs' if kernel else ''}.svg"
    title = f"From failure to removal, second failure, {where}"
    second = [_line(samples, way) for way in Way]
    pictures = {name: svg(Chart(title, "ms", 10, second))} if all(second) else {}
    shown = f"![{title}](pictures/{name})\n\n" if pictures else ""
    head = ("", "counts", "keepalived", "hactl", "ratio, 95 % sure", "target")
    rows = table(head, _removal_rows(samples))
    heading = f"## A real server fails, {where}"
    return Section(
        f"{heading}\n\n{_REMOVAL}{note}\n{conditions(found.conditions)}\n\n{shown}{rows}",
        {name: picture for name, picture in pictures.items() if picture},
    )


def _of(samples: Sequence[Removal], program: str, way: Way, retries: int, again: float) -> list[float]:
    wanted = (program, way.value, retries, again)
    return [
        took
        for one in samples
        if (one.program, one.way, one.retries, one.again) == wanted
        for took in one.took
    ]


def _line(samples: Sequence[Removal], way: Way) -> Line:
    ours, theirs = _of(samples, "hactl", way, 1, 0.5), _of(samples, "keepalived", way, 1, 1.0)
    return Line(f"{way.value}, as it comes", mark(ours) if ours else None, mark(theirs) if theirs else None)


_COUNTS = (
    ("the first failure", 0, 1.0, 1.0, False),
    ("the second failure", 1, 1.0, 1.0, False),
    ("the second failure, as it comes", 1, 0.5, 1.0, True),
)


def _removal_rows(samples: Sequence[Removal]) -> Iterator[tuple[str, ...]]:
    for counts, retries, mine, other, judged in _COUNTS:
        for way in Way:
            ours = _of(samples, "hactl", way, retries, mine)
            theirs = _of(samples, "keepalived", way, retries, other)
            if ours and theirs:
                found = ratio(ours, theirs)
                target = (
                    f"at most {_REMOVAL_TARGET}: {verdict(found.low <= _REMOVAL_TARGET)}" if judged else ""
                )
                yield way.text, counts, spread(theirs), spread(ours), ratio_text(found), target


def checks(found: Document) -> Section:
    """What checks cost."""
    head = (
        "",
        "CPU a check, keepalived",
        "hactl",
        "ratio",
        "late p99, keepalived",
        "hactl",
        "memory, keepalived",
        "hactl",
    )
    text = f"## Checks\n\n{_CHECKS}\n{conditions(found.conditions)}\n\n{table(head, _check_rows(found))}"
    reloads = table(
        ("reload", "servers changed", "written", "within", "CPU"),
        (
            (
                one["program"],
                f"{one['changed']} of {one['servers']:,}",
                str(one["writes"]),
                f"{one['after']:.1f} s" if one["after"] is not None else "never",
                f"{one['checker'] + one['rest']:.1f} s",
            )
            for one in found.of("reload")
        ),
    )
    return Section(text + (f"\n{reloads}" if found.of("reload") else ""), {})


def _check_rows(found: Document) -> Iterator[tuple[str, ...]]:
    def load(one: dict[str, Any]) -> tuple[str, int, float]:
        return one["kind"], one["servers"], one["interval"]

    for (kind, servers, interval), several in groupby(found.of("load"), load):
        sides = {one["program"]: one for one in several}
        if sides.keys() == {"hactl", "keepalived"}:
            ours, theirs = sides["hactl"], sides["keepalived"]
            compared = Ratio(*[ours["checker"] / theirs["checker"]] * 3).value
            yield (
                f"{kind}, {servers:,} servers each {interval:g} s",
                *(f"{one['checker']:.0f} µs" for one in (theirs, ours)),
                f"{compared:.2f}; at most 1: {verdict(compared <= 1)}",
                *(f"{one['lateness']['p99']:.0f} ms" for one in (theirs, ours)),
                *(f"{one['memory']:.0f} MiB" for one in (theirs, ours)),
            )
