"""The control socket against whatever bytes somebody sends: refused or cut off, and the daemon goes on as before."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hactl.control.client import Client
from hactl.control.server import MAX_REQUEST
from support.fake_daemon import FakeDaemon, fake_daemon

REQUESTS = (
    b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/events?limit=1&wait=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b'POST /v1/overrides HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n{"action":"drain","server":"rs1"}  ',
    b"POST /v1/resume HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /v1/status HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)
PIECES = (
    b"\r\n", b"\n", b"\0", b"\xff", b": ", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1", b"/../..", b"%00", b"ffffffffffffffff\r\n", b" " * 9000, b"{" * 500,
)  # fmt: skip


@pytest.fixture(scope="module")
def daemon() -> Iterator[FakeDaemon]:
    """The server, with commands from memory behind it."""
    with TemporaryDirectory(prefix="hactl-") as folder, fake_daemon(Path(folder) / "s") as running:
        yield running


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A request with pieces put in, cut out and changed, or bytes of no kind."""
    data = bytearray(draw(st.sampled_from(REQUESTS) | st.binary(max_size=200)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=8))
        data[at : at + draw(st.integers(0, 8))] = piece
    return bytes(data)


def sent(path: str, data: bytes, whole: bool = True) -> bytes:
    """What comes back until the server closes; or of an answer the beginning, while we still have more to say."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(ConnectionError, TimeoutError):
        sock.settimeout(5)
        sock.connect(path)
        sock.sendall(data)
        if whole:
            sock.shutdown(socket.SHUT_WR)
        while chunk := sock.recv(65536):
            answer += chunk
            if not whole:
                break
    return answer


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(data=spoilt())
def test_no_bytes_are_a_fault_of_ours(daemon: FakeDaemon, data: bytes) -> None:
    """Nothing is answered with a failure, nothing is reported as one, and the next asker is served."""
    answer = sent(daemon.path, data)
    assert b"HTTP/1.1 5" not in answer
    assert b"HTTP/1.0 5" not in answer
    assert daemon.faults == []
    assert Client(daemon.path).get("version")["node"] == "lb1"


@pytest.mark.parametrize("length", [MAX_REQUEST + 1, 100 * MAX_REQUEST])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_endless_body_is_cut_off(daemon: FakeDaemon, length: int, chunked: bool) -> None:
    """It is refused at the limit, however it is sent, and before all of it came."""
    head = b"POST /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    if chunked:
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (length, b" " * length)
    else:
        data = head + b"Content-Length: %d\r\n\r\n" % length + b" " * length
    before = len(daemon.commands.asked)
    answer = sent(daemon.path, data, whole=False)
    assert answer.startswith(b"HTTP/1.1 413") or not answer
    assert len(daemon.commands.asked) == before
    assert Client(daemon.path).get("version")
