"""What can be asked of a running daemon: requests, answers, and the seam to whoever carries them out.

The law: a request is complete in itself and checked for form before it gets here; a refusal is an answer with
a code and a sentence, never a traceback. Durations are seconds as float, times wall-clock seconds since the
epoch.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec

from hactl.control.roles import Role
from hactl.overrides import MAX_REASON, MAX_WEIGHT, Override
from hactl.plan.model import Plan
from notify.event import Event

HOLD = 3600.0
"""How long a director that gave mastership away holds back unless told otherwise."""
MAX_EVENTS = 10_000
MAX_WAIT = 60.0

Seconds = Annotated[float, msgspec.Meta(ge=0, le=10 * 365 * 86400)]
Path = Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(?!\n)$")]


Subject = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,129}(?!\n)$")]


class Code(StrEnum):
    """Why a request was refused. The number of each is its HTTP status."""

    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    REJECTED = "rejected"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"

    @property
    def status(self) -> int:
        """The HTTP status that carries this refusal."""
        return _STATUS[self]

    @property
    def text(self) -> str:
        """The code in words for people."""
        return _TEXTS[self]


_STATUS = {
    Code.INVALID: 400,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.REJECTED: 422,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
}

_TEXTS = {
    Code.INVALID: "the request breaks the form",
    Code.FORBIDDEN: "this user may not ask that",
    Code.NOT_FOUND: "there is nothing of that name",
    Code.CONFLICT: "not possible in the present state",
    Code.TOO_LARGE: "the request is too long",
    Code.REJECTED: "the configuration was not accepted",
    Code.INTERNAL: "a fault of hactl",
    Code.UNAVAILABLE: "a part of the daemon does not answer now",
}


class RefusedError(Exception):
    """A request that is answered with no: a code for programs and a sentence for people; for want of a role,
    the one that it `needs`."""

    def __init__(self, code: Code, message: str, *, needs: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.needs = needs


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


class ReloadRequest(Request, frozen=True, kw_only=True):
    """Take on a configuration: the daemon's own file again, or the one at `path`, which only root may name.

    `force` allows what would remove more than half of all servers.
    """

    force: bool = False
    path: Path | None = None


class ReloadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reload: `changes` made, or `faults` (FILE:LINE:COLUMN lines) and why not."""

    ok: bool
    changes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: str = ""


class PlanRequest(Request, frozen=True, kw_only=True):
    """What a reload of the daemon's own file, or of the one at `path`, would change; nothing is changed."""

    force: bool = False
    path: Path | None = None


class Action(StrEnum):
    """What an operator can ask of a server."""

    ENABLE = "enable"
    DRAIN = "drain"
    DISABLE = "disable"
    WEIGHT = "weight"


class OverrideRequest(Request, frozen=True, kw_only=True):
    """One override. `service` None: every service with that server; `for_seconds` None: until `enable`.

    `remove`, with drain: the server leaves the table once its connections have ended, after `for_seconds` at the latest.
    """

    action: Action
    server: Name
    service: Name | None = None
    weight: Annotated[int, msgspec.Meta(ge=0, le=MAX_WEIGHT)] | None = None
    for_seconds: Seconds | None = None
    remove: bool = False
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)] = ""


class OverrideAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an override: servers touched ("rs1@www"), directors that have it, what to know."""

    servers: tuple[str, ...]
    applied_on: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class HandoverRequest(Request, frozen=True, kw_only=True):
    """Give mastership of `router` (None: of all that are held) away and hold back for `hold_seconds`."""

    router: Name | None = None
    hold_seconds: Seconds = HOLD


class StandbyRequest(Request, frozen=True, kw_only=True):
    """Hand over everything and stand aside. `hard`: whatever happens, not only while there is another master."""

    hard: bool = False


class ResumeRequest(Request, frozen=True, kw_only=True):
    """End the holding back of `router` (None: of all, and standing aside)."""

    router: Name | None = None


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

    channel: Name


class NotifyTestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the receiver took it, and if not why."""

    channel: str
    delivered: bool
    failure: str = ""


class AckRequest(Request, frozen=True, kw_only=True):
    """Say of the problems of these subjects ("rs1@www", "rs1", "www"; `*`: of all) that they are known, or take it back."""

    subjects: Annotated[tuple[Subject, ...], msgspec.Meta(min_length=1, max_length=100)]
    reason: str = ""
    undo: bool = False


class AckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: the problems covered here ("server rs1@www"), directors that have it, what to know."""

    problems: tuple[str, ...]
    applied_on: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class EventQuery(Request, frozen=True, kw_only=True):
    """Events at or after `since`, after the row `after`: the oldest `limit`, or with `last` the newest.

    `wait` is how long to wait for one when there is none yet.
    """

    since: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_EVENTS)] = 1000
    last: bool = False
    wait: Annotated[float, msgspec.Meta(ge=0, le=MAX_WAIT)] = 0.0


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
