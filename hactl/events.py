"""Which event each change is, and how much it matters; core.

Owns the translation from what the parts of the daemon report to the closed list of events. Times and ids are added by
whoever emits.
"""

from collections.abc import Callable, Iterator

import msgspec

from failover.moves import Cause, State
from failover.priority import Word
from failover.report import Alarm, Conflict, RouterReport
from hactl.ipvs.model import ServiceKey
from hactl.ipvs.passes import Repaired
from hactl.ipvs.words import deviation
from hactl.services.state import Availability, Change, PanicChange, ServerChange
from health.result import Health
from notify.event import Event, EventKind, Severity

SHOWN_MENDS = 5


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """An event before it has a time."""

    kind: EventKind
    subject: str
    old: str = ""
    new: str = ""
    reason: str = ""
    severity: Severity

    def event(self, number: str, cluster: str, node: str, at: float) -> Event:
        """The event that it is, with this id, on this director at this wall-clock time."""
        return Event(
            id=number,
            kind=self.kind,
            cluster=cluster,
            node=node,
            subject=self.subject,
            old=self.old,
            new=self.new,
            reason=self.reason,
            severity=self.severity,
            at=at,
        )


_ROUTER = {
    State.MASTER: EventKind.ROUTER_MASTER,
    State.BACKUP: EventKind.ROUTER_BACKUP,
    State.FAULT: EventKind.ROUTER_FAULT,
}
_SERVICE = {
    Availability.UP: EventKind.SERVICE_UP,
    Availability.DEGRADED: EventKind.SERVICE_DEGRADED,
    Availability.DOWN: EventKind.SERVICE_DOWN,
}
_ROUTINE = frozenset({Cause.STARTED, Cause.STOPPED})


def of_report(before: RouterReport | None, now: RouterReport) -> Iterator[Occurrence]:
    """All that is new in a router's report since the one before."""
    yield from of_tracked(before, now)
    moved = of_router(now)
    if moved is not None:
        yield moved


def of_router(report: RouterReport) -> Occurrence | None:
    """The event of a router's change of state; starting to listen and stopping are routine."""
    kind = _ROUTER.get(report.state)
    if kind is None or report.old is None:
        return None
    return Occurrence(
        kind=kind,
        subject=report.router,
        old=report.old.value,
        new=report.state.value,
        reason=report.reason,
        severity=Severity.INFO if report.cause in _ROUTINE else kind.severity,
    )


def of_tracked(before: RouterReport | None, now: RouterReport) -> Iterator[Occurrence]:
    """What a router tracks and what became of it since the report before; that something is well at first is no news."""
    known = {seen.name: seen.word for seen in before.track} if before is not None else {}
    for seen in now.track:
        old = known.get(seen.name, Word.UNKNOWN)
        if seen.word in (old, Word.UNKNOWN) or (old, seen.word) == (Word.UNKNOWN, Word.UP):
            continue
        kind = EventKind.TRACK_DOWN if seen.word is Word.DOWN else EventKind.TRACK_UP
        yield plain(kind, f"{seen.name}@{now.router}", seen.reason, old.value, seen.word.value)


def of_conflict(conflict: Conflict) -> Occurrence:
    """A second master on one of our routers."""
    kind = EventKind.CONFLICT_TWO_MASTERS
    return Occurrence(kind=kind, subject=conflict.router, reason=conflict.reason, severity=kind.severity)


def of_alarm(alarm: Alarm, node: str) -> Occurrence:
    """Adverts that one of our routers refuses, or the clock of this director's host."""
    if alarm.router:
        return plain(EventKind.ROUTER_REFUSED, alarm.router, alarm.reason)
    return plain(EventKind.DIRECTOR_CLOCK, node, alarm.reason)


def of_change(change: Change) -> Occurrence:
    """A server's or a service's change. That something is up for the first time, or a panic over, is no alarm."""
    if isinstance(change, PanicChange):
        kind = EventKind.SERVICE_PANIC
        severity = kind.severity if change.began else Severity.INFO
        new = "panic" if change.began else "over"
        return Occurrence(kind=kind, subject=change.service, new=new, reason=change.reason, severity=severity)
    if isinstance(change, ServerChange):
        kind = EventKind.SERVER_UP if change.new is Health.UP else EventKind.SERVER_DOWN
        subject = f"{change.server}@{change.service}"
        first = change.old is Health.UNKNOWN
        old = change.old.value
    else:
        kind = _SERVICE[change.new]
        subject = change.service
        first = change.old is None
        old = change.old.value if change.old else ""
    good = first and kind in (EventKind.SERVER_UP, EventKind.SERVICE_UP)
    severity = Severity.INFO if good else kind.severity
    return Occurrence(
        kind=kind, subject=subject, old=old, new=change.new.value, reason=change.reason, severity=severity
    )


def of_repair(repaired: Repaired, name: Callable[[ServiceKey], str]) -> Occurrence:
    """Somebody else had changed the IPVS table; `name` gives a service its configured name."""
    kind = EventKind.IPVS_REPAIRED
    shown = "; ".join(deviation(op, name) for op in repaired.mends[:SHOWN_MENDS])
    hidden = len(repaired.mends) - SHOWN_MENDS
    more = f"; and {hidden} more" if hidden > 0 else ""
    return Occurrence(kind=kind, subject="ipvs", reason=f"put right: {shown}{more}", severity=kind.severity)


def plain(kind: EventKind, subject: str, reason: str = "", old: str = "", new: str = "") -> Occurrence:
    """An event with the severity of its kind."""
    return Occurrence(kind=kind, subject=subject, old=old, new=new, reason=reason, severity=kind.severity)
