"""The ping probe: against loopback, and against a wire of the test's own that says what it likes."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import cast

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

from health.dialogue import PingPlan
from health.once import run_once
from health.probes.ping import Ping, Pings, PingSocket, close_sockets, open_sockets
from health.probes.poller import Poller
from health.result import PASSED, End, Reason
from health.spec import CheckSpec, PingProbe
from health.wire import icmp

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="a socket for pings needs root's rights")
ADDRESS = "192.0.2.7"
Answers = Callable[[bytes], list[tuple[bytes, str]]]


class Wire:
    """Stands for a socket: `answer` makes of each request what comes back, as data and source."""

    def __init__(self, answer: Answers, refusal: int = 0) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._answer = answer
        self._refusal = refusal
        self._arrived: list[tuple[bytes, str]] = []
        self.errors = 0

    def fileno(self) -> int:
        """What is watched."""
        return self._ours.fileno()

    def sendto(self, data: bytes, target: tuple[str, int]) -> None:
        """A request."""
        if self._refusal:
            raise OSError(self._refusal, "")
        self._arrived += self._answer(data)
        self._theirs.send(b"!")

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        """An answer, cut off at the size."""
        if self.errors:
            self.errors -= 1
            raise ConnectionRefusedError
        if not self._arrived:
            raise BlockingIOError
        data, source = self._arrived.pop(0)
        return data[:size], (source, 0)

    def close(self) -> None:
        """Both ends."""
        self._ours.close()
        self._theirs.close()


def reply(request: bytes, **changes: bytes) -> bytes:
    """The echo reply to a request over IPv4, as an echo socket gives it."""
    return changes.get("head", b"\0\0") + request[2:8] + changes.get("token", request[8:])


async def asked(answer: Answers, *, refusal: int = 0, errors: int = 0, raw: bool = False) -> End:
    """How one ping of ADDRESS over this wire ends; after 0.3 s by its deadline."""
    loop = asyncio.get_running_loop()
    poller, wire = Poller(loop), Wire(answer, refusal)
    wire.errors = errors
    try:
        pings = Pings(poller, {4: PingSocket(cast(socket.socket, wire), raw)})
        ended: asyncio.Future[End] = loop.create_future()
        ping = Ping(PingPlan(ADDRESS), pings, ended.set_result)
        end = ping.start()
        if end is None:
            await asyncio.wait([ended], timeout=0.3)
            end = ended.result() if ended.done() else ping.expire()
        return end
    finally:
        poller.close()
        wire.close()


@as_root
@pytest.mark.root
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0:0:0:0:0:0:0:1"])
async def test_this_host_answers(address: str) -> None:
    """Over both IP versions, however the address is spelled."""
    sockets = open_sockets()
    try:
        spec = CheckSpec(address=address, port=0, probe=PingProbe())
        report = await run_once(spec, "hactl/test", ping_sockets=sockets)
    finally:
        close_sockets(sockets)
    assert (report.result.reason, report.result.detail) == (Reason.OK, "")
    assert report.result.elapsed < 1
    assert [step.name for step in report.steps] == ["sent", "received", "end"]


async def test_right_answer() -> None:
    """It repeats our bytes and comes from whom was asked."""
    assert await asked(lambda request: [(reply(request), ADDRESS)]) == PASSED


async def test_right_answer_after_wrong_ones() -> None:
    """What is not the answer is waited past, errors that ICMP brought too."""
    end = await asked(lambda request: [(b"", ADDRESS), (b"x" * 24, "x"), (reply(request), ADDRESS)], errors=3)
    assert end == PASSED


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: [],
        lambda request: [(reply(request), "192.0.2.8")],
        lambda request: [(reply(request, token=bytes(16)), ADDRESS)],
        lambda request: [(reply(request) + b"x", ADDRESS)],
        lambda request: [(reply(request)[:-1], ADDRESS)],
        lambda request: [(b"x" * 60000, ADDRESS)],
        lambda request: [(b"\3\1" + bytes(6) + request, ADDRESS)],
        lambda request: [(reply(request, head=b"\0\1"), ADDRESS)],
        lambda request: [(request, ADDRESS)],
    ],
    ids=["silence", "stranger", "token", "long", "short", "oversized", "unreachable", "code", "own request"],
)
async def test_wrong_answers(answer: Answers) -> None:
    """None of these is a reply: the ping ends at its deadline."""
    assert await asked(answer) == End(Reason.NO_REPLY)


async def test_flood() -> None:
    """More garbage than is taken in one turn of the loop does not hide the answer."""
    garbage = [(b"x", ADDRESS)] * 5000
    assert await asked(lambda request: [*garbage, (reply(request), ADDRESS)]) == PASSED


async def test_raw_socket_gives_the_ip_header_as_well() -> None:
    """With options in it, of whatever length; and a header without an end is nothing."""
    header = b"\x47" + bytes(27)
    answers = [(b"", ADDRESS), (b"\x4f", ADDRESS)]
    assert await asked(lambda request: [*answers, (header + reply(request), ADDRESS)], raw=True) == PASSED


@pytest.mark.parametrize(
    ("code", "reason"),
    [(errno.ENETUNREACH, Reason.CONNECT_UNREACHABLE), (errno.EAGAIN, Reason.CANNOT_RUN)],
)
async def test_cannot_be_sent(code: int, reason: Reason) -> None:
    """A request that the kernel refuses ends at once, with its reason."""
    assert (await asked(lambda request: [], refusal=code)).reason is reason


async def test_without_a_socket() -> None:
    """Where none could be opened each ping says why."""
    poller = Poller(asyncio.get_running_loop())
    pings = Pings(poller, {4: "no socket for pings: Operation not permitted"})
    for address in (ADDRESS, "2001:db8::1"):
        end = Ping(PingPlan(address), pings, lambda end: None).start()
        assert end is not None
        assert end.reason is Reason.CANNOT_RUN
        assert "no socket for pings" in end.detail
    poller.close()


async def test_unknown_zone() -> None:
    """A link-local address on an interface that is not here has no route."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        spec = CheckSpec(address="fe80::1%nosuch", port=0, probe=PingProbe())
        report = await run_once(spec, "x", ping_sockets={6: PingSocket(sock, False)})
    assert report.result.reason is Reason.CONNECT_UNREACHABLE


def test_bytes_on_the_wire() -> None:
    """Another library reads our request as what it is, and we read its reply."""
    echo = icmp.Echo(513, bytes(range(16)))
    seen = ICMP(icmp.request(4, 77, echo))
    assert (seen.type, seen.code, seen.id, seen.seq, seen[Raw].load) == (8, 0, 77, 513, echo.token)
    assert seen.chksum == ICMP(bytes(ICMP(id=77, seq=513) / Raw(echo.token))).chksum
    theirs = bytes(ICMP(type=0, id=77, seq=513) / Raw(echo.token))
    assert icmp.reply(4, theirs) == echo
    whole = bytes(IP(src=ADDRESS) / ICMP(type=0, id=77, seq=513) / Raw(echo.token))
    assert icmp.reply(4, icmp.without_ip_header(whole)) == echo
    six = ICMPv6EchoRequest(icmp.request(6, 77, echo))
    assert (six.type, six.id, six.seq, six.data) == (128, 77, 513, echo.token)
    six_reply = bytes(IPv6() / ICMPv6EchoReply(id=77, seq=513, data=echo.token))[40:]
    assert icmp.reply(6, six_reply) == echo
    assert icmp.reply(4, six_reply) is None


def test_checksum_carries() -> None:
    """The sum of the words of the whole message, checksum included, is all ones."""
    made = icmp.request(4, 0xFFFF, icmp.Echo(0xFFFF, b"\xff" * 16))
    total = sum(struct.unpack("!12H", made))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF
