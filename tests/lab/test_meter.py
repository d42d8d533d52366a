"""The meter sees what happens to a VIP in real kernels: who holds it, what the client gets, what is announced."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover import arp
from hactl.lab import net, records, samples, topology
from hactl.lab.cluster import Cluster
from hactl.lab.takeovers import MeterProcess
from support.netns import needs_namespaces

pytestmark = needs_namespaces
VIP = f"{topology.NAT_VIP}/32"


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Client and two directors without daemons; lb1 holds the VIP."""
    monkeypatch.setenv("HACTL_LAB_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(net.__file__).parents[2]))
    plan = topology.plan(f"m{os.getpid()}", servers=0)
    with records.lab(plan.identity, (), plan.namespaces, guest=False) as folder:
        cluster = Cluster(plan, folder)
        cluster.up()
        net.ip_batch([f"address add {VIP} dev eth0"], plan.namespace("lb1"))
        yield cluster


@pytest.fixture
def meter(pair: Cluster) -> Iterator[MeterProcess]:
    """The meter on the pair."""
    made = MeterProcess(pair)
    yield made
    made.close()


def announce(pair: Cluster, director: str) -> None:
    """Gratuitous ARP frames for the VIP."""
    with net.inside(pair.plan.namespace(director)):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with wire:
        wire.bind(("eth0", 0))
        for frame in arp.gratuitous(socket.inet_aton(topology.NAT_VIP), wire.getsockname()[4]):
            wire.send(frame)


def test_an_address_that_moves_is_followed(pair: Cluster, meter: MeterProcess) -> None:
    """Both holders, the overlap, the announcement and the answers of both directors are in one recording."""
    meter.say("start")
    time.sleep(0.5)
    moved = time.monotonic()
    net.ip_batch([f"address add {VIP} dev eth0"], pair.plan.namespace("lb2"))
    announce(pair, "lb2")
    net.ip_batch([f"address del {VIP} dev eth0"], pair.plan.namespace("lb1"))
    time.sleep(0.5)
    seen = meter.stop()
    assert samples.holders(seen) == ("lb1", "lb1+lb2", "lb2")
    assert 0 < samples.held_by_two(seen) < 2.5
    assert samples.announced(seen, moved) is not None
    assert {probe.by for probe in seen.probes} >= {"lb1", "lb2"}
    assert {request.by for request in seen.requests} >= {"lb1", "lb2"}


def test_a_gap_is_as_long_as_the_address_was_away(pair: Cluster, meter: MeterProcess) -> None:
    """Without a holder the client gets nothing, and the recording says for how long."""
    meter.say("start")
    time.sleep(0.3)
    net.cut(pair.plan, "lb1")
    time.sleep(0.4)
    net.mend(pair.plan, "lb1")
    time.sleep(2.0)
    seen = meter.stop()
    assert 0.35 < samples.longest_gap(seen.probes) < 2.5
    assert samples.failed(seen.requests)


def test_what_a_killed_lab_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab whose process was killed leaves namespaces and processes; the next sweep finds and ends them."""
    monkeypatch.setenv("HACTL_LAB_DIR", str(tmp_path))
    identity = f"k{os.getpid()}"
    script = (
        "import os\nfrom hactl.lab import net, records, topology\n"
        f"plan = topology.plan('{identity}', servers=0)\n"
        "with records.lab(plan.identity, (), plan.namespaces, guest=False) as folder:\n"
        "    net.build(plan)\n"
        "    os.spawnvp(os.P_NOWAIT, 'ip', net.command(plan.namespace('lb1'), ['sleep', '60']))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    ended = os.spawnvpe(
        os.P_WAIT,
        sys.executable,
        [sys.executable, "-c", script],
        {**os.environ, "PYTHONPATH": str(Path(net.__file__).parents[2])},
    )
    assert ended == -9
    spaces = topology.plan(identity, servers=0).namespaces
    assert all((net.FOLDER / space).exists() for space in spaces)
    assert records.sweep() == [identity]
    assert not any((net.FOLDER / space).exists() for space in spaces)
