"""What operators ask of the running daemon, carried out: the control API's seam to the supervisor."""

import itertools
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import hactl
from hactl.config.fault import suggestion
from hactl.control.commands import (
    AckAnswer,
    AckRequest,
    Action,
    Caller,
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
from hactl.events import plain
from hactl.plan.model import Plan
from hactl.processes.messages import HistoryAnswer, HistoryQuery, TestChannel
from hactl.status.form import Status
from hactl.status.snapshot import snapshot
from hactl.supervisor import acknowledging, foresight, reloading
from hactl.supervisor.confirming import confirmed
from hactl.supervisor.mastership_operations import MastershipOperations
from hactl.supervisor.survey import survey
from hactl.wishes.overrides import Admin, Override, Wish
from hactl.wishes.scopes import OverrideError, Scope, UnknownError, matching
from notify.event import Event, EventKind

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor

_ADMIN = {Action.ENABLE: Admin.ENABLED, Action.DRAIN: Admin.DRAIN, Action.DISABLE: Admin.DISABLED}
_TEST_MARGIN = 5.0
_NOT_CONFIRMED = "not confirmed by {missing} other director(s): down, unknown, or without the peer channel"


class Operations:
    """The daemon's side of `hactl.control.commands.Commands`."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._daemon = supervisor
        self._masters = MastershipOperations(supervisor)
        self._numbers = itertools.count(1)

    async def status(self) -> Status:
        """The snapshot."""
        return snapshot(survey(self._daemon, await self._daemon.balancer.counters()))

    async def version(self) -> Mapping[str, Any]:
        """Who runs here."""
        config = self._daemon.config
        return {"version": hactl.__version__, "cluster": config.cluster, "node": config.node}

    async def reload(self, request: ReloadRequest, caller: Caller) -> ReloadAnswer:
        """Take on a configuration."""
        return await reloading.reload(self._daemon, request.path, force=request.force, by=caller.user)

    async def plan(self, request: PlanRequest) -> Plan:
        """Say what a reload would change."""
        return await foresight.plan(self._daemon, request.path, force=request.force)

    async def override_set(self, request: OverrideRequest, caller: Caller) -> OverrideAnswer:
        """Set an override, on disk before it acts."""
        daemon, now = self._daemon, time.time()
        scope = Scope(request.server, request.service)
        end = None if request.for_seconds is None else now + request.for_seconds
        wish = Wish(
            scope=scope,
            admin=_ADMIN.get(request.action),
            weight=request.weight,
            until=None if request.remove else end,
            remove=request.remove,
            remove_by=end if request.remove else None,
            reason=request.reason,
            by=caller.user,
        )
        services = daemon.config.services
        try:
            daemon.wishes.ask(servers=daemon.wishes.overrides.with_wish(wish, services, now))
            touched = matching(scope, services)
        except OverrideError as error:
            code = Code.NOT_FOUND if isinstance(error, UnknownError) else Code.CONFLICT
            raise RefusedError(code, str(error)) from None
        except OSError as error:
            raise RefusedError(Code.UNAVAILABLE, f"the override cannot be kept: {error.strerror}") from None
        what = f"{request.action.value} {request.weight if request.weight is not None else ''}".strip()
        reason = f"{what} by {caller.user}" + (f": {request.reason}" if request.reason else "")
        daemon.emit(plain(EventKind.OVERRIDE_SET, str(scope), reason, new=what))
        revision = daemon.wishes.overrides.revision
        others, missing = await confirmed(daemon, lambda peers: peers.have(revision))
        return OverrideAnswer(
            servers=tuple(map(str, touched)),
            applied_on=(daemon.config.node, *others),
            warnings=(_NOT_CONFIRMED.format(missing=missing),) if missing else (),
        )

    async def overrides(self) -> tuple[Override, ...]:
        """The overrides in force."""
        return self._daemon.wishes.overrides.in_force()

    async def handover(self, request: HandoverRequest, caller: Caller) -> RoutersAnswer:
        """Give mastership away; returns when a successor was heard or nobody came."""
        return await self._masters.handover(request, caller)

    async def standby(self, request: StandbyRequest, caller: Caller) -> RoutersAnswer:
        """Hand over everything and stand aside."""
        return await self._masters.standby(request, caller)

    async def resume(self, request: ResumeRequest, caller: Caller) -> RoutersAnswer:
        """End a holding back, and with all of them standing aside."""
        return await self._masters.resume(request, caller)

    async def notify_test(self, request: NotifyTestRequest, caller: Caller) -> NotifyTestAnswer:
        """Have a channel deliver a test; kept in the history like all that operators do."""
        daemon = self._daemon
        spec = next((c for c in daemon.config.notify.channels if c.name == request.channel), None)
        if spec is None:
            known = [channel.name for channel in daemon.config.notify.channels]
            message = f"there is no channel '{request.channel}'{suggestion(request.channel, known)}"
            raise RefusedError(Code.NOT_FOUND, message)
        test = plain(EventKind.NOTIFY_TEST, spec.name, f"asked for by {caller.user}; nothing is wrong")
        number = next(self._numbers)
        event = test.event(f"test-{uuid.uuid4()}", daemon.config.cluster, daemon.config.node, time.time())
        daemon.emit(test)
        try:
            asked = TestChannel(number, spec.name, event)
            end = await daemon.crew.ask_notify(asked, spec.timeout + _TEST_MARGIN)
        except TimeoutError:
            raise RefusedError(Code.UNAVAILABLE, "the notify worker does not answer") from None
        return NotifyTestAnswer(channel=spec.name, delivered=not end.failure, failure=end.failure)

    async def acknowledge(self, request: AckRequest, caller: Caller) -> AckAnswer:
        """Say of problems that they are known."""
        return await acknowledging.acknowledge(self._daemon, request, caller)

    async def events(self, query: EventQuery) -> tuple[tuple[int, Event], ...]:
        """Events of the history."""
        asked = HistoryQuery(next(self._numbers), query.since, query.after, query.limit, query.last)
        try:
            answer: HistoryAnswer = await self._daemon.crew.ask_notify(asked)
        except TimeoutError:
            raise RefusedError(
                Code.UNAVAILABLE, "the notify worker, which keeps the history, does not answer"
            ) from None
        return answer.events
