"""What tracked objects make of a router's priority: weights added up, or a fault that names the object.

Owns the judgement only; whoever saw an object hands its verdict in. The law: unknown is no reason. An object without a
verdict neither adds nor is a fault; but while there is one, this director must not preempt.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

import msgspec

from failover.packet import OWNER
from failover.permit import Permit
from failover.spec import TrackedObject, TrackKind

LOWEST, HIGHEST = 1, 254
"""What is left for tracking: 0 is a release and 255 the owner's (RFC 9568 section 5.2.4)."""


class Word(StrEnum):
    """What is known of a tracked object."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Judgement(msgspec.Struct, frozen=True):
    """The verdict on an object by its `id`; `number` is what a tracked file says, None where it says nothing."""

    id: str
    word: Word
    reason: str = ""
    number: int | None = None


class Known(msgspec.Struct, frozen=True):
    """All verdicts by id, whether this director's first round of checks is finished (`settled`), and what witnesses allow
    each router."""

    verdicts: Mapping[str, Judgement] = {}
    settled: bool = True
    permits: Mapping[str, Permit] = {}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One tracked object as it stands: what is known, why, its weight in the configuration and what it `adds` now."""

    name: str
    kind: TrackKind
    word: Word
    reason: str
    weight: int
    adds: int = 0

    @property
    def fault(self) -> str | None:
        """The sentence of the fault that this object is, None when it is none.

        A file without a number is a fault whatever its weight; with weight 0 so is a number other than 0.
        """
        is_file = self.kind is TrackKind.FILE
        if self.word is Word.DOWN and (self.weight == 0 or is_file):
            return f"tracked {self.name} is down" + (f": {self.reason}" if self.reason else "")
        return f"tracked {self.name} {self.reason}" if is_file and self.weight == 0 and self.adds else None


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """What tracking makes of a router. `interface_fault` is kept apart: only carriers have a `link_delay`.

    `unproven`: something that this director is judged by has no verdict yet.
    """

    priority: int
    fault: str | None = None
    interface_fault: str | None = None
    unproven: bool = False
    seen: tuple[Seen, ...] = ()


def weigh(
    base: int, track: tuple[TrackedObject, ...], known: Known, has_carrier: Callable[[str], bool]
) -> Weighed:
    """The effective priority from the configured one, and the first fault in the order of the configuration."""
    seen = tuple(_see(tracked, known.verdicts, has_carrier) for tracked in track)
    links, others = (next(_faults(seen, of_links=of_links), None) for of_links in (True, False))
    return Weighed(
        priority=bounded(base, sum(one.adds for one in seen if one.weight)),
        fault=others,
        interface_fault=links,
        unproven=not known.settled or any(one.word is Word.UNKNOWN for one in seen),
        seen=seen,
    )


def bounded(base: int, added: int) -> int:
    """A configured priority with all weights: the owner's stays, every other one stays below it."""
    return OWNER if base == OWNER else max(LOWEST, min(HIGHEST, base + added))


def _faults(seen: tuple[Seen, ...], *, of_links: bool) -> Iterator[str]:
    for one in seen:
        fault = one.fault
        if fault is not None and (one.kind is TrackKind.INTERFACE) is of_links:
            yield fault


def _see(
    tracked: TrackedObject, verdicts: Mapping[str, Judgement], has_carrier: Callable[[str], bool]
) -> Seen:
    if tracked.kind is TrackKind.INTERFACE:
        there = has_carrier(tracked.object)
        judged = Judgement("", Word.UP if there else Word.DOWN)
    else:
        judged = verdicts.get(tracked.id) or Judgement(tracked.id, Word.UNKNOWN, "no verdict yet")
    return Seen(
        name=tracked.name,
        kind=tracked.kind,
        word=judged.word,
        reason=judged.reason,
        weight=tracked.weight,
        adds=_added(tracked, judged),
    )


def _added(tracked: TrackedObject, judged: Judgement) -> int:
    """What it adds to the priority; of a file of weight 0 its number, which is then a fault and not added."""
    if tracked.kind is TrackKind.FILE:
        number = judged.number if judged.number is not None and judged.word is Word.UP else 0
        return number * (tracked.weight or 1)
    return tracked.weight if judged.word is Word.DOWN else 0
