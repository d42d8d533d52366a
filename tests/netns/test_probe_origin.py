"""Probes that come from an address, go through an interface, or carry a mark: on a real network, and without rights."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from health.once import run_once
from health.result import Reason, Result
from health.spec import CheckSpec, Origin, TcpProbe
from support.netns import AS_NOBODY, Lan, lan, needs_namespaces

pytestmark = [pytest.mark.netns, pytest.mark.root, needs_namespaces]

SECOND = "10.99.0.50"


@pytest.fixture
def net() -> Iterator[tuple[Lan, socket.socket]]:
    """A director with a second address, and where marked packets have no way; and a server on another host."""
    with lan("a", "b") as made:
        made.ip("a", f"addr add {SECOND}/24 dev eth0", "rule add fwmark 7 unreachable")
        with made.inside("b"), socket.create_server((made.address("b"), 0)) as server:
            server.settimeout(10)
            yield made, server


async def probed(net: tuple[Lan, socket.socket], origin: Origin | None) -> Result:
    """One connection from the director."""
    lan_, server = net
    check = CheckSpec(
        address=lan_.address("b"), port=server.getsockname()[1], probe=TcpProbe(), origin=origin
    )
    with lan_.inside("a"):
        return (await run_once(check, "hactl/test")).result


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (None, "10.99.0.1"),
        (Origin(source=SECOND), SECOND),
        (Origin(interface="eth0"), "10.99.0.1"),
        (Origin(source=SECOND, interface="eth0", mark=8), SECOND),
    ],
)
async def test_where_it_comes_from(
    net: tuple[Lan, socket.socket], origin: Origin | None, source: str
) -> None:
    """The server sees the address that was asked for."""
    assert (await probed(net, origin)).reason is Reason.OK
    connection, peer = await asyncio.to_thread(net[1].accept)
    connection.close()
    assert peer[0] == source


@pytest.mark.parametrize(
    ("origin", "reason", "detail"),
    [
        (Origin(mark=7), Reason.CONNECT_UNREACHABLE, "ENETUNREACH"),
        (
            Origin(source="10.99.0.77"),
            Reason.CANNOT_RUN,
            "source 10.99.0.77: Cannot assign requested address",
        ),
        (Origin(source="2001:db8::7"), Reason.CANNOT_RUN, "source 2001:db8::7: Address family not supported"),
        (Origin(interface="none"), Reason.CANNOT_RUN, "interface none: No such device"),
    ],
)
async def test_what_does_not_go(
    net: tuple[Lan, socket.socket], origin: Origin, reason: Reason, detail: str
) -> None:
    """A mark is looked at by routing; what this director has not is its own fault, and said."""
    result = await probed(net, origin)
    assert (result.reason, detail in result.detail) == (reason, True), result


@pytest.mark.parametrize(
    ("keys", "status", "words"),
    [
        ("interface: eth0", 0, "passed"),
        (f"source: {SECOND}", 0, f"from {SECOND} port"),
        ("mark: 8", 0, "passed"),
        ("mark: 7", 1, "connect_unreachable"),
    ],
)
def test_the_rights_of_a_worker_are_enough(
    net: tuple[Lan, socket.socket], keys: str, status: int, words: str
) -> None:
    """hactl probe gives up the same rights as a health worker does."""
    target = f"{net[0].address('b')}:{net[1].getsockname()[1]}"
    command = (sys.executable, "-m", "hactl", "probe", f"{{type: tcp, {keys}}}", target)
    done = net[0].run("a", *command, check=False)
    assert (done.returncode, words in done.stdout) == (status, True), done


def test_a_mark_needs_a_right(net: tuple[Lan, socket.socket]) -> None:
    """Without it the check says so."""
    program = (
        "import asyncio, json\nfrom health.once import run_once\nfrom health.spec import *\n"
        "check = CheckSpec(address='127.0.0.1', port=1, probe=TcpProbe(), origin=Origin(mark=7))\n"
        "result = asyncio.run(run_once(check, 'x')).result\nprint(json.dumps([result.reason, result.detail]))\n"
    )
    told = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", program], check=True, capture_output=True, timeout=60
    )
    assert json.loads(told.stdout) == ["cannot_run", "mark 7: Operation not permitted"]
