"""Which events follow from the reports of routers, and how grave they are."""

import msgspec
import pytest

from failover.moves import Cause, State
from failover.priority import Seen, Word
from failover.report import Alarm, RouterReport
from failover.spec import TrackKind
from hactl.events import of_alarm, of_router, of_tracked
from notify.event import EventKind, Severity


def report(state: State, cause: Cause, old: State | None) -> RouterReport:
    """A report with what matters here."""
    return RouterReport(
        router="web", state=state, cause=cause, reason="why", since=0.0, priority=100, base_priority=100, master="",
        transitions=1, drops={}, lateness=0.0, renewal=0.0, neighbours={}, lease=2, holding=(), old=old,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "cause", "old", "kind", "severity"),
    [
        (State.BACKUP, Cause.STARTED, State.INIT, EventKind.ROUTER_BACKUP, Severity.INFO),
        (State.MASTER, Cause.MASTER_SILENT, State.BACKUP, EventKind.ROUTER_MASTER, Severity.WARNING),
        (State.FAULT, Cause.FAULT_FOUND, State.MASTER, EventKind.ROUTER_FAULT, Severity.CRITICAL),
    ],
)
def test_router_events(state: State, cause: Cause, old: State, kind: EventKind, severity: Severity) -> None:
    """A change is an event with the severity of its kind; starting to listen is routine."""
    found = of_router(report(state, cause, old))
    assert found is not None
    assert (found.kind, found.severity, found.old, found.new) == (kind, severity, old.value, state.value)


def test_no_change_is_no_event() -> None:
    """A regular report, and the end of a router, are no events."""
    assert of_router(report(State.MASTER, Cause.MASTER_SILENT, None)) is None
    assert of_router(report(State.INIT, Cause.STOPPED, State.MASTER)) is None


def test_alarms_are_events() -> None:
    """Refused adverts are the router's, a clock that was set is the director's; somebody is told of both."""
    refused = of_alarm(Alarm("web", "adverts of 10.99.0.2 are dropped"), "lb1")
    clock = of_alarm(Alarm("", "the clock of this host was set back by 3600 s"), "lb1")
    assert (refused.kind, refused.subject) == (EventKind.ROUTER_REFUSED, "web")
    assert (clock.kind, clock.subject) == (EventKind.DIRECTOR_CLOCK, "lb1")
    assert clock.reason == "the clock of this host was set back by 3600 s"
    assert {refused.severity, clock.severity} == {Severity.WARNING}


def seen(word: Word, reason: str = "") -> tuple[Seen, ...]:
    """One tracked script."""
    return (Seen(name="script disk", kind=TrackKind.SCRIPT, word=word, reason=reason, weight=0),)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Word.UP, Word.DOWN, EventKind.TRACK_DOWN),
        (Word.DOWN, Word.UP, EventKind.TRACK_UP),
        (Word.UNKNOWN, Word.DOWN, EventKind.TRACK_DOWN),
        (None, Word.DOWN, EventKind.TRACK_DOWN),
        (Word.UNKNOWN, Word.UP, None),
        (None, Word.UP, None),
        (Word.UP, Word.UP, None),
        (Word.DOWN, Word.UNKNOWN, None),
    ],
)
def test_events_of_tracked_objects(old: Word | None, new: Word, kind: EventKind | None) -> None:
    """Each change is told once; that something is well at first is no news, nor that it is unknown after a reload."""
    base = report(State.BACKUP, Cause.STARTED, None)
    before = None if old is None else msgspec.structs.replace(base, track=seen(old))
    found = list(of_tracked(before, msgspec.structs.replace(base, track=seen(new, "full"))))
    assert [(e.kind, e.subject, e.reason) for e in found] == (
        [(kind, "script disk@web", "full")] if kind else []
    )
