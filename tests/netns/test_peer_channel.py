"""The peer channel over real UDP: two links, cuts, restarts, a recording played by a raw sender, another key."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from failover.moves import State
from failover.peer.actions import (
    HandoverAsked,
    HandoverDone,
    HandoverFailed,
    HandoverReady,
    LinkChanged,
    News,
    PayloadArrived,
    PayloadTaken,
    PeerChanged,
    PeerState,
    Say,
    Word,
    WordHeard,
)
from failover.peer.channel import PeerChannel
from failover.peer.packet import Drop
from failover.peer.report import PeerReport
from failover.peer.spec import PeerChannelSpec, PeerDirector, PeerLink
from failover.peer.standing import RouterView
from support.directors import until
from support.netns import Lan, lan, needs_namespaces
from support.peers import KEY, OTHER_KEY, other, ring

pytestmark = needs_namespaces

PORT = 6940
UP, DOWN, UNKNOWN = PeerState.UP, PeerState.DOWN, PeerState.UNKNOWN
NewsKind = TypeVar("NewsKind")
Result = TypeVar("Result")


class Host:
    """A channel in host "a" or "b" on a loop of its own; `end` without goodbye is what a kill looks like to the peer."""

    def __init__(self, net: Lan, name: str, *keys: str, links: bool = True) -> None:
        self.net, self.name, self.peer = net, name, other(name)
        self.news: list[News] = []
        self._ready = threading.Event()
        self._ended = False
        self._keys = ring(*keys)
        self._links = links
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        with self.net.inside(self.name):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._faults: list[Any] = []
        self._loop.set_exception_handler(lambda _, context: self._faults.append(context))
        self.channel = PeerChannel(lambda _, news: self.news.append(news))
        self.channel.apply(self._spec(), self._keys)
        self._ready.set()
        await self._over.wait()

    def _spec(self) -> PeerChannelSpec:
        paths = [PeerLink(own=self.net.address(self.name), peer=self.net.address(self.peer))]
        if self._links:
            paths.append(PeerLink(own=second(self.name), peer=second(self.peer)))
        peers = (PeerDirector(name=self.peer, links=tuple(paths)),)
        return PeerChannelSpec(cluster="web", node=self.name, peers=peers, port=PORT)

    def end(self, *, goodbye: bool = False) -> None:
        """Close the channel and its loop; everything the loop complained of is a failure."""
        if self._ended:
            return
        self._ended = True
        self.do(lambda channel: channel.close(goodbye=goodbye))
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert self._faults == []

    def do(self, act: Callable[[PeerChannel], Result]) -> Result:
        """Do something with the channel, on its loop."""

        async def inside() -> Result:
            return act(self.channel)

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)

    def told(self, kind: type[NewsKind]) -> list[NewsKind]:
        """The news of one kind so far."""
        return [one for one in self.news if isinstance(one, kind)]

    def report(self) -> PeerReport:
        """What status shows of the peer."""
        (report,) = self.do(lambda channel: channel.reports())
        return report

    def wait_for(self, state: PeerState, seconds: float = 10.0) -> float:
        """Wait for the peer's state."""
        return until(lambda: self.report().state is state, seconds, f"{self.name}: peer {state}")

    def links(self) -> list[PeerState]:
        """The states of the links."""
        return [link.state for link in self.report().links]


def second(name: str) -> str:
    """A host's address on the second link."""
    return {"a": "10.98.0.1", "b": "10.98.0.2"}[name]


@contextlib.contextmanager
def two_links() -> Iterator[Lan]:
    """Hosts a and b on a bridge, and a second cable between them, eth1."""
    with lan("a", "b") as net:
        net.ip("a", f"link add eth1 type veth peer name eth1 netns {net.namespace('b')}")
        for name in "ab":
            net.ip(name, f"address add {second(name)}/24 dev eth1", "link set eth1 up")
        yield net


@contextlib.contextmanager
def hosts(net: Lan, *hosts: Host) -> Iterator[None]:
    """End them when the block ends."""
    try:
        yield
    finally:
        for host in hosts:
            host.end()


@contextlib.contextmanager
def running() -> Iterator[tuple[Lan, Host, Host]]:
    """Both directors, up on both links."""
    with two_links() as net:
        a, b = Host(net, "a"), Host(net, "b")
        with hosts(net, a, b):
            until(lambda: a.links() == b.links() == [UP, UP], 10.0, "both links")
            yield net, a, b


class Attacker:
    """In host a: sees the datagrams that b sends to a, and sends them again in b's name."""

    def __init__(self, net: Lan) -> None:
        self._net = net
        with net.inside("a"):
            self._ear = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        with net.inside("b"):
            self._mouth = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        self._ear.setblocking(False)

    def __enter__(self) -> "Attacker":
        return self

    def __exit__(self, *_: object) -> None:
        self._ear.close()
        self._mouth.close()

    def heard(self) -> list[bytes]:
        """The datagrams from b on the first link since last asked."""
        datagrams = []
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._ear.recv(65535)
                source, ports = socket.inet_ntoa(packet[12:16]), struct.unpack("!HH", packet[20:24])
                if (source, ports[1]) == (self._net.address("b"), PORT):
                    datagrams.append(packet[28:])
        return datagrams

    def record(self, number: int) -> list[bytes]:
        """At least so many datagrams of b."""
        recording: list[bytes] = []

        def enough() -> bool:
            recording.extend(self.heard())
            return len(recording) >= number

        until(enough, 10.0)
        return recording

    def play_all(self, recording: list[bytes]) -> None:
        """Send them all, in their order."""
        for datagram in recording:
            self.play(datagram)

    def play(self, datagram: bytes) -> None:
        """Send it to a from b's address and port (no UDP checksum: RFC 768 allows that)."""
        udp = struct.pack("!HHHH", PORT, PORT, 8 + len(datagram), 0) + datagram
        self._mouth.sendto(udp, (self._net.address("a"), 0))


def test_one_link_is_an_alarm_both_are_down() -> None:
    """And both come back when the cables do."""
    with running() as (net, a, b):
        net.ip("b", "link set eth1 down")
        until(lambda: a.links() == b.links() == [UP, DOWN], 6.0)
        assert (a.report().state, b.report().state) == (UP, UP)
        assert [(change.state, change.partial) for change in a.told(LinkChanged)[-1:]] == [(DOWN, True)]
        assert b.report().links[1].reason.startswith("it cannot be used here")
        net.cut("b")
        assert a.wait_for(DOWN) < 6.0
        assert b.wait_for(DOWN) < 6.0
        net.mend("b")
        a.wait_for(UP)
        net.ip("b", "link set eth1 up")
        until(lambda: a.links() == b.links() == [UP, UP], 10.0)


def test_a_killed_director_is_down_and_comes_back() -> None:
    """About a second after its last beat; restarted it is up at once, and told what it must know."""
    with running() as (net, a, b):
        a.do(lambda channel: channel.share(1, b"of a"))
        until(lambda: b.told(PayloadArrived) == [PayloadArrived(b"of a")], 5.0)
        b.end()
        assert 0.5 < a.wait_for(DOWN) < 6.0
        again = Host(net, "b")
        with hosts(net, again):
            a.wait_for(UP)
            until(lambda: again.told(PayloadArrived) == [PayloadArrived(b"of a")], 5.0)
            until(lambda: len(a.told(PayloadTaken)) == 2, 5.0)


def test_an_orderly_end_is_heard_at_once() -> None:
    """Far within the dead time."""
    with running() as (_, a, b):
        b.do(lambda channel: channel.stand((), ending=True))
        until(lambda: a.told(WordHeard) == [WordHeard(Word.ENDING, None)], 5.0)
        b.end(goodbye=True)
        assert a.wait_for(DOWN) < 0.5
        assert a.told(PeerChanged)[-1].reason == "its daemon ended in order"


def test_a_recording_played_by_a_raw_sender_is_refused_and_counted() -> None:
    """While the peer lives, when it is dead, and after we restarted: it is never up by that."""
    with running() as (net, a, b), Attacker(net) as attacker:
        b.do(lambda channel: channel.stand((), ending=True))
        until(lambda: len(a.told(WordHeard)) == 1, 5.0)
        recording = attacker.record(10)
        before = a.report().drops.get(Drop.REPLAYED, 0)
        attacker.play_all(recording)
        until(lambda: a.report().drops.get(Drop.REPLAYED, 0) >= before + len(recording), 5.0)
        assert len(a.told(WordHeard)) == 1

        b.end()
        began = len(a.told(PeerChanged))
        for _ in range(60):
            attacker.play_all(recording)
            if a.report().state is DOWN:
                break
            time.sleep(0.1)
        assert [change.state for change in a.told(PeerChanged)[began:]] == [DOWN]

        a.end()
        again = Host(net, "a")
        with hosts(net, again):
            attacker.play_all(recording)
            until(lambda: again.report().drops.get(Drop.STALE_SESSION, 0) >= len(recording), 5.0)
            assert again.report().state is not UP
            assert again.told(WordHeard) == []


def test_another_key_is_refused_and_counted() -> None:
    """In words an operator understands; with both keys on one side they understand each other."""
    with two_links() as net:
        a, b = Host(net, "a", KEY), Host(net, "b", OTHER_KEY)
        with hosts(net, a, b):
            until(lambda: a.report().drops.get(Drop.UNKNOWN_KEY, 0) >= 10, 10.0)
            until(lambda: "not in the key file" in a.report().reason, 5.0)
            assert (a.report().state, b.report().state) == (UNKNOWN, UNKNOWN)
            a.do(lambda channel: channel.apply(a._spec(), ring(OTHER_KEY, KEY)))
            a.wait_for(UP)
            b.wait_for(UP)


def test_strangers_are_counted() -> None:
    """Datagrams from an address that is no peer's; the log tells of them, but not of each."""
    with running() as (net, a, _):
        net.ip("b", "address add 10.99.0.77/24 dev eth0")
        with net.inside("b"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("10.99.0.77", 0))
            for _ in range(3):
                stranger.sendto(b"hello", (net.address("a"), PORT))
        until(lambda: a.channel.strangers[Drop.UNKNOWN_SENDER.value] == 3, 5.0)
        told = "the peer channel drops what comes from 10.99.0.77, no peer's address (1 so far)"
        assert [text for text in a.told(Say) if "no peer" in text.text] == [Say(told)]


def test_a_long_payload_arrives() -> None:
    """100 KB in both directions at once; the target is 100 ms."""
    data = {"a": b"a" * 100_000, "b": b"b" * 100_000}
    with running() as (_, a, b):
        for host in (a, b):
            host.do(lambda channel, name=host.name: channel.share(1, data[name]))  # type: ignore[misc]
        until(lambda: a.told(PayloadArrived) == [PayloadArrived(data["b"])], 2.0)
        until(lambda: b.told(PayloadArrived) == [PayloadArrived(data["a"])], 2.0)
        until(lambda: a.told(PayloadTaken) == b.told(PayloadTaken) == [PayloadTaken(1)], 2.0)


def test_a_word_and_a_handover() -> None:
    """A router's word is there within milliseconds; a handover goes through all its steps."""
    with running() as (_, a, b):
        b.do(
            lambda channel: channel.stand([RouterView("web", State.FAULT, 150, "10.99.0.2", link_gone=True)])
        )
        assert until(lambda: a.told(WordHeard) == [WordHeard(Word.LINK_GONE, "web", "10.99.0.2")], 5.0) < 0.2
        assert a.report().routers == (RouterView("web", State.FAULT, 150, "10.99.0.2", link_gone=True),)
        a.do(lambda channel: channel.ask("web", "b"))
        until(lambda: b.told(HandoverAsked) == [HandoverAsked("web")], 5.0)
        b.do(lambda channel: channel.ready("web", "a"))
        until(lambda: a.told(HandoverReady) == [HandoverReady("web")], 5.0)
        a.do(lambda channel: channel.done("web", "b"))
        until(lambda: b.told(HandoverDone) == [HandoverDone("web")], 5.0)
        a.do(lambda channel: channel.ask("web", "nobody"))
        assert a.told(HandoverFailed) == [HandoverFailed("web", "there is no peer nobody")]


def test_an_address_that_is_missing_at_start_mends_itself() -> None:
    """The second link's address comes a second later, goes and comes back."""
    with two_links() as net:
        net.ip("a", f"address del {second('a')}/24 dev eth1")
        a, b = Host(net, "a"), Host(net, "b")
        with hosts(net, a, b):
            a.wait_for(UP)
            until(lambda: a.links()[1] is DOWN, 5.0)
            assert "Cannot assign requested address" in a.report().links[1].reason
            for _ in range(2):
                net.ip("a", f"address add {second('a')}/24 dev eth1")
                until(lambda: a.links() == b.links() == [UP, UP], 10.0)
                net.ip("a", f"address del {second('a')}/24 dev eth1")
                until(lambda: a.links() == b.links() == [UP, DOWN], 10.0)


def test_a_reload_keeps_the_session_of_an_unchanged_peer() -> None:
    """A link more is another peer and begins anew; off is off."""
    with running() as (_, a, b):
        a.do(lambda channel: channel.apply(a._spec(), ring()))
        a._links = False
        sessions = len(b.told(PeerChanged))
        assert sessions == 1
        a.do(lambda channel: channel.apply(a._spec(), ring()))
        until(lambda: a.links() == [UP], 5.0)
        until(lambda: b.links() == [UP, DOWN], 6.0)
        a.do(lambda channel: channel.apply(a._spec(), None))
        b.wait_for(DOWN)
        assert a.do(lambda channel: channel.reports()) == ()
