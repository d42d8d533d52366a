"""What the control API answers, where no other part of the program has the form already; core."""

from collections.abc import Iterable
from typing import NotRequired, TypedDict

from hactl.control.commands import ReloadAnswer
from hactl.control.refusals import Code
from hactl.control.roles import Role
from hactl.status.form import OverrideView, Time
from hactl.status.picture import wall_text
from hactl.status.snapshot import override_view
from hactl.wishes.overrides import Override
from notify.event import Event, EventKind, Severity


class Refusal(TypedDict):
    """Why not: a code for programs, a sentence for people, and the role that is needed where it is for want of one."""

    code: Code
    message: str
    needs: NotRequired[str]


class Refused(TypedDict):
    """The answer to a request that is refused."""

    error: Refusal


class Rejected(Refused):
    """The answer to a reload that was not taken on: nothing was changed."""

    ok: bool
    changes: list[str]
    faults: list[str]
    warnings: list[str]
    refused: str


class VersionAnswer(TypedDict):
    """Who runs here, and whom it takes the caller for."""

    api: int
    version: str
    cluster: str
    node: str
    user: str
    role: Role


class EventRow(TypedDict):
    """An event of the history, by the number of its row; `old` and `new` are empty where there is no state."""

    row: int
    id: str
    kind: EventKind
    cluster: str
    node: str
    subject: str
    old: str
    new: str
    reason: str
    severity: Severity
    at: Time


class EventsAnswer(TypedDict):
    """Events in order of time."""

    events: list[EventRow]


class OverrideRow(OverrideView):
    """An override, by the revision that orders them all."""

    revision: int


class OverridesAnswer(TypedDict):
    """The overrides in force."""

    overrides: list[OverrideRow]


def row(number: int, event: Event) -> EventRow:
    """An event as clients see it: with its row number, and its time as text."""
    return {
        "row": number,
        "id": event.id,
        "kind": event.kind,
        "cluster": event.cluster,
        "node": event.node,
        "subject": event.subject,
        "old": event.old,
        "new": event.new,
        "reason": event.reason,
        "severity": event.severity,
        "at": wall_text(event.at),
    }


def override(one: Override) -> OverrideRow:
    """An override as clients see it: its times as text."""
    return {**override_view(one), "revision": one.revision}


def events(rows: Iterable[tuple[int, Event]]) -> EventsAnswer:
    """Events as clients see them."""
    return {"events": [row(number, event) for number, event in rows]}


def overrides(some: Iterable[Override]) -> OverridesAnswer:
    """Overrides as clients see them."""
    return {"overrides": [override(one) for one in some]}


def rejected(answer: ReloadAnswer) -> Rejected:
    """A reload that was not taken on, as a refusal that carries each fault."""
    return {
        "ok": answer.ok,
        "changes": list(answer.changes),
        "faults": list(answer.faults),
        "warnings": list(answer.warnings),
        "refused": answer.refused,
        "error": {"code": Code.REJECTED, "message": answer.refused or "the configuration has faults"},
    }
