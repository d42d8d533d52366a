"""What operators ask about mastership, carried out: handover, standby, resume."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from failover.moves import State
from failover.report import RouterReport
from failover.spec import Standby
from failover.timing import successor_within
from hactl.config.duration import written
from hactl.control.commands import (
    Caller,
    HandoverRequest,
    ResumeRequest,
    RouterAnswer,
    RoutersAnswer,
    StandbyRequest,
)
from hactl.control.refusals import Code, RefusedError
from hactl.events import plain
from hactl.processes.messages import Handover, Resume
from hactl.processes.preparing import FAILOVER
from hactl.supervisor.confirming import confirmed
from hactl.wishes.mastership import Mastership
from notify.event import EventKind

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor

_PATIENCE = 1.0
_GIVER_ONLY = "only this director holds back; another one of higher priority may preempt"
_SOME_ONLY = "{missing} other director(s) do not know of it, and may preempt if they have the higher priority"
_STILL_ASIDE = "this director is in standby; `hactl resume` without a router ends that"


class MastershipOperations:
    """The part of `hactl.control.commands.Commands` that moves routers."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._daemon = supervisor

    async def handover(self, request: HandoverRequest, caller: Caller) -> RoutersAnswer:
        """Hand over, and wait until a successor was heard or nobody came; then let nobody preempt it."""
        names = self._together(request.router)
        masters = self._masters(names)
        child = self._daemon.crew.children[FAILOVER]
        if not child.linked:
            raise RefusedError(Code.UNAVAILABLE, "the failover worker is being started again; try once more")
        for name in masters:
            reason = f"by {caller.user}, to hold back for {written(request.hold_seconds)}"
            self._daemon.emit(plain(EventKind.ROUTER_HANDOVER, name, reason))
        started = time.monotonic()
        child.send(Handover(request.router, request.hold_seconds))
        answers = await self._moved(names, masters, started)
        given = [answer.router for answer in answers if answer.done]
        warnings = await self._hold(given, request.hold_seconds, caller) if given else ()
        return RoutersAnswer(routers=answers, warnings=warnings)

    async def standby(self, request: StandbyRequest, caller: Caller) -> RoutersAnswer:
        """Stand aside, on disk before it acts."""
        names = self._together(None)
        masters = self._masters(names)
        standby = Standby.HARD if request.hard else Standby.SOFT
        started = time.monotonic()
        self._stand_aside(standby, caller)
        answers = await self._moved(names, masters, started)
        aside = tuple(
            answer
            if answer.router in masters
            else RouterAnswer(router=answer.router, done=True, text=_aside(standby))
            for answer in answers
        )
        return RoutersAnswer(routers=aside)

    async def resume(self, request: ResumeRequest, caller: Caller) -> RoutersAnswer:
        """End a holding back, and with all of them standing aside; on disk before it acts."""
        names = self._together(request.router)
        daemon, now = self._daemon, time.time()
        wishes = daemon.wishes.mastership
        stood_aside = wishes.standby(daemon.config.node) is not Standby.OFF
        held = [name for name in names if name in wishes.held(now) or self._holds_back(name)]
        self._ask(wishes.without_holds(names, caller.user, now))
        for name in names if request.router is not None else [None]:
            daemon.crew.tell_failover(Resume(name))
        for name in held:
            daemon.emit(plain(EventKind.ROUTER_RESUMED, name, f"by {caller.user}"))
        if stood_aside and request.router is None:
            self._stand_aside(Standby.OFF, caller)
        answers = (
            RouterAnswer(
                router=name, done=True, text="no longer holds back" if name in held else "did not hold back"
            )
            for name in names
        )
        if stood_aside and request.router is None:
            answers = (RouterAnswer(router=name, done=True, text="takes part again") for name in names)
        warnings = (_STILL_ASIDE,) if stood_aside and request.router is not None else ()
        return RoutersAnswer(routers=tuple(answers), warnings=warnings)

    # ---- helpers ------------------------------------------------------------------------------------------------

    def _together(self, router: str | None) -> list[str]:
        """The routers that move with this one, itself among them; all for None."""
        failover = self._daemon.config.failover
        known = [spec.name for spec in failover.routers]
        if router is None:
            return known
        if router not in known:
            raise RefusedError(
                Code.NOT_FOUND, f"there is no router '{router}'; there are {', '.join(known) or 'none'}"
            )
        return next((list(group.routers) for group in failover.groups if router in group.routers), [router])

    def _masters(self, names: Sequence[str]) -> list[str]:
        reports = self._daemon.heard.routers
        return [name for name in names if name in reports and reports[name].state is State.MASTER]

    def _holds_back(self, router: str) -> bool:
        report = self._daemon.heard.routers.get(router)
        return report is not None and report.hold_until is not None

    def _ask(self, mastership: Mastership) -> None:
        """Keep a wish and let it act."""
        try:
            if mastership != self._daemon.wishes.mastership:
                self._daemon.wishes.ask(masters=mastership)
        except OSError as error:
            raise RefusedError(Code.UNAVAILABLE, f"that cannot be kept: {error.strerror}") from None

    def _stand_aside(self, standby: Standby, caller: Caller) -> None:
        node = self._daemon.config.node
        self._ask(self._daemon.wishes.mastership.with_standby(node, standby, caller.user, time.time()))
        kind = EventKind.DIRECTOR_RESUMED if standby is Standby.OFF else EventKind.DIRECTOR_STANDBY
        self._daemon.emit(plain(kind, node, f"by {caller.user}", new=standby.value))

    async def _hold(self, given: Sequence[str], seconds: float, caller: Caller) -> tuple[str, ...]:
        """Let nobody preempt the new masters, on every director that can be told."""
        daemon, now = self._daemon, time.time()
        masters = {
            name: report.master
            for name in given
            if (report := daemon.heard.routers.get(name)) and report.master
        }
        try:
            self._ask(daemon.wishes.mastership.with_holds(masters, now + seconds, caller.user, now))
        except RefusedError as refused:
            return str(refused), _GIVER_ONLY
        revision = daemon.wishes.mastership.revision
        others, missing = await confirmed(daemon, lambda peers: peers.know(revision))
        if missing and not others:
            return (_GIVER_ONLY,)
        return (_SOME_ONLY.format(missing=missing),) if missing else ()

    async def _moved(
        self, names: Sequence[str], masters: Sequence[str], started: float
    ) -> tuple[RouterAnswer, ...]:
        """Wait until every one of `masters` has a new master, or stays; what became of each of `names`."""
        patience = {
            name: self._patience(name) for name in masters
        }  # now: a reload may take routers away meanwhile
        for name, within in patience.items():
            await self._until(name, lambda report: report.state is not State.MASTER, within)
            # With an arbiter the successor comes after, not before, and its first advert is told with the next report.
            await self._until(name, lambda report: bool(report.master), within + _PATIENCE)
        return tuple(self._handed_over(name, name in masters, started) for name in names)

    def _patience(self, router: str) -> float:
        spec = next(s for s in self._daemon.config.failover.routers if s.name == router)
        named = spec.down_after * spec.advert_interval
        return named + successor_within(spec.advert_interval, spec.down_after) + _PATIENCE

    async def _until(self, router: str, wanted: Callable[[RouterReport], bool], within: float) -> None:
        """Wait for a report of this router that is as wanted, but not for longer than `within` seconds."""
        try:
            async with asyncio.timeout(within):
                while (report := self._daemon.heard.reports.get(router)) is not None and not wanted(report):
                    await self._daemon.heard.news.wait()
        except TimeoutError:
            return

    def _handed_over(self, router: str, was_master: bool, started: float) -> RouterAnswer:
        report = self._daemon.heard.routers.get(router)
        if not was_master:
            state = report.state.value if report else "not running"
            return RouterAnswer(router=router, done=False, text=f"is not master here (it is {state})")
        if report is None:
            return RouterAnswer(
                router=router,
                done=False,
                text="is not known here now: its worker died, or a reload took it away",
            )
        if report.state is State.MASTER:
            return RouterAnswer(
                router=router, done=False, text="no successor took over; this director stays master"
            )
        if not report.master:
            return RouterAnswer(
                router=router, done=False, text=f"is {report.state.value} here now: {report.reason}"
            )
        took = (report.since - started) * 1000
        return RouterAnswer(router=router, done=True, text=f"{report.master} is master after {took:.0f} ms")


def _aside(standby: Standby) -> str:
    when = "never" if standby is Standby.HARD else "only when no master is heard for long"
    return f"takes over {when}"
