"""Established connections that outlive their master: by synchronisation in the kernel, or by hashing and `sloppy_tcp`."""

import asyncio
import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from hactl.ipvs.kernel import Kernel
from hactl.ipvs.spec import SyncSpec
from hactl.ipvs.sync import SyncState
from hactl.ipvs.synchroniser import Synchroniser, SyncRecord, SyncRepaired, SyncReport
from hactl.lab import net as namespaces
from support.daemon import Director, assert_clean, daemons
from support.ipvs_daemon import START_WITHIN, VIP, WITHIN, Call, until
from support.ipvs_farm import Farm
from support.netns import Lan, lan
from support.tasks import at_work

pytestmark = pytest.mark.timeout(300)

CALLS = 20
SERVICE = f"{VIP}:80"
TEXT = f"""
cluster: sync
directors: {{lb1: {{address: 10.99.0.1}}, lb2: {{address: 10.99.0.2}}}}
routers:
  web: {{vrid: 51, interface: eth0, addresses: [{VIP}], advert_interval: 500ms}}
sync: {{interface: eth0, id: 7}}
services:
  www:
    {{address: {VIP}, port: 80, scheduler: rr, forward: dr, check: {{type: tcp, interval: 2s, timeout: 2s}},
     servers: {{rs1: 10.99.0.4, rs2: 10.99.0.5}}}}
ipvs: {{reconcile: 2s}}
health: {{user: nobody}}
"""


def _link(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=60)


def _make_interface() -> None:
    _link("link", "add", "sync0", "type", "dummy")
    _link("address", "add", "10.9.0.1/24", "dev", "sync0")
    _link("link", "set", "sync0", "up")


async def test_threads_follow_their_interface(kernel: Kernel) -> None:
    """No interface is a fault; made, stopped by hand or made again, the threads run; ipvsadm sees the same."""
    reports: list[SyncReport] = []
    stored: list[SyncRecord] = []

    async def store(record: SyncRecord) -> None:
        stored.append(record)

    loop = Synchroniser(kernel, SyncSpec(interface="sync0", id=7), report=reports.append, store=store)
    async with at_work(loop.run()):
        await loop.settled()
        assert (loop.view.state, loop.view.reason) == (SyncState.FAULT, "there is no interface sync0")
        _make_interface()
        await _until_up(loop)
        assert {d.master for d in await kernel.daemons()} == {True, False}
        await asyncio.sleep(0.5)  # a thread stopped before it ever ran is not acknowledged
        shown = await asyncio.to_thread(subprocess.check_output, ["ipvsadm", "-l", "--daemon"], text=True)
        assert "master sync daemon (mcast=sync0, syncid=7" in shown
        assert "backup sync daemon (mcast=sync0, syncid=7" in shown
        (master,) = [d for d in await kernel.daemons() if d.master]
        await kernel.stop_daemon(master)
        await _until_up(loop)
        index = stored[-1].indexes
        _link("link", "delete", "sync0")
        _make_interface()
        await asyncio.sleep(0.5)
        await _until_up(loop)
        assert {d.master for d in await kernel.daemons()} == {True, False}
        assert stored[-1].indexes.values() != index.values()
        told = [text for report in reports if isinstance(report, SyncRepaired) for text in report.texts]
        assert "the master thread of connection synchronisation was stopped" in told
        assert any("sync0 was removed and made again" in text for text in told)
        await asyncio.sleep(0.5)
        loop.configure(None, 10.0)
        await loop.settled()
        assert await kernel.daemons() == ()


async def _until_up(loop: Synchroniser) -> None:
    async with asyncio.timeout(WITHIN):
        while True:
            loop.check_now()
            await loop.settled()
            if loop.view.state is SyncState.UP:
                return
            await asyncio.sleep(0.2)


HASHED = (
    TEXT.replace("sync: {interface: eth0, id: 7}\n", "")
    .replace("scheduler: rr", "scheduler: mh, scheduler_flags: [mh-port]")
    .replace("ipvs: {", "ipvs: {sloppy_tcp: true, ")
)
"""Both directors choose the same server for a connection, and the new one takes it up in its middle."""


@contextlib.contextmanager
def pair(net: Lan, text: str = TEXT) -> Iterator[tuple[Director, Director]]:
    """Two started directors before two real servers that have the VIP as direct routing wants it."""
    with contextlib.ExitStack() as stack:
        for host in ("rs1", "rs2"):
            quiet = {f"ipv4/conf/{which}/arp_ignore": "1" for which in ("all", "eth0")}
            loud = {f"ipv4/conf/{which}/arp_announce": "2" for which in ("all", "eth0")}
            namespaces.write_switches(net.namespace(host), quiet | loud)
            net.ip(host, f"address add {VIP}/32 dev lo")
            stack.enter_context(Farm(net, host)).open(f"{net.address(host)}:80", SERVICE)
        lb1, lb2 = stack.enter_context(daemons(net, text, "lb1", "lb2"))
        for director in (lb1, lb2):
            director.launch()
        until(lambda: ready(lb1, "master") and ready(lb2, "backup"), START_WITHIN)
        yield lb1, lb2


def ready(director: Director, role: str) -> bool:
    """Whether the router and the threads have this role, and both real servers take connections.

    Where a scheduler hashes, a server whose checks have no verdict yet is in the table too, with weight 0."""
    status = director.status_or_none()
    if status is None or status["routers"]["web"]["state"] != role:
        return False
    servers = status["services"]["www"]["servers"].values()
    in_step = status["sync"] is None or status["sync"]["roles"] == [role]
    return in_step and all(server["weight"] for server in servers)


def connections(net: Lan, host: str) -> list[str]:
    """The real server of each connection through the VIP that a director's kernel knows as established."""
    with net.inside(host):
        lines = Path("/proc/thread-self/net/ip_vs_conn").read_text().splitlines()
    return [line.split()[5] for line in lines if " ESTABLISHED " in line]


def established(net: Lan, host: str) -> int:
    """How many there are."""
    return len(connections(net, host))


def packets(net: Lan, host: str) -> int:
    """Packets that a director's IPVS has sent to the real servers: summed up by the kernel every 2 s."""
    lines = net.run(host, "ipvsadm", "-Ln", "--stats", "--exact").stdout.splitlines()
    return sum(int(words[3]) for words in map(str.split, lines) if words[1:2] == [SERVICE])


def test_established_connections_outlive_the_master() -> None:
    """A thread that is stopped by hand returns; when every process of the master is killed all connections go on."""
    with lan("lb1", "lb2", "client", "rs1", "rs2") as net, pair(net) as (lb1, lb2):
        assert lb1.status()["sync"]["reason"].startswith("web is master here")
        net.run("lb1", "ipvsadm", "--stop-daemon", "master")
        event = until(lambda: lb1.events("ipvs.repaired", "sync"))[0]
        assert "the master thread of connection synchronisation was stopped" in event["reason"]
        until(lambda: lb1.status()["sync"]["roles"] == ["master"])
        with contextlib.ExitStack() as stack:
            calls = [stack.enter_context(Call(net, SERVICE)) for _ in range(CALLS)]
            for _ in range(3):
                for call in calls:
                    call.talk()
            until(lambda: established(net, "lb2") == CALLS)
            before = packets(net, "lb2")
            namespaces.signal_all(net.namespace("lb1"), signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: lb2.is_state("master"))
            for call in calls:
                call.talk()
            print(f"{CALLS} of {CALLS} connections went on, {time.monotonic() - killed:.1f} s after the kill")
            until(lambda: packets(net, "lb2") >= before + CALLS)
            assert established(net, "lb2") == CALLS
        until(lambda: ready(lb2, "master"))
        assert_clean(lb2)
        assert lb1.process is not None
        lb1.process.wait(WITHIN)
        shown = net.run("lb1", "ipvsadm", "-l", "--daemon").stdout
        assert "master sync daemon" in shown, "the end of the daemon stops no thread"


class Callers:
    """Clients that connect, ask once and leave, one after another, from the beginning of the block to its end."""

    def __init__(self, net: Lan) -> None:
        self.served = 0
        self.failures: list[str] = []
        self._net = net
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, traceback: TracebackType | None) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                with Call(self._net, SERVICE) as call:
                    call.talk()
                self.served += 1
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))


@pytest.mark.parametrize("text", [TEXT, HASHED], ids=["synchronised", "hashed"])
def test_a_handover_by_name_breaks_no_connection(tmp_path: Path, text: str) -> None:
    """Neither those that are established, nor those that begin before, while and after it moves; but for one that is under
    way just then, where only synchronisation knows it and has not told of it yet."""
    key = tmp_path / "peer.key"
    key.write_text("a key of more than sixteen characters\n")
    text += f"peer: {{key_file: {key}}}\n"
    with lan("lb1", "lb2", "client", "rs1", "rs2") as net, pair(net, text) as (lb1, lb2):
        until(lambda: lb1.status()["peers"]["lb2"]["state"] == "up")
        with contextlib.ExitStack() as stack:
            calls = [stack.enter_context(Call(net, SERVICE)) for _ in range(CALLS)]
            for _ in range(3):
                for call in calls:
                    call.talk()
            assert len(set(connections(net, "lb1"))) == 2
            if text.startswith(TEXT):
                until(lambda: established(net, "lb2") == CALLS)
            before = packets(net, "lb2")
            with Callers(net) as callers:
                until(lambda: callers.served > 3)
                assert lb1.hactl("handover").returncode == 0
                until(lambda: lb2.is_state("master") and VIP not in net.addresses("lb1"))
                assert lb2.router()["reason"] == "another director handed it over by name"
                for call in calls:
                    call.talk()
                served = callers.served
                until(lambda: callers.served > served + 3)
            assert len(callers.failures) <= text.startswith(TEXT), callers.failures
            until(lambda: packets(net, "lb2") >= before + CALLS)
        assert_clean(lb1, lb2)
