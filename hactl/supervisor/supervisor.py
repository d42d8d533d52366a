"""`hactl run`: the supervisor of one director.

Owns start, reload and stop, and the wiring between configuration, workers, services and operators. No policy: what a
change means is decided in the core files it calls.
"""

import asyncio
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

import hactl
from hactl import store
from hactl.config.model import Config
from hactl.config.reading import Reading
from hactl.control.listener import Listener
from hactl.control.page.desk import Desk
from hactl.control.page.door import Door
from hactl.control.server import ControlServer
from hactl.events import Occurrence, plain
from hactl.peers.peers import Peers
from hactl.peers.splits import Splits
from hactl.plan import reload
from hactl.problems.standing import ProblemKeeper
from hactl.processes.crew import Crew
from hactl.processes.reader import Reader
from hactl.processes.worker_user import worker_user
from hactl.routers.beside import Beside
from hactl.routers.pace import Pace
from hactl.routers.synchronising import Synchronising
from hactl.routers.tracking import Tracking
from hactl.secrets.files import read_secrets
from hactl.secrets.names import page_tokens
from hactl.services.balancer import Balancer
from hactl.status.picture import Clock
from hactl.supervisor import reloading
from hactl.supervisor.heard import Heard
from hactl.supervisor.operations import Operations
from hactl.supervisor.sdnotify import Systemd
from hactl.wishes.mastership import Mastership
from hactl.wishes.orders import Order, orders, patience
from hactl.wishes.wishes import Wishes
from hactl.witness.asking import Witnesses
from notify.event import EventKind, Severity

_TICK = 1.0
_STOP_GRACE = 3.0
_LEVELS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}


class Supervisor:
    """One running director."""

    def __init__(self, path: str, node: str | None, config: Config, listener: Listener) -> None:
        self.config = config
        self._path, self._node, self._listener = path, node, listener
        self._log: Any = structlog.get_logger()
        self._systemd = Systemd()
        self.started = time.monotonic()
        self.loaded = time.time()
        self.clock = Clock(self.started, self.loaded - self.started)
        self.peers = Peers()
        self.splits = Splits()
        self.pace = Pace(self._log.warning)
        self._stop = asyncio.Event()
        self._hangup = asyncio.Event()
        self.reloading = asyncio.Lock()
        self._reader = Reader()
        self.wishes = Wishes(Path(config.state_dir), self._log, self._wished)
        self._acted = self.wishes.mastership
        user, unusual = worker_user(config)
        found = (listener.warning, store.trouble(Path(config.state_dir)), *self.wishes.broken, unusual)
        self.warnings = [text for text in found if text]
        self.sync = Synchronising(config, emit=self.emit, log=self._log)
        self.door = Door()
        self.heard = Heard(self, self._log)
        self.crew = Crew(
            config,
            read_secrets(config),
            user,
            on_message=self.heard.message,
            on_death=self.heard.died,
            say=lambda subject, text: self._log.warning(text, subject=subject),
            orders=lambda: (
                *self._orders(Mastership()),
                *self.beside.last_masters(),
                self.tracking.judged(),
            ),
            door=self.door.attach,
            standing=lambda: (self.problems.message(),),
        )
        self.problems = ProblemKeeper(config, self.wishes, self.crew.tell_notify, self._log)
        self.tracking = Tracking(config, self.crew.tell_failover)
        self.beside = Beside(config, self.tracking.judge, self.crew.tell_failover, self.emit, self._log)
        self.warnings += filter(None, [self.beside.broken])
        self.witnesses = Witnesses(
            config, self.tracking.permit, lambda: self.crew.children["failover"].last_sign, self._log
        )
        self.balancer = Balancer(config, self.wishes.overrides, self.emit, self.tracking.see, self._log)
        commands = Operations(self)
        self._server = ControlServer(commands, self._log.error, lambda: self.config.control.roles)
        self.desk = Desk(
            commands,
            lambda: page_tokens(self.config, self.crew.generations.secrets),
            self.crew.tell_notify,
            self._log.error,
        )

    # ---- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until told to stop, then stop in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with asyncio.TaskGroup() as group:
            crew = group.create_task(self.crew.run())
            loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
            await self.balancer.start()
            self.door.want(self.config.control.http)
            works = (
                self.balancer.run(),
                self._tick(),
                self.sync.run(),
                self.desk.run(),
                self._reload_by_signal(),
            )
            tasks = [group.create_task(work) for work in (*works, self.beside.run(), self.witnesses.run())]
            await self._server.start(self._listener)
            self._say_started()
            await self._stop.wait()
            await self._stop_in_order()
            for task in (*tasks, crew):
                task.cancel()
        await self._reader.stop()
        self.balancer.close()
        self.door.close()

    def _say_started(self) -> None:
        self.share()
        self.emit(plain(EventKind.DIRECTOR_STARTED, self.config.node, f"hactl {hactl.__version__} runs"))
        for text in self.warnings:
            self._log.warning(text)
        self._systemd.ready(
            f"{len(self.config.failover.routers)} routers, {len(self.config.services)} services"
        )

    async def _stop_in_order(self) -> None:
        """Hand over first; then tell that we stop; the table stays in the kernel."""
        self._systemd.stopping()
        self._log.info("stopping: handing over")
        await self.crew.stop_failover("stop", patience(self.config.failover.routers) + _STOP_GRACE)
        await self.sync.settle(_STOP_GRACE)
        await self.witnesses.settle()
        await self.beside.settle()
        self.emit(plain(EventKind.DIRECTOR_STOPPED, self.config.node, "stopped in order"))
        await self.crew.stop_rest("stop")
        await self._server.close()

    async def _tick(self) -> None:
        """Once a second: end overrides whose time is over, feed the watchdog if every worker was heard."""
        while True:
            await asyncio.sleep(_TICK)
            self.wishes.expire(time.time())
            self.door.look()
            self.problems.look()
            for router, reason in self.splits.look(self.heard.routers, self.peers.reports, time.monotonic()):
                self.emit(plain(EventKind.CONFLICT_TWO_MASTERS, router, reason))
            for occurrence in self.peers.look(time.monotonic()):
                self.emit(occurrence)
            if not self.crew.silent(time.monotonic()):
                self._systemd.alive()

    # ---- reload -------------------------------------------------------------------------------------------------

    async def _reload_by_signal(self) -> None:
        """For each SIGHUP; all that come during a reload are one more, which reads what the file says then."""
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            if self.stopping:
                return
            self._systemd.reloading()
            answer = await reloading.reload(self, None, force=False, by="SIGHUP")
            self._systemd.ready("reloaded" if answer.ok else f"not reloaded: {answer.refused}")

    async def load_file(self, path: str | None) -> Reading:
        """What this file, or the daemon's own, says now."""
        return await self._reader.read(path or self._path, self._node, self.config)

    @property
    def stopping(self) -> bool:
        """Whether this daemon is on its way out."""
        return self._stop.is_set()

    def adopt(self, config: Config, secrets: dict[str, str], by: str) -> tuple[str, ...]:
        """Make a prepared configuration the one in force; what that changed, as lines."""
        changed = reload.changes(self.config, config)
        self.crew.commit(config, secrets)
        self.config = config
        self.loaded = time.time()
        self.witnesses.apply(config)
        self.tracking.apply(config)
        self.problems.apply(config)
        self.beside.apply(config)
        self.balancer.apply(config)
        self.heard.keep(config)
        self.sync.apply(config, self.heard.reports)
        self.pace.look(config.failover.routers)
        self.door.want(config.control.http)
        self.emit(plain(EventKind.CONFIG_LOADED, config.cluster, f"{len(changed)} changes, by {by}"))
        for peer in self.peers.words:
            self.emit(self.peers.drift(peer, config.sha256))
        self.share()
        return changed

    # ---- what happens -------------------------------------------------------------------------------------------

    def emit(self, what: Occurrence | None) -> None:
        """Make an event of it, where there is one: one log line, the history, the channels. Never waits."""
        if what is None:
            return
        event = what.event(str(uuid.uuid4()), self.config.cluster, self.config.node, time.time())
        moved = {"change": f"{what.old or '-'} -> {what.new}"} if what.new else {}
        say = getattr(self._log, _LEVELS[what.severity])
        say(what.kind.value, subject=what.subject, **moved, reason=what.reason)
        self.crew.emit(event)
        self.problems.learn(event)
        self._server.notice()

    def share(self) -> None:
        """Say our word to all peers."""
        self.crew.share(self.wishes.word(self.config.sha256))

    # ---- wishes, status -----------------------------------------------------------------------------------------

    def _wished(self) -> None:
        """Let what operators wish act, here and at the peers."""
        before, self._acted = self._acted, self.wishes.mastership
        self.balancer.set_overrides(self.wishes.overrides)
        self.problems.changed()
        for order in self._orders(before):
            self.crew.tell_failover(order)
        self.share()

    def _orders(self, before: Mastership) -> Iterator[Order]:
        return orders(before, self._acted, self.config.node, time.time(), time.monotonic())
