"""The peer channel joined to this director's routers: what we say of them, and what a peer's word does to them.

Owns the channel. The law: VRRP's adverts alone decide who is master; a peer's word shortens a wait or has a winner
announce again, and its certain death lengthens our leases. Payloads pass through unread, from supervisor to supervisor.
"""

import asyncio
from collections.abc import Callable, Container

from failover.describe import master_address
from failover.handover import Handing
from failover.host import packed, shown
from failover.instance import Instance
from failover.manager import Manager
from failover.peer.actions import (
    HandoverAsked,
    HandoverDone,
    HandoverFailed,
    HandoverReady,
    LinkChanged,
    News,
    PayloadArrived,
    PeerChanged,
    PeerMaster,
    PeerState,
    Say,
    Word,
    WordHeard,
)
from failover.peer.channel import PeerChannel
from failover.peer.keys import KeyFileError, read_keys
from failover.peer.report import PeerReport
from failover.peer.spec import PeerChannelSpec
from failover.peer.standing import RouterView
from failover.report import PeerPayload, Remark, Report
from failover.spec import Standby


class Peering:
    """The channel of one director, joined to the routers of `manager`. `tell` takes reports."""

    def __init__(self, manager: Manager, tell: Callable[[Report | PeerReport], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._routers, self._groups = manager.routers, manager.groups
        self._tell = tell
        self._channel = PeerChannel(self._news)
        self.handing = Handing(self._channel, manager.groups, manager.find, tell)
        manager.handed = self.handing.handed
        self._drain = manager.before_timer
        self._reported: dict[str, PeerReport] = {}

    def apply(self, spec: PeerChannelSpec | None, keys: str) -> None:
        """Make this spec in force with the keys of the text given; without usable keys the channel is off."""
        spec = spec or PeerChannelSpec(cluster="", node="")
        try:
            ring = read_keys(keys) if spec.key_file else None
        except KeyFileError as error:
            self._tell(Remark("", f"the peer channel is off: {spec.key_file}: {error}", warning=True))
            ring = None
        self._channel.apply(spec, ring)
        self.report()

    def stand(self, *, ending: bool = False) -> None:
        """Say how our routers stand; nothing is sent when that is known already."""
        now = self._loop.time()
        self._set_alone()
        gone = self._groups.links_gone()
        self._channel.stand([_view(router, now, gone) for router in self._routers()], ending=ending)

    def share(self, version: int, data: bytes) -> None:
        """Bring the supervisor's payload to every peer."""
        self._channel.share(version, data)

    def look(self) -> None:
        """Something on the host changed."""
        self._channel.look()

    def drain(self) -> None:
        """Hand over every datagram that has arrived."""
        self._channel.drain()

    def report(self) -> None:
        """Tell of every peer in whose report something moved."""
        for report in self._channel.reports():
            if self._reported.get(report.peer) != report:
                self._reported[report.peer] = report
                self._tell(report)

    def close(self) -> None:
        """Say goodbye; to be called when no VIP is held any more."""
        self._channel.close()

    def _news(self, peer: str, news: News) -> None:
        self._drain()  # After a stall the adverts of the meantime come before a peer's word.
        match news:
            case PeerChanged():
                self._set_alone()
                self.report()
            case LinkChanged():
                self.report()
            case WordHeard(word, router, source):
                self._hear_word(peer, word, router, source)
            case PeerMaster(router, priority, source):
                self._hear_master(router, priority, source)
            case PayloadArrived(data):
                self._tell(PeerPayload(peer, data))
            case HandoverAsked() | HandoverReady() | HandoverDone() | HandoverFailed():
                self.handing.hear(peer, news)
            case Say(text):
                self._tell(Remark("", f"{peer}: {text}" if peer else text))
            case _:
                return

    def _hear_word(self, peer: str, word: Word, router: str | None, source: str) -> None:
        self._tell(Remark(router or "", f"{peer} says: {word.text}"))
        instance = self._running(router)
        if instance is None or word is Word.STANDING or not source:
            return
        pair, gone = len(self._channel.states()) == 1, word is Word.LINK_GONE
        heard = packed(source)
        instance.act(lambda election, now: election.hasten(heard, now, gone=gone, pair=pair))

    def _hear_master(self, router: str, priority: int, source: str) -> None:
        instance = self._running(router)
        if instance is not None and source:
            heard = packed(source)
            instance.act(lambda election, now: election.told_of_master(priority, heard, now))

    def _running(self, router: str | None) -> Instance | None:
        """The router of this name; a peer's word is nothing to one that is leaving."""
        return next((one for one in self._routers() if one.spec.name == router), None)

    def _set_alone(self) -> None:
        """Alone is who knows every peer to be down; of one that is unknown nothing is known."""
        states = self._channel.states().values()
        alone = bool(states) and all(state is PeerState.DOWN for state in states)
        for router in self._routers():
            router.act(lambda election, now: election.set_alone(alone, now))


def _view(router: Instance, now: float, gone: Container[str]) -> RouterView:
    record = router.election.router
    source = shown(record.address) if record.address else ""
    aside = record.standby is not Standby.OFF
    name, master = router.spec.name, master_address(record, now)
    return RouterView(name, record.state, record.priority, source, master, name in gone, aside)
