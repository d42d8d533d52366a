"""The peer channel joined to the event loop: datagrams in with the loop's time, actions performed, one timer re-armed.

Owns no decision: those are the exchanges'. The law: before the timer acts every datagram that has arrived is handed over;
whatever arrives and whatever the network refuses, nothing is raised into the loop.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from failover.peer.actions import Action, HandoverFailed, News, PeerState, Say, Send
from failover.peer.exchange import Exchange
from failover.peer.handover import Handovers, Outcome
from failover.peer.keys import Keyring
from failover.peer.latest import MAX_VALUE
from failover.peer.links import LinkSockets
from failover.peer.packet import NONCE, Drop
from failover.peer.report import PeerReport
from failover.peer.spec import PeerChannelSpec, PeerDirector
from failover.peer.standing import RouterView, Standing, encode_standing

RETRY = 1.0
"""How often a link whose address is missing is tried again, in seconds."""
QUIET = 60.0
"""Seconds between two lines about strangers, of whom anybody can invent any number."""
Tell = Callable[[str, News], None]
"""Takes news of a peer by the peer's name; of none where it is empty."""


class PeerChannel:
    """The channel of one director to all its peers; `tell` takes the news."""

    def __init__(self, tell: Tell) -> None:
        self.strangers: Counter[str] = Counter()
        """Datagrams from addresses that are no peer's, by reason."""
        self._quiet_until = float("-inf")
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._spec = PeerChannelSpec(cluster="", node="")
        self._exchanges: dict[str, Exchange] = {}
        self._routes: dict[tuple[str, str], tuple[Exchange, int]] = {}
        self._sockets = LinkSockets(self._arrived)
        self._standing = (1, encode_standing(Standing()))
        self._payload: tuple[int, bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    def apply(self, spec: PeerChannelSpec, keys: Keyring | None) -> None:
        """Make this spec and these keys the ones in force (no keys: the channel is off).

        Unchanged peers keep their session.
        """
        wanted = {} if keys is None else {peer.name: peer for peer in spec.peers}
        kept = _apart_from_peers(spec) == _apart_from_peers(self._spec)
        for name, exchange in list(self._exchanges.items()):
            if not kept or wanted.get(name) != exchange.peer:
                self._perform(exchange, exchange.goodbye(self._loop.time()))
                del self._exchanges[name]
        self._spec = spec
        self._sockets.want({link.own for peer in wanted.values() for link in peer.links}, spec.port)
        if keys is not None:
            for peer in wanted.values():
                self._join(peer, keys)
        self._routes = {
            (link.own, link.peer): (exchange, number)
            for exchange in self._exchanges.values()
            for number, link in enumerate(exchange.peer.links)
        }
        self._again()
        self._arm()

    def stand(self, routers: Iterable[RouterView], *, ending: bool = False) -> None:
        """Tell every peer how this director stands; at once, and again until each has it. Unchanged: nothing is sent."""
        data = encode_standing(Standing(ending, tuple(routers)))
        if data == self._standing[1]:
            return
        version = self._standing[0] + 1
        self._standing = (version, data)
        for exchange in self._exchanges.values():
            self._perform(exchange, exchange.stand(version, data, self._loop.time()))
        self._arm()

    def share(self, version: int, data: bytes) -> None:
        """Bring the supervisor's payload to every peer; PayloadTaken tells who has it. Versions rise, older ones do nothing.

        Raises ValueError when it is longer than MAX_VALUE.
        """
        if len(data) > MAX_VALUE:
            raise ValueError(f"the payload for the peers has {len(data)} bytes, more than {MAX_VALUE}")
        if version <= (self._payload[0] if self._payload else 0):
            return
        self._payload = (version, data)
        for exchange in self._exchanges.values():
            self._perform(exchange, exchange.share(version, data, self._loop.time()))
        self._arm()

    # ---- handover -----------------------------------------------------------------------------------------------

    def ask(self, router: str, peer: str) -> None:
        """Ask a peer to take a router over: HandoverReady or HandoverFailed follows, perhaps before this returns."""
        exchange = self._exchanges.get(peer)
        if exchange is None:
            self._tell(peer, HandoverFailed(router, f"there is no peer {peer}"))
            return
        self._perform(exchange, exchange.ask(router, self._loop.time()))
        self._arm()

    def ready(self, router: str, peer: str) -> None:
        """The router that the peer asked us to take is up here, announced and advertising: HandoverDone follows."""
        self._hand(peer, lambda handovers: handovers.ready(router, self._loop.time()))

    def refuse(self, router: str, peer: str, reason: str) -> None:
        """We do not take the router that the peer asked us to take."""
        self._hand(peer, lambda handovers: handovers.refuse(router, reason, self._loop.time()))

    def done(self, router: str, peer: str) -> None:
        """We have let go of the router that the peer was ready for."""
        self._hand(peer, lambda handovers: handovers.done(router))

    def take_back(self, router: str, peer: str) -> None:
        """We do not hand the router over after all."""
        self._hand(peer, lambda handovers: handovers.take_back(router))

    # ---- what others ask ----------------------------------------------------------------------------------------

    def states(self) -> Mapping[str, PeerState]:
        """The state of every peer."""
        return {name: exchange.state for name, exchange in self._exchanges.items()}

    def reports(self) -> tuple[PeerReport, ...]:
        """All that status shows of the peers."""
        return tuple(exchange.report() for exchange in self._exchanges.values())

    def look(self) -> None:
        """Something on the host changed: try the links whose address was missing."""
        self._sockets.open_missing()

    def drain(self) -> None:
        """Hand over every datagram that has arrived."""
        self._sockets.drain()

    def close(self, *, goodbye: bool = True) -> None:
        """Say goodbye and let go of sockets and timers. Without `goodbye` the peers notice our silence."""
        if goodbye:
            for exchange in self._exchanges.values():
                self._perform(exchange, exchange.goodbye(self._loop.time()))
        self._exchanges.clear()
        self._routes.clear()
        self._sockets.close()
        for handle in (self._timer, self._retry):
            if handle is not None:
                handle.cancel()
        self._timer = self._retry = None

    # ---- the loop -----------------------------------------------------------------------------------------------

    def _join(self, peer: PeerDirector, keys: Keyring) -> None:
        exchange = self._exchanges.get(peer.name)
        if exchange is not None:
            exchange.use_keys(keys)
            return
        now = self._loop.time()
        exchange = Exchange(self._spec, peer, keys, lambda: os.urandom(NONCE), now)
        self._exchanges[peer.name] = exchange
        self._perform(exchange, exchange.stand(*self._standing, now))
        if self._payload is not None:
            self._perform(exchange, exchange.share(*self._payload, now))

    def _hand(self, peer: str, act: Callable[[Handovers], list[Outcome]]) -> None:
        exchange = self._exchanges.get(peer)
        if exchange is not None:
            self._perform(exchange, exchange.hand(act, self._loop.time()))
            self._arm()

    def _arrived(self, own: str, source: str, datagram: bytes) -> None:
        route = self._routes.get((own, source))
        if route is None:
            self._stranger(source)
            return
        exchange, link = route
        self._perform(exchange, exchange.receive(link, datagram, self._loop.time()))
        self._arm()

    def _stranger(self, source: str) -> None:
        self.strangers[Drop.UNKNOWN_SENDER.value] += 1
        now = self._loop.time()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET
            number = self.strangers.total()
            self._tell(
                "",
                Say(f"the peer channel drops what comes from {source}, no peer's address ({number} so far)"),
            )

    def _perform(self, exchange: Exchange, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                link = exchange.peer.links[action.link]
                exchange.usable(action.link, self._sockets.send(link.own, link.peer, action.datagram))
            else:
                self._tell(exchange.peer.name, action)

    def _arm(self) -> None:
        at = min((exchange.deadline() for exchange in self._exchanges.values()), default=None)
        if self._timer is not None:
            if self._timer.when() == at:
                return
            self._timer.cancel()
        self._timer = None if at is None else self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._sockets.drain()
        now = self._loop.time()
        for exchange in list(self._exchanges.values()):
            self._perform(exchange, exchange.wake(now))
        self._arm()

    def _again(self) -> None:
        """Try missing links now and then, as long as there is somebody to talk to."""
        if self._retry is not None:
            self._retry.cancel()
        self._sockets.open_missing()
        self._retry = self._loop.call_later(RETRY, self._again) if self._exchanges else None


def _apart_from_peers(spec: PeerChannelSpec) -> tuple[str, str, int, float, int]:
    return spec.cluster, spec.node, spec.port, spec.beat, spec.down_after
