"""What can be asked of a running daemon: requests, answers, and the seam to whoever carries them out.

The law: a request is complete in itself and checked for form before it gets here; a refusal is an answer with
a code and a sentence, never a traceback. Durations are seconds as float, times wall-clock seconds since the
epoch.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from hactl.control.roles import Role
from hactl.plan.model import Plan
from hactl.wishes.overrides import MAX_REASON, MAX_WEIGHT, Override
from notify.event import Event

HOLD = 3600.0
"""How long a director that gave mastership away holds back unless told otherwise."""
MAX_EVENTS = 10_000
MAX_WAIT = 60.0

Seconds = Annotated[float, Meta(ge=0, le=10 * 365 * 86400)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(?!\n)$")]
Subject = Annotated[str, Meta(pattern=r"^[ -~]{1,129}(?!\n)$")]


class Caller(msgspec.Struct, frozen=True):
    """Who asks, by the kernel's word (SO_PEERCRED). `user` is a name, `uid N` where the host knows none.

    `role` None: none at all. `owner`: root, or the user that the daemon runs as.
    """

    uid: int
    pid: int
    user: str
    role: Role | None = None
    owner: bool = False


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every request shares: an unknown key is refused."""


Force = Annotated[bool, Meta(description="Also what would remove more than half of all servers.")]
OtherFile = Annotated[
    Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")] | None,
    Meta(description="Another file than the daemon's own; only root may name one."),
]


class ReloadRequest(Request, frozen=True, kw_only=True):
    """Take on a configuration: the daemon's own file again, or the one at `path`, which only root may name.

    `force` allows what would remove more than half of all servers.
    """

    force: Force = False
    path: OtherFile = None


class ReloadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reload: `changes` made, or `faults` (FILE:LINE:COLUMN lines) and why not."""

    ok: bool
    changes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: str = ""


class PlanRequest(Request, frozen=True, kw_only=True):
    """What a reload of the daemon's own file, or of the one at `path`, would change; nothing is changed."""

    force: Force = False
    path: OtherFile = None


class Action(StrEnum):
    """What an operator can ask of a server."""

    ENABLE = "enable"
    DRAIN = "drain"
    DISABLE = "disable"
    WEIGHT = "weight"


Reason = Annotated[str, Meta(max_length=MAX_REASON, description="A line for those who read the history.")]


class OverrideRequest(Request, frozen=True, kw_only=True):
    """One override. `service` None: every service with that server; `for_seconds` None: until `enable`.

    `remove`, with drain: the server leaves the table once its connections have ended, after `for_seconds` at the latest.
    """

    action: Annotated[Action, Meta(description="What is wanted of it.")]
    server: Annotated[Name, Meta(description="The server's name.")]
    service: Annotated[
        Name | None, Meta(description="Only in this service. Without: in every service that has the server.")
    ] = None
    weight: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_WEIGHT)] | None,
        Meta(description="With action weight: the new weight."),
    ] = None
    for_seconds: Annotated[Seconds | None, Meta(description="How long it holds. Without: until enable.")] = (
        None
    )
    remove: Annotated[
        bool,
        Meta(
            description="With drain: out of the table once its connections ended, at the latest after for_seconds."
        ),
    ] = False
    reason: Reason = ""


class OverrideAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an override: servers touched ("rs1@www"), directors that have it, what to know."""

    servers: tuple[str, ...]
    applied_on: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


OneRouter = Annotated[
    Name | None, Meta(description="Only this router, and those that move with it. Without: all.")
]


class HandoverRequest(Request, frozen=True, kw_only=True):
    """Give mastership of `router` (None: of all that are held) away and hold back for `hold_seconds`."""

    router: OneRouter = None
    hold_seconds: Annotated[Seconds, Meta(description="How long this director holds back.")] = HOLD


class StandbyRequest(Request, frozen=True, kw_only=True):
    """Hand over everything and stand aside. `hard`: whatever happens, not only while there is another master."""

    hard: Annotated[bool, Meta(description="Whatever happens, not only while another master is heard.")] = (
        False
    )


class ResumeRequest(Request, frozen=True, kw_only=True):
    """End the holding back of `router` (None: of all, and standing aside)."""

    router: OneRouter = None


class RouterAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one router: `text` is a sentence ("lb2 is master after 4 ms", "is backup already")."""

    router: str
    done: bool
    text: str


class RoutersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a handover, a standby or a resume, router by router."""

    routers: tuple[RouterAnswer, ...]
    warnings: tuple[str, ...] = ()


class NotifyTestRequest(Request, frozen=True, kw_only=True):
    """Have a channel of notification deliver a test now."""

    channel: Annotated[Name, Meta(description="The channel's name in the file.")]


class NotifyTestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the receiver took it, and if not why."""

    channel: str
    delivered: bool
    failure: str = ""


class AckRequest(Request, frozen=True, kw_only=True):
    """Say of the problems of these subjects ("rs1@www", "rs1", "www"; `*`: of all) that they are known, or take it back."""

    subjects: Annotated[
        tuple[Subject, ...],
        Meta(min_length=1, max_length=100, description="Of what: rs1@www, rs1, www; * of all."),
    ]
    reason: Reason = ""
    undo: Annotated[bool, Meta(description="Take it back.")] = False


class AckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: the problems covered here ("server rs1@www"), directors that have it, what to know."""

    problems: tuple[str, ...]
    applied_on: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class EventQuery(Request, frozen=True, kw_only=True):
    """Events at or after `since`, after the row `after`: the oldest `limit`, or with `last` the newest.

    `wait` is how long to wait for one when there is none yet.
    """

    since: Annotated[
        float, Meta(ge=0, description="Only events at or after this time, in seconds since the epoch.")
    ] = 0.0
    after: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="Only events after the row of this number.")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_EVENTS, description="So many at most.")] = 1000
    last: Annotated[bool, Meta(description="The newest of those that are meant, not the oldest.")] = False
    wait: Annotated[
        float, Meta(ge=0, le=MAX_WAIT, description="Seconds to wait for an event where there is none yet.")
    ] = 0.0


class Commands(Protocol):
    """Carries requests out. Every method may raise RefusedError; none waits longer than its work needs."""

    async def status(self) -> Mapping[str, object]:
        """The present snapshot in the form of `hactl status --json`; values are anything msgspec encodes."""

    async def reload(self, request: ReloadRequest, caller: Caller) -> ReloadAnswer:
        """Take on a configuration; one that is not taken on changes nothing."""

    async def plan(self, request: PlanRequest) -> Plan:
        """What a reload would do; a file with faults is an answer as well."""

    async def override_set(self, request: OverrideRequest, caller: Caller) -> OverrideAnswer:
        """Set an override: kept on disk and in force when this returns."""

    async def overrides(self) -> tuple[Override, ...]:
        """The overrides in force."""

    async def handover(self, request: HandoverRequest, caller: Caller) -> RoutersAnswer:
        """Give mastership away; returns when a successor was heard or the attempt is given up."""

    async def standby(self, request: StandbyRequest, caller: Caller) -> RoutersAnswer:
        """Hand over everything and stand aside, kept on disk; returns as `handover` does."""

    async def resume(self, request: ResumeRequest, caller: Caller) -> RoutersAnswer:
        """End a holding back, and with all of them standing aside."""

    async def notify_test(self, request: NotifyTestRequest, caller: Caller) -> NotifyTestAnswer:
        """Have a channel deliver a test; returns when the receiver has answered or did not in the channel's time."""

    async def acknowledge(self, request: AckRequest, caller: Caller) -> AckAnswer:
        """Say of problems that they are known: kept on disk when this returns."""

    async def events(self, query: EventQuery) -> tuple[tuple[int, Event], ...]:
        """Events of the history with their row numbers, in order of time; `wait` is none of its business."""

    async def version(self) -> Mapping[str, Any]:
        """At least `version`, `cluster` and `node` of the running daemon."""
