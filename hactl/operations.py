"""What operators ask of the running daemon, carried out: the control API's seam to the supervisor."""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import hactl
from failover.moves import State
from failover.report import RouterReport
from failover.timing import successor_within
from hactl.control.commands import (
    Action,
    Caller,
    Code,
    EventQuery,
    HandoverRequest,
    OverrideAnswer,
    OverrideRequest,
    RefusedError,
    ReloadAnswer,
    ReloadRequest,
    ResumeRequest,
    RouterAnswer,
    RoutersAnswer,
)
from hactl.crew import FAILOVER
from hactl.events import plain
from hactl.messages import Handover, HistoryQuery, Resume
from hactl.overrides import Admin, Override, OverrideError, Scope, Wish, matching
from notify.event import Event, EventKind

if TYPE_CHECKING:
    from hactl.supervisor import Supervisor

_ADMIN = {Action.ENABLE: Admin.ENABLED, Action.DRAIN: Admin.DRAIN, Action.DISABLE: Admin.DISABLED}
_NOT_CONFIRMED = "not confirmed by {missing} other director(s): down, unknown, or without the peer channel"
_CONFIRM_WITHIN = 1.0
_GIVER_ONLY = "only this director holds back; another one of higher priority may preempt"
_PATIENCE = 1.0


class Operations:
    """The daemon's side of `hactl.control.commands.Commands`."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._daemon = supervisor
        self._numbers = itertools.count(1)

    async def status(self) -> Mapping[str, Any]:
        """The snapshot."""
        return await self._daemon.status()

    async def version(self) -> Mapping[str, Any]:
        """Who runs here."""
        config = self._daemon.config
        return {"version": hactl.__version__, "cluster": config.cluster, "node": config.node}

    async def reload(self, request: ReloadRequest, caller: Caller) -> ReloadAnswer:
        """Take on a configuration."""
        if request.text is not None:
            raise RefusedError(Code.INVALID, "a configuration is taken from a file; name its path")
        return await self._daemon.reload_file(request.path, force=request.force, by=caller.user)

    async def override_set(self, request: OverrideRequest, caller: Caller) -> OverrideAnswer:
        """Set an override, on disk before it acts."""
        daemon, now = self._daemon, time.time()
        scope = Scope(request.server, request.service)
        wish = Wish(
            scope=scope,
            admin=_ADMIN.get(request.action),
            weight=request.weight,
            until=None if request.for_seconds is None else now + request.for_seconds,
            reason=request.reason,
            by=caller.user,
        )
        services = daemon.config.services
        try:
            overrides = daemon.overrides.with_wish(wish, services, now)
            daemon.set_overrides(overrides)
            touched = matching(scope, services)
        except OverrideError as error:
            raise RefusedError(Code.CONFLICT, str(error)) from None
        except OSError as error:
            raise RefusedError(Code.UNAVAILABLE, f"the override cannot be kept: {error.strerror}") from None
        what = f"{request.action.value} {request.weight if request.weight is not None else ''}".strip()
        reason = f"{what} by {caller.user}" + (f": {request.reason}" if request.reason else "")
        daemon.emit(plain(EventKind.OVERRIDE_SET, str(scope), reason, new=what))
        others = await self._taken_by_peers(daemon.overrides.revision)
        missing = len(daemon.config.directors) - 1 - len(others)
        return OverrideAnswer(
            servers=tuple(map(str, touched)),
            applied_on=(daemon.config.node, *others),
            warnings=(_NOT_CONFIRMED.format(missing=missing),) if missing else (),
        )

    async def _taken_by_peers(self, revision: int) -> tuple[str, ...]:
        """The peers that confirm to have our overrides; those that are up get a moment for it."""
        peers = self._daemon.peers
        try:
            async with asyncio.timeout(_CONFIRM_WITHIN):
                while set(peers.up()) - set(peers.have(revision)):
                    await self._daemon.news.wait()
        except TimeoutError:
            pass
        return peers.have(revision)

    async def overrides(self) -> tuple[Override, ...]:
        """The overrides in force."""
        return self._daemon.overrides.in_force()

    async def handover(self, request: HandoverRequest, caller: Caller) -> RoutersAnswer:
        """Release, and wait until a successor was heard or nobody came."""
        names = self._routers(request.router)
        masters = [name for name in names if self._state(name) is State.MASTER]
        self._tell_failover(Handover(request.router, request.hold_seconds))
        started = time.monotonic()
        for name in masters:
            await self._until(name, lambda report: report.state is not State.MASTER, self._patience(name))
        answers = [self._handed_over(name, name in masters, started) for name in names]
        return RoutersAnswer(routers=tuple(answers), warnings=(_GIVER_ONLY,) if masters else ())

    async def resume(self, request: ResumeRequest, caller: Caller) -> RoutersAnswer:
        """End a holding back."""
        names = self._routers(request.router)
        self._tell_failover(Resume(request.router))
        answers = []
        for name in names:
            report = self._daemon.routers.get(name)
            held_back = report is not None and report.hold_until is not None
            text = "no longer holds back" if held_back else "did not hold back"
            answers.append(RouterAnswer(router=name, done=True, text=text))
        return RoutersAnswer(routers=tuple(answers))

    async def events(self, query: EventQuery) -> tuple[tuple[int, Event], ...]:
        """Events of the history."""
        asked = HistoryQuery(next(self._numbers), query.since, query.after, query.limit, query.last)
        try:
            return (await self._daemon.crew.history(asked)).events
        except TimeoutError:
            raise RefusedError(
                Code.UNAVAILABLE, "the notify worker, which keeps the history, does not answer"
            ) from None

    # ---- helpers ------------------------------------------------------------------------------------------------

    def _routers(self, router: str | None) -> list[str]:
        known = [spec.name for spec in self._daemon.config.failover.routers]
        if router is None:
            return known
        if router not in known:
            raise RefusedError(
                Code.NOT_FOUND, f"there is no router '{router}'; there are {', '.join(known) or 'none'}"
            )
        return [router]

    def _tell_failover(self, message: Handover | Resume) -> None:
        child = self._daemon.crew.children[FAILOVER]
        if not child.linked:
            raise RefusedError(Code.UNAVAILABLE, "the failover worker is being started again; try once more")
        child.send(message)

    def _state(self, router: str) -> State | None:
        report = self._daemon.routers.get(router)
        return report.state if report else None

    def _patience(self, router: str) -> float:
        spec = next(s for s in self._daemon.config.failover.routers if s.name == router)
        return successor_within(spec.advert_interval, spec.down_after) + _PATIENCE

    async def _until(self, router: str, wanted: Callable[[RouterReport], bool], within: float) -> None:
        """Wait for a report of this router that is as wanted, but not for longer than `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while (report := self._daemon.reports.get(router)) is not None and not wanted(report):
                    await self._daemon.news.wait()
        except TimeoutError:
            return

    def _handed_over(self, router: str, was_master: bool, started: float) -> RouterAnswer:
        report = self._daemon.routers.get(router)
        if not was_master:
            state = report.state.value if report else "not running"
            return RouterAnswer(router=router, done=False, text=f"is not master here (it is {state})")
        if report is None or report.state is State.MASTER:
            return RouterAnswer(
                router=router, done=False, text="no successor took over; this director stays master"
            )
        if not report.master:
            return RouterAnswer(
                router=router, done=False, text=f"is {report.state.value} here now: {report.reason}"
            )
        took = (report.since - started) * 1000
        return RouterAnswer(router=router, done=True, text=f"{report.master} is master after {took:.0f} ms")
