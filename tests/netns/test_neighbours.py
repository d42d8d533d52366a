"""The kernel's word that a host does not answer, heard from a real neighbour table, without privileges."""

import asyncio
import socket
import subprocess
import sys

import pytest

from health.neighbours import Neighbours
from support.netns import AS_NOBODY, lan, needs_namespaces

pytestmark = [pytest.mark.netns, pytest.mark.root, needs_namespaces]

LISTEN = """
import asyncio, sys
from health.neighbours import Neighbours
async def main():
    heard = asyncio.get_running_loop().create_future()
    Neighbours(asyncio.get_running_loop(), heard.set_result)
    print("ready", flush=True)
    print(await asyncio.wait_for(heard, 30), flush=True)
asyncio.run(main())
"""


def ask(address: str) -> None:
    """Send something to a host that is to be found first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"?", (address, 9))


async def test_a_host_that_is_gone_is_heard_of() -> None:
    """Somebody wants to reach it; the kernel asks in vain and says so."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    with lan("a", "b") as net:
        with net.inside("a"):
            hearing = Neighbours(asyncio.get_running_loop(), heard.put_nowait)
            ask(net.address("b"))
            ask("10.99.0.77")
        assert await asyncio.wait_for(heard.get(), 30) == "10.99.0.77"
        assert heard.empty()
        hearing.close()


def test_it_needs_no_privilege() -> None:
    """The health worker runs as nobody."""
    with lan("a") as net:
        words = (*AS_NOBODY, sys.executable, "-c", LISTEN)
        listening = net.start("a", *words, stdout=subprocess.PIPE)
        assert listening.stdout is not None
        assert listening.stdout.readline() == b"ready\n"
        with net.inside("a"):
            ask("10.99.0.66")
        assert listening.communicate(timeout=40)[0] == b"10.99.0.66\n"
