"""Carries echo requests out: one socket for each IP version, shared by all pings of a worker.

Its law: a reply counts when it comes from the address that was asked and repeats the bytes that were sent there, which
nobody can guess. The sockets are opened while there still is the right to; where there was none, each ping says so.
"""

import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from health.dialogue import PingPlan
from health.errors import end_of_error
from health.probes.connecting import scope_of
from health.probes.poller import Poller
from health.probes.steps import Steps
from health.result import PASSED, End, Reason
from health.wire import icmp

_SOL_RAW = 255
_ICMP_FILTER, _ICMP6_FILTER = 1, 1
_LONGEST = 256
_A_TURN = 1024
"""Datagrams taken before the loop gets to turn again."""
_BUFFER = 4 * 1024 * 1024
"""Bytes of each of a socket's buffers: requests to hosts that are gone wait for seconds in the one that all share."""
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_FAMILIES = {4: (socket.AF_INET, socket.IPPROTO_ICMP), 6: (socket.AF_INET6, socket.IPPROTO_ICMPV6)}


class PingSocket(NamedTuple):
    """A socket for the echoes of one IP version; a `raw` one hears all replies that come to this host."""

    sock: socket.socket
    raw: bool


def open_sockets() -> dict[int, PingSocket | str]:
    """A socket for each IP version, or in words why there is none: the kernel's own for echoes, else a raw one."""
    return {version: _open(version) for version in _FAMILIES}


def close_sockets(sockets: Mapping[int, PingSocket | str]) -> None:
    """Close what `open_sockets` opened."""
    for opened in sockets.values():
        if isinstance(opened, PingSocket):
            opened.sock.close()


def _open(version: int) -> PingSocket | str:
    family, protocol = _FAMILIES[version]
    raw = False
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)
    except OSError:
        # net.ipv4.ping_group_range does not name our group.
        raw = True
        try:
            sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
        except OSError as error:
            return f"no socket for pings: {error.strerror}"
        _only_replies(sock, version)
    _widen(sock)
    return PingSocket(sock, raw)


def _widen(sock: socket.socket) -> None:
    """Larger buffers, beyond the host's limit where that is permitted."""
    for forced, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, _BUFFER)


def _only_replies(sock: socket.socket, version: int) -> None:
    """Have the kernel drop everything else (a bit set: this type is blocked)."""
    if version == 4:
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~1))
    else:
        passed = 0xFFFFFFFF & ~(1 << (129 % 32))
        words = [passed if word == 129 // 32 else 0xFFFFFFFF for word in range(8)]
        sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *words))


class Pings:
    """All pings under way, by what their replies repeat."""

    def __init__(self, poller: Poller, sockets: Mapping[int, PingSocket | str]) -> None:
        self._sockets = sockets
        self._waiting: dict[bytes, Ping] = {}
        self._sequence = 0
        for version, opened in sockets.items():
            if isinstance(opened, PingSocket):
                poller.watch(opened.sock.fileno(), _Hearing(version, opened, poller, self._heard))

    def send(self, address: str, ping: "Ping") -> bytes | End:
        """Ask; what the reply must repeat, or the end when that fails at once."""
        version = 6 if ":" in address else 4
        opened = self._sockets.get(version, "no socket for pings")
        if isinstance(opened, str):
            return End(Reason.CANNOT_RUN, opened)
        self._sequence = (self._sequence + 1) & 0xFFFF
        token = os.urandom(icmp.TOKEN)
        echo = icmp.Echo(self._sequence, token)
        try:
            bare, scope = scope_of(address)
            target = (bare, 0, 0, scope) if version == 6 else (bare, 0)
            opened.sock.sendto(icmp.request(version, os.getpid() & 0xFFFF, echo), target)
        except OSError as error:
            return end_of_error(error.errno or 0, connected=False)
        self._waiting[token] = ping
        return token

    def forget(self, token: bytes) -> None:
        """No longer waited for."""
        self._waiting.pop(token, None)

    def _heard(self, source: str, echo: icmp.Echo) -> None:
        ping = self._waiting.get(echo.token)
        if ping is not None:
            ping.heard(source)


class _Hearing:
    """One socket as the poller knows it."""

    def __init__(
        self, version: int, opened: PingSocket, poller: Poller, heard: Callable[[str, icmp.Echo], None]
    ) -> None:
        self._version = version
        self._opened = opened
        self._poller = poller
        self._heard = heard

    def ready(self, mask: int) -> None:
        """Take what there is, up to one turn's datagrams. An error that ICMP brought is some ping's silence."""
        for _ in range(_A_TURN):
            try:
                data, source = self._opened.sock.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            except OSError:
                continue
            if self._opened.raw and self._version == 4:
                data = icmp.without_ip_header(data)
            echo = icmp.reply(self._version, data)
            if echo is not None:
                self._heard(source[0], echo)
        self._poller.again(self._opened.sock.fileno())


class Ping:
    """One probe under way. `done` is called once with its end."""

    __slots__ = ("_address", "_done", "_pings", "_steps", "_token")

    def __init__(
        self, plan: PingPlan, pings: Pings, done: Callable[[End], None], steps: Steps | None = None
    ) -> None:
        self._address = plan.address
        self._steps = steps
        self._pings = pings
        self._done = done
        self._token = b""

    def start(self) -> End | None:
        """Ask; the end when that fails at once."""
        sent = self._pings.send(self._address, self)
        if isinstance(sent, End):
            return sent
        self._token = sent
        self._mark("sent", f"echo request to {self._address}")
        return None

    def cancel(self) -> None:
        """End without a result."""
        self._pings.forget(self._token)

    def expire(self) -> End:
        """The deadline has come."""
        self.cancel()
        return End(Reason.NO_REPLY)

    def heard(self, source: str) -> None:
        """A reply with our bytes has come from this address."""
        if _packed(source) != _packed(self._address):
            return
        self.cancel()
        self._mark("received", f"echo reply from {source}")
        self._done(PASSED)

    def _mark(self, name: str, line: str) -> None:
        if self._steps is not None:
            self._steps.mark(name, line)


def _packed(address: str) -> bytes:
    """An address without its zone as bytes: one address has several spellings."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address.partition("%")[0])
