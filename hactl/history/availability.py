"""How available services, real servers and directors were, from the events of one director's history; core.

The law: only what was watched counts. While this director's daemon was not running nothing is known, nor of what has left
the configuration, and what is not known is neither up nor down. Times are wall-clock seconds since the epoch; where the
clock was set back, what it said afterwards is believed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

from notify.event import Event, EventKind


class Subject(StrEnum):
    """What a report has lines about, in its order."""

    SERVICE = "service"
    SERVER = "server"
    DIRECTOR = "director"


class Span(msgspec.Struct, frozen=True):
    """A state from `start` to `end`, and why it began."""

    start: float
    end: float
    state: str
    reason: str = ""

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One subject over the time of a report. Between spans nothing is known."""

    subject: Subject
    name: str
    spans: tuple[Span, ...]

    def seconds(self, *states: str) -> float:
        """How long it was in one of these states."""
        return sum(span.length for span in self.spans if span.state in states)

    @property
    def watched(self) -> float:
        """Seconds in which its state was known."""
        return sum(span.length for span in self.spans)

    @property
    def available(self) -> float | None:
        """The share of the watched time in which it served, 0 to 1; degraded serves. None: it was never watched."""
        return self.seconds("up", "degraded") / self.watched if self.watched > 0 else None

    @property
    def downtimes(self) -> tuple[Span, ...]:
        """Each time it was down."""
        return tuple(span for span in self.spans if span.state == "down")


class Present(msgspec.Struct, frozen=True):
    """What is known of a subject at the end: its state, since when, and why."""

    state: str
    since: float
    reason: str = ""


Key = tuple[Subject, str]

_STATES: Mapping[EventKind, tuple[Subject, str]] = {
    EventKind.SERVICE_UP: (Subject.SERVICE, "up"),
    EventKind.SERVICE_DEGRADED: (Subject.SERVICE, "degraded"),
    EventKind.SERVICE_DOWN: (Subject.SERVICE, "down"),
    EventKind.SERVER_UP: (Subject.SERVER, "up"),
    EventKind.SERVER_DOWN: (Subject.SERVER, "down"),
    EventKind.PEER_UP: (Subject.DIRECTOR, "up"),
    EventKind.PEER_DOWN: (Subject.DIRECTOR, "down"),
}
_KNOWN = frozenset({"up", "degraded", "down"})
_BOUNDS = frozenset({EventKind.DIRECTOR_STARTED, EventKind.DIRECTOR_STOPPED})
_Change = tuple[float, str, str, str]


def lines(
    events: Iterable[Event], present: Mapping[Key, Present], node: str, since: float, until: float
) -> tuple[Line, ...]:
    """A line for each subject that has events between `since` and `until`, or is there at the end.

    `events` are in the order in which they happened and all of that time; `node` is the director whose history it is.
    """
    every = _forward(tuple(events), until)
    bounds = tuple(_bounds(every, node))
    loads = tuple(event.at for event in every if event.kind is EventKind.CONFIG_LOADED)
    changes: dict[Key, list[_Change]] = {key: [] for key in present}
    for event in every:
        if event.kind in _STATES:
            subject, state = _STATES[event.kind]
            change = (event.at, event.old, state, event.reason)
            changes.setdefault((subject, event.subject), []).append(change)
    found = [
        Line(subject=key[0], name=key[1], spans=_spans(each, bounds, present.get(key), since, end))
        for key, each in changes.items()
        for end in [until if key in present else _left(each[-1][0], loads, until)]
    ]
    order = list(Subject)
    return tuple(sorted(found, key=lambda line: (order.index(line.subject), line.name)))


def _forward(events: Sequence[Event], until: float) -> tuple[Event, ...]:
    """The events with times that never fall: of a clock that was set back, what it said after that is believed."""
    right: list[Event] = []
    latest = until
    for event in reversed(events):
        latest = min(latest, event.at)
        right.append(event if event.at == latest else msgspec.structs.replace(event, at=latest))
    return tuple(reversed(right))


def _left(last: float, loads: Iterable[float], until: float) -> float:
    """Until when one that is there no more was watched at most: a configuration that was loaded after its last word."""
    return min((at for at in loads if at > last), default=until)


def _bounds(events: Iterable[Event], node: str) -> Iterator[float]:
    """When the daemon began or ceased to watch. One that began without having stopped had died after its last event."""
    last, watching = None, True
    for event in events:
        if event.kind in _BOUNDS and event.subject == node:
            begins = event.kind is EventKind.DIRECTOR_STARTED
            if begins and watching and last is not None:
                yield last
            watching = begins
            yield event.at
        last = event.at


def _spans(
    changes: Sequence[_Change], bounds: Sequence[float], present: Present | None, since: float, until: float
) -> tuple[Span, ...]:
    """The known states of one subject. At each of the `bounds` what was known is forgotten."""
    if not changes:
        return _unchanged(present, since, until)
    first_at, old, _, _ = changes[0]
    start = max((at for at in bounds if at <= first_at), default=since)
    known = [Span(start, first_at, old)] if old in _KNOWN else []
    moments = [at for at, *_ in changes]
    for (at, _, state, reason), following in zip(changes, [*moments[1:], until], strict=True):
        bound = min((one for one in bounds if one >= at), default=until)
        known.append(Span(at, min(following, bound), state, reason))
    return tuple(_merged(span for span in known if span.length > 0))


def _unchanged(present: Present | None, since: float, until: float) -> tuple[Span, ...]:
    """Of one that did not change in all the time: what is known at the end, since it is known."""
    if present is None or present.state not in _KNOWN:
        return ()
    start = max(since, present.since)
    return (Span(start, until, present.state, present.reason),) if start < until else ()


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Adjoining spans of one state as one."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.state == span.state and last.end == span.start:
            last = Span(last.start, span.end, last.state, last.reason)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
