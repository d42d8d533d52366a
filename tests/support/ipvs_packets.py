"""Real packets through the kernel's IPVS: a client, a director, three real servers on one bridge, counted where they arrive.

``with crossing() as site:`` gives the hosts ready for every forwarding method and both families. The table comes from a
configuration's text by the daemon's own path: file, specs, policy, plan, kernel. Each real server answers by its own means
and says its name and the address that the packet was for.
"""

import asyncio
import contextlib
import fcntl
import selectors
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hactl.config.load import load
from hactl.ipvs import plan, policy, words
from hactl.ipvs.inherit import adopt
from hactl.ipvs.kernel import Kernel
from hactl.ipvs.model import ServiceKey, Table
from hactl.ipvs.update import update
from hactl.lab import net as namespaces
from hactl.services.state import index
from hactl.wishes.overrides import Admin
from health.result import Health, Outcome, Reason, Result
from support.netns import Lan, lan

VIP4, VIP6 = "10.99.0.100", "fd99::100"
SERVERS = ("rs1", "rs2", "rs3")
PORT, OTHER_PORT, SIP_PORT = 8000, 8001, 5060
SCTP = 132
PATIENCE = 15.0
_MODULES = ("ipip", "ip_gre", "sit", "ip6_tunnel", "ip6_gre", "fou", "fou6", "sctp", "ip_vs")
_TUNNELS = (
    "link set tunl0 up", "link set gre0 up", "link set sit0 up", "link set ip6tnl0 up", "link set ip6gre0 up",
    "tunnel change ip6tnl0 mode any",
)  # fmt: skip


class Arrival(NamedTuple):
    """Who answered, and for which address the packet came."""

    server: str
    address: str


class Servers:
    """Everything that the real servers' addresses listen on; one thread for all of them."""

    def __init__(self, net: Lan, addresses: Mapping[str, tuple[str, ...]]) -> None:
        self.arrived: Counter[Arrival] = Counter()
        self._waiting = selectors.DefaultSelector()
        self._ended = threading.Event()
        for name, each in addresses.items():
            with net.inside(name):
                for address in each:
                    self._listen(Arrival(name, address))
        self._thread = threading.Thread(target=self._run, name="servers")
        self._thread.start()

    def close(self) -> None:
        """Nobody answers any more."""
        self._ended.set()
        self._thread.join(PATIENCE)
        for key in list(self._waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]

    def _listen(self, place: Arrival) -> None:
        family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        for protocol in (0, SCTP):
            for port in (PORT, OTHER_PORT):
                one = socket.socket(family, socket.SOCK_STREAM, protocol)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind((place.address, port))
                one.listen(64)
                self._watch(one, "accept", place)
        for port in (PORT, SIP_PORT):
            one = socket.socket(family, socket.SOCK_DGRAM)
            one.bind((place.address, port))
            self._watch(one, "answer", place)

    def _watch(self, one: socket.socket, what: str, place: Arrival) -> None:
        one.setblocking(False)
        self._waiting.register(one, selectors.EVENT_READ, (what, place))

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._waiting.select(0.1):
                what, place = key.data
                with contextlib.suppress(OSError):
                    getattr(self, f"_{what}")(key.fileobj, place)

    def _accept(self, listening: socket.socket, place: Arrival) -> None:
        talk, _ = listening.accept()
        self.arrived[place] += 1
        talk.sendall(" ".join(place).encode())
        self._watch(talk, "end", place)

    def _end(self, talk: socket.socket, place: Arrival) -> None:
        with contextlib.suppress(OSError):
            if talk.recv(4096):
                return
        self._waiting.unregister(talk)
        talk.close()

    def _answer(self, one: socket.socket, place: Arrival) -> None:
        _, client = one.recvfrom(4096)
        self.arrived[place] += 1
        one.sendto(" ".join(place).encode(), client)


class Crossing:
    """The hosts, and questions of the client."""

    def __init__(self, net: Lan, folder: Path) -> None:
        self.net, self._folder = net, folder
        self.table: Table = {}
        self.servers = Servers(net, {name: (*self.own(name), VIP4, VIP6) for name in SERVERS})

    def own(self, name: str) -> tuple[str, str]:
        """A host's own addresses."""
        return self.net.address(name), f"fd99::{self.net.names.index(name) + 1}"

    def serve(self, services: str, *, anew: bool = True) -> list[str]:
        """The table is that of these services with every server up; gives what the kernel refused, in words.

        Not `anew`: it is changed into that, as by a reload.
        """
        file = self._folder / "hactl.yaml"
        file.write_text(
            "cluster: crossing\ndirectors: {lb1: 10.99.0.1}\nchecks: {port: {type: tcp, port: 8000}}\n"
            + services
        )
        loaded = load(str(file), "lb1")
        assert loaded.config is not None, [str(fault) for fault in loaded.faults]
        specs = index(loaded.config.services)
        well = Result(reason=Reason.OK)
        outcomes = {
            check.id: Outcome(check=check.id, health=Health.UP, result=well, at=1.0)
            for check in loaded.config.checks
        }
        state = update(adopt(specs, {}, 0.0), specs, outcomes, lambda *_: (Admin.ENABLED, None), 1.0).state
        with self.net.inside("lb1"):
            return asyncio.run(self._write(policy.desired(specs, state, ()), anew=anew))

    async def _write(self, wish: Table, *, anew: bool) -> list[str]:
        kernel = Kernel()
        try:
            held = (await kernel.read()).table
            if anew:
                await kernel.apply(plan.diff(held, {}, held))
                held = {}
            refused = await kernel.apply(plan.diff(held, wish, held))
            self.table = (await kernel.read()).table
        finally:
            kernel.close()
        return [words.refusal(one.op, one.code, one.text) for one in refused]

    async def _packets(self) -> dict[ServiceKey, int]:
        kernel = Kernel()
        try:
            counters = (await kernel.read(sums=True)).counters
        finally:
            kernel.close()
        return {key: each.total.packets_in for key, each in counters.items()}

    def packets(self) -> dict[ServiceKey, int]:
        """Packets that each service has counted; the kernel sums them up every 2 s."""
        with self.net.inside("lb1"):
            return asyncio.run(self._packets())

    def call(
        self, kind: str, address: str, port: int = PORT, source: tuple[str, int] | None = None
    ) -> "Call":
        """A connection of the client's that stays open; ``kind`` is tcp or sctp."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.net.inside("client"):
            link = socket.socket(family, socket.SOCK_STREAM, SCTP if kind == "sctp" else 0)
        return Call(link, (address, port), source)

    def ask(
        self, kind: str, address: str, times: int = 1, port: int = PORT, source: str | None = None
    ) -> Counter[Arrival]:
        """Questions one after another, each on a connection of its own: who answered how many."""
        found: Counter[Arrival] = Counter()
        for _ in range(times):
            if kind == "udp":
                found[self.say(address, port, source=source)] += 1
            else:
                with self.call(kind, address, port, (source, 0) if source else None) as call:
                    found[call.arrival] += 1
        return found

    def say(self, address: str, port: int = PORT, text: bytes = b"?", source: str | None = None) -> Arrival:
        """One datagram from a port of its own, and who answered."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.net.inside("client"):
            link = socket.socket(family, socket.SOCK_DGRAM)
        with link:
            link.settimeout(PATIENCE)
            if source:
                link.bind((source, 0))
            link.sendto(text, (address, port))
            data, sender = link.recvfrom(4096)
        assert sender[:2] == (address, port), "the client knows the VIP only"
        return Arrival(*data.decode().split())

    def received(self, host: str, device: str) -> int:
        """Packets that came out of a device of a host."""
        with self.net.inside(host):
            lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
        return next(
            int(line.split(":")[1].split()[1]) for line in lines if line.strip().startswith(f"{device}:")
        )


class Call:
    """One open connection. Raises OSError when nobody takes it."""

    def __init__(self, link: socket.socket, place: tuple[str, int], source: tuple[str, int] | None) -> None:
        self._link = link
        link.settimeout(PATIENCE)
        try:
            if source is not None:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                link.bind(source)
            link.connect(place)
            self.arrival = Arrival(*link.recv(4096).decode().split())
        except BaseException:
            link.close()
            raise

    def __enter__(self) -> "Call":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def say(self, text: bytes) -> None:
        """Send some bytes."""
        self._link.sendall(text)

    @property
    def unheard(self) -> int:
        """Bytes that were said and that the other end has not acknowledged."""
        waiting = fcntl.ioctl(self._link, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(waiting, sys.byteorder)

    def close(self) -> None:
        """End it with a reset: nothing of it is remembered for minutes."""
        with contextlib.suppress(OSError):
            self._link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._link.close()


def _prepare(net: Lan) -> None:
    subprocess.run(["modprobe", "-a", *_MODULES], check=True, timeout=60)
    for number, name in enumerate(net.names, 1):
        net.ip(name, f"address add fd99::{number}/64 dev eth0 nodad")
    quiet = {f"ipv4/conf/{which}/send_redirects": "0" for which in ("all", "eth0")}
    forwarding = {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/vs/expire_nodest_conn": "1"}
    namespaces.write_switches(net.namespace("lb1"), quiet | forwarding)
    net.ip("lb1", f"address add {VIP4}/32 dev eth0", f"address add {VIP6}/128 dev eth0 nodad preferred_lft 0")
    more = [f"address add 10.99.{net_}.{host}/32 dev eth0" for net_ in (1, 2) for host in (5, 6)]
    more += [
        f"address add fd99:0:0:{net_}::{host}/128 dev eth0 nodad preferred_lft 0"
        for net_ in (1, 2)
        for host in (5, 6)
    ]
    net.ip("client", *more)
    for name in ("lb1", *SERVERS):
        via4, via6 = net.address("client"), "fd99::2"
        net.ip(name, f"route add 10.99.1.0/24 via {via4}", f"route add 10.99.2.0/24 via {via4}")
        net.ip(name, f"route add fd99:0:0:1::/64 via {via6}", f"route add fd99:0:0:2::/64 via {via6}")
    for name in SERVERS:
        _prepare_server(net, name)


def _prepare_server(net: Lan, name: str) -> None:
    """The VIPs hidden from ARP, every kind of tunnel open, and answers of NAT go back through the director."""
    hidden = {f"ipv4/conf/{which}/arp_ignore": "1" for which in ("all", "eth0")}
    hidden |= {f"ipv4/conf/{which}/arp_announce": "2" for which in ("all", "eth0")}
    # IPv6 has no switch to send none: the director tells of the shorter way, past its own translation.
    hidden |= {f"ipv6/conf/{which}/accept_redirects": "0" for which in ("all", "eth0")}
    namespaces.write_switches(net.namespace(name), hidden)
    net.ip(name, f"address add {VIP4}/32 dev lo", f"address add {VIP6}/128 dev lo nodad")
    own4, own6 = net.address(name), f"fd99::{net.names.index(name) + 1}"
    back = f"route add default via {net.address('lb1')} table 100"
    net.ip(name, f"rule add from {own4} table 100", back, "route add default via fd99::1 table 100")
    net.run(name, "ip", "-6", "rule", "add", "from", own6, "table", "100")
    for command in _TUNNELS:
        net.run(name, "ip", *(["-6"] if "change" in command else []), *command.split())
    net.run(name, "ip", "fou", "add", "port", "6080", "gue")
    net.run(name, "ip", "fou", "add", "port", "6080", "gue", "-6")
    loose = {f"ipv4/conf/{device}/rp_filter": "0" for device in ("tunl0", "gre0", "sit0", "ip6tnl0")}
    namespaces.write_switches(net.namespace(name), loose)


@contextlib.contextmanager
def crossing() -> Iterator[Crossing]:
    """The hosts, until the block ends."""
    with lan("lb1", "client", *SERVERS) as net, tempfile.TemporaryDirectory(prefix="hactl-t") as folder:
        _prepare(net)
        site = Crossing(net, Path(folder))
        try:
            yield site
        finally:
            site.servers.close()
