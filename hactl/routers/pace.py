"""Whether this host is quick enough for the advert intervals in force, by the failover worker's own measure; core.

The law: each shortfall is told once, until the router is in order again or its spec is another one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from failover.lateness import Lateness, smallest_interval
from failover.spec import RouterSpec
from hactl.config.duration import written

_EQUAL = 1e-6
"""Seconds below which two intervals are one."""


class LatenessView(TypedDict):
    """How late the failover worker woke up, by its own measure."""

    realtime: bool
    samples: Annotated[int, Meta(ge=0)]
    p50_ms: float
    p99_ms: float
    worst_ms: float
    smallest_interval_ms: float


class Pace:
    """What the living failover worker measured last, and what was told of it."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.measured: Lateness | None = None
        self._say = say
        self._told: set[str] = set()

    def hear(self, measured: Lateness, routers: Iterable[RouterSpec]) -> None:
        """A measurement came. The first, where it was made without real-time scheduling, is told with what is safe here."""
        first, self.measured = self.measured is None, measured
        if first and not measured.realtime:
            self._say(_at_start(measured))
        self.look(routers)

    def look(self, routers: Iterable[RouterSpec]) -> None:
        """Tell each router that is too quick, where that is news."""
        found = dict(self._short(routers))
        for name in found.keys() - self._told:
            self._say(found[name])
        self._told = set(found)

    def now(self, routers: Iterable[RouterSpec]) -> list[str]:
        """A sentence for each router that advertises faster than this host is quick."""
        return [text for _, text in self._short(routers)]

    def forget(self) -> None:
        """The worker that measured is dead; what was told stays told."""
        self.measured = None

    def _short(self, routers: Iterable[RouterSpec]) -> Iterator[tuple[str, str]]:
        if self.measured is not None:
            for router in too_quick(routers, self.measured):
                yield router.name, sentence(router, self.measured)


def too_quick(routers: Iterable[RouterSpec], measured: Lateness) -> Iterator[RouterSpec]:
    """The routers that advertise faster than is safe here."""
    for router in routers:
        if router.advert_interval < smallest_interval(measured.worst, router.down_after) - _EQUAL:
            yield router


def sentence(router: RouterSpec, measured: Lateness) -> str:
    """Why a router's adverts are too quick for this host."""
    smallest = smallest_interval(measured.worst, router.down_after)
    how = "" if measured.realtime else ", without real-time scheduling"
    return (
        f"router {router.name} advertises each {written(router.advert_interval)}, but the smallest safe interval here is "
        f"{written(smallest)}: the failover worker woke up to {1000 * measured.worst:.1f}ms late{how}"
    )


def view(measured: Lateness | None) -> LatenessView | None:
    """What status shows; milliseconds, with the default `down_after`. None before the first measurement."""
    if measured is None:
        return None
    return {
        "realtime": measured.realtime,
        "samples": measured.samples,
        "p50_ms": round(1000 * measured.middle, 3),
        "p99_ms": round(1000 * measured.most, 3),
        "worst_ms": round(1000 * measured.worst, 3),
        "smallest_interval_ms": round(1000 * smallest_interval(measured.worst)),
    }


def read(shown: Mapping[str, Any] | None) -> Lateness | None:
    """The measurement back from what status shows."""
    if not shown:
        return None
    return Lateness(
        realtime=shown["realtime"],
        samples=shown["samples"],
        middle=shown["p50_ms"] / 1000,
        most=shown["p99_ms"] / 1000,
        worst=shown["worst_ms"] / 1000,
    )


def _at_start(measured: Lateness) -> str:
    smallest = written(smallest_interval(measured.worst))
    return f"without real-time scheduling the smallest safe advert interval is {smallest} here: {_seen(measured)}"


def _seen(measured: Lateness) -> str:
    late = (1000 * one for one in (measured.middle, measured.most, measured.worst))
    middle, most, worst = (f"{one:.1f}ms" for one in late)
    return (
        f"of {measured.samples} wake-ups half were {middle} late, one of a hundred {most}, the latest {worst}"
    )
