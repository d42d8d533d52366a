"""Every operation of the control API: one table, from which requests are served and the API is described; core.

The law: what stands here is all there is. An operation names the role that it needs, the form of what it takes and gives,
and the refusals besides those that any operation may meet.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hactl.control import answers
from hactl.control.answers import EventsAnswer, OverridesAnswer, VersionAnswer
from hactl.control.commands import (
    AckAnswer,
    AckRequest,
    Caller,
    Commands,
    EventQuery,
    HandoverRequest,
    NotifyTestAnswer,
    NotifyTestRequest,
    OverrideAnswer,
    OverrideRequest,
    PlanRequest,
    ReloadAnswer,
    ReloadRequest,
    ResumeRequest,
    RoutersAnswer,
    StandbyRequest,
)
from hactl.control.refusals import Code, RefusedError
from hactl.control.roles import Role, wanting
from hactl.plan.model import Plan
from hactl.status.form import Status

API_VERSION = 1

Act = Callable[[Commands, Any, Caller], Awaitable[object]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `takes` is the form of its JSON body, `asks` that of its query; None: it has none.

    `act` carries it out; None: the server itself answers. `changes`: it changes something, and stands in the history.
    """

    method: str
    name: str
    role: Role
    summary: str
    gives: Any
    act: Act | None
    takes: type[msgspec.Struct] | None = None
    asks: type[msgspec.Struct] | None = None
    refusals: tuple[Code, ...] = ()
    changes: bool = False

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/v{API_VERSION}/{self.name}"


async def _overrides(commands: Commands, wish: object, caller: Caller) -> OverridesAnswer:
    return answers.overrides(await commands.overrides())


ROUTES = (
    Route(
        method="GET", name="status", role=Role.READ, gives=Status,
        summary="Routers, services, servers and peers: state, since when, and why",
        act=lambda commands, _, __: commands.status(),
    ),
    Route(
        method="GET", name="version", role=Role.READ, gives=VersionAnswer,
        summary="The running daemon, and who it takes you for",
        act=None,
    ),
    Route(
        method="GET", name="events", role=Role.READ, gives=EventsAnswer, asks=EventQuery,
        summary="Events of the history; `wait` makes it a long poll",
        act=None,
    ),
    Route(
        method="GET", name="overrides", role=Role.READ, gives=OverridesAnswer,
        summary="The overrides in force",
        act=_overrides,
    ),
    Route(
        method="POST", name="overrides", role=Role.OPERATE, gives=OverrideAnswer, takes=OverrideRequest,
        summary="Drain, disable, enable or weight a server",
        refusals=(Code.NOT_FOUND, Code.CONFLICT), changes=True,
        act=lambda commands, wish, caller: commands.override_set(wish, caller),
    ),
    Route(
        method="POST", name="acks", role=Role.OPERATE, gives=AckAnswer, takes=AckRequest,
        summary="Say of problems that they are known, or take it back",
        refusals=(Code.NOT_FOUND, Code.CONFLICT), changes=True,
        act=lambda commands, wish, caller: commands.acknowledge(wish, caller),
    ),
    Route(
        method="POST", name="handover", role=Role.OPERATE, gives=RoutersAnswer, takes=HandoverRequest,
        summary="Give mastership to a peer",
        refusals=(Code.NOT_FOUND,), changes=True,
        act=lambda commands, wish, caller: commands.handover(wish, caller),
    ),
    Route(
        method="POST", name="standby", role=Role.OPERATE, gives=RoutersAnswer, takes=StandbyRequest,
        summary="Hand over everything and stand aside",
        changes=True,
        act=lambda commands, wish, caller: commands.standby(wish, caller),
    ),
    Route(
        method="POST", name="resume", role=Role.OPERATE, gives=RoutersAnswer, takes=ResumeRequest,
        summary="Take part again after a handover or a standby",
        refusals=(Code.NOT_FOUND,), changes=True,
        act=lambda commands, wish, caller: commands.resume(wish, caller),
    ),
    Route(
        method="POST", name="notify/test", role=Role.OPERATE, gives=NotifyTestAnswer, takes=NotifyTestRequest,
        summary="Have a channel deliver a test alert now",
        refusals=(Code.NOT_FOUND,), changes=True,
        act=lambda commands, wish, caller: commands.notify_test(wish, caller),
    ),
    Route(
        method="POST", name="plan", role=Role.OPERATE, gives=Plan, takes=PlanRequest,
        summary="What a reload would change; nothing is changed",
        act=lambda commands, wish, _: commands.plan(wish),
    ),
    Route(
        method="POST", name="reload", role=Role.ADMIN, gives=ReloadAnswer, takes=ReloadRequest,
        summary="Take on the configuration, or say why not",
        refusals=(Code.REJECTED,), changes=True,
        act=lambda commands, wish, caller: commands.reload(wish, caller),
    ),
    Route(
        method="GET", name="openapi.json", role=Role.READ, gives=dict[str, Any],
        summary="This description of the API (OpenAPI 3.1)",
        act=None,
    ),
)  # fmt: skip


class Posted(msgspec.Struct, frozen=True):
    """What carrying out an operation with a body needs."""

    role: Role
    takes: type[msgspec.Struct]
    act: Act


def posted(name: str) -> Posted:
    """The operation of this name that takes a body. Raises KeyError."""
    for route in ROUTES:
        if route.name == name and route.takes is not None and route.act is not None:
            return Posted(route.role, route.takes, route.act)
    raise KeyError(name)


def permit(role: Role, caller: Caller) -> None:
    """Raises RefusedError, which names the role that is needed, unless the caller has it."""
    if caller.role is None or not caller.role.includes(role):
        raise RefusedError(Code.FORBIDDEN, wanting(caller.user, caller.role, role), needs=role.value)


def permit_wish(wish: object, caller: Caller) -> None:
    """Only who could start a daemon may give it another file: a configuration names programs to run, and its faults
    quote what stands in it."""
    if isinstance(wish, ReloadRequest | PlanRequest) and wish.path is not None and not caller.owner:
        message = "only root may give the daemon another configuration than its own file"
        raise RefusedError(Code.FORBIDDEN, message, needs="root")
