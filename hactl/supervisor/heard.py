"""What workers say, each thing carried to whom it concerns: no policy; edge.

Owns the last report of each router and each channel, and wakes whoever waits for news of them.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from failover.fence_words import FenceAsked, FenceDropped
from failover.lateness import Lateness
from failover.peer.report import PeerReport
from failover.report import Alarm, Conflict, PeerPayload, RouterReport
from hactl.config.model import Config
from hactl.events import of_alarm, of_conflict, of_report, plain
from hactl.peers.channel import on_channel
from hactl.processes.messages import Ask, ChannelReport, Note, Outcomes, Transitions
from hactl.processes.preparing import FAILOVER
from hactl.wishes.unseen import at_takeover, late
from health.result import Repeats
from notify.event import EventKind

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor


class Heard:
    """Takes the messages of all workers, and their deaths."""

    def __init__(self, daemon: "Supervisor", log: Any) -> None:
        self.reports: dict[str, RouterReport] = {}
        """The last of each router, those of a failover worker that has died since among them; see `routers`."""
        self.channels: dict[str, ChannelReport] = {}
        self.news = asyncio.Event()
        self._spoke: set[str] = set()
        self._daemon = daemon
        self._log = log

    @property
    def routers(self) -> dict[str, RouterReport]:
        """What the living failover worker said last of each router."""
        return {name: report for name, report in self.reports.items() if name in self._spoke}

    def keep(self, config: Config) -> None:
        """Forget the routers, channels and peers that are no more."""
        routers = {router.name for router in config.failover.routers}
        self.reports = {name: report for name, report in self.reports.items() if name in routers}
        channels = {channel.name for channel in config.notify.channels}
        self.channels = {name: report for name, report in self.channels.items() if name in channels}
        for known in (self._daemon.peers.reports, self._daemon.peers.words):
            for gone in known.keys() - on_channel(config):
                del known[gone]

    def message(self, name: str, message: Any) -> None:
        """A worker says this."""
        daemon = self._daemon
        match message:
            case Transitions() | Outcomes():
                daemon.balancer.learn(message.outcomes)
                daemon.tracking.learn(message.outcomes)
                daemon.witnesses.learn(message.outcomes)
            case Repeats():
                daemon.balancer.repeat(message)
                daemon.witnesses.repeat(message)
            case RouterReport():
                self._on_router(message)
            case Conflict() if daemon.splits.heard(message.router):
                daemon.emit(of_conflict(message))
            case Alarm():
                daemon.emit(of_alarm(message, daemon.config.node))
            case FenceAsked() | FenceDropped():
                daemon.beside.fence(message)
            case PeerReport() if self._is_peer(message.peer):
                daemon.emit(daemon.peers.on_report(message))
            case PeerPayload(peer, data) if self._is_peer(peer):
                self._on_word(peer, data)
            case Lateness():
                daemon.pace.hear(message, daemon.config.failover.routers)
            case ChannelReport() if any(one.name == message.name for one in daemon.config.notify.channels):
                self.channels[message.name] = message
            case Ask():
                daemon.desk.ask(message)
            case Note(level, text, fields):
                getattr(self._log, level.value)(text, worker=name, **{k: v for k, v in fields.items() if v})

    def _is_peer(self, name: str) -> bool:
        """Whether it is one still: what was said of others before a reload may come after it."""
        return name in on_channel(self._daemon.config)

    def _on_router(self, report: RouterReport) -> None:
        daemon = self._daemon
        before = self.reports.get(report.router)
        self.reports[report.router] = report
        self._spoke.add(report.router)
        daemon.balancer.set_holding({vip for r in self.reports.values() for vip in r.holding})
        daemon.sync.follow(self.reports)
        daemon.beside.follow(self.reports)
        daemon.witnesses.follow(self.reports)
        others = [director for director in daemon.config.directors if director.name != daemon.config.node]
        unseen = at_takeover(report, daemon.wishes.overrides, daemon.peers, others, time.monotonic())
        for occurrence in (*of_report(before, report), *unseen):
            daemon.emit(occurrence)
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def _on_word(self, peer: str, data: bytes) -> None:
        """A peer's word: its overrides join ours, the later of each object; a differing configuration is told."""
        daemon = self._daemon
        heard, occurrence = daemon.peers.on_payload(peer, data, daemon.config.sha256)
        daemon.emit(occurrence)
        if heard is None:
            self._log.warning(f"what {peer} says of its configuration and overrides is not understood here")
        else:
            before = daemon.wishes.overrides
            daemon.wishes.hear(peer, heard, time.time())
            daemon.emit(
                late(peer, before, daemon.wishes.overrides, self.routers, time.time() - time.monotonic())
            )
        self._wake_waiting()

    def died(self, name: str, reason: str) -> None:
        """A worker has ended; what it said of routers is old."""
        daemon = self._daemon
        if name == FAILOVER:
            self._spoke.clear()
            daemon.peers.forget()
            daemon.pace.forget()
            daemon.beside.worker_died()
        daemon.emit(plain(EventKind.WORKER_DIED, name, f"{reason}; it is started again"))
