"""`hactl doctor` beside whole daemons: what it learns of them, of their peers and of their files."""

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Director, daemons, wait_until
from support.doctor import doctor_on, kinds_on
from support.netns import AS_NOBODY, NOT_REALTIME, Lan, lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors: {lb1: {address: 10.99.0.1}, lb2: {address: 10.99.0.2}}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100], advert_interval: 1s}
peer: {key_file: KEYFILE, links: [{lb1: 10.98.0.1, lb2: 10.98.0.2}]}
health: {user: nobody}
"""
SIX = "  six: {vrid: 51, interface: eth0, addresses: ['2001:db8::100'], advert_interval: 1s}\n"


@pytest.fixture
def two() -> Iterator[tuple[Director, ...]]:
    """Two directors with a key in common and a cable of their own, not started."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "peer.key"
        key.write_text("a key of more than sixteen characters\n")
        key.chmod(0o600)
        with (
            lan("lb1", "lb2") as net,
            daemons(net, TEXT.replace("KEYFILE", str(key)), "lb1", "lb2") as directors,
        ):
            second_cable(net)
            yield directors


def second_cable(net: Lan) -> None:
    """From one director right to the other."""
    other = net.namespace("lb2")
    net.ip("lb1", f"link add name eth9 index 900 type veth peer name eth9 netns {other} index 901")
    for number, name in enumerate(("lb1", "lb2"), 1):
        net.ip(name, f"address add 10.98.0.{number}/24 dev eth9", "link set dev eth9 up")


def test_daemons_and_their_files(two: tuple[Director, ...]) -> None:
    """No daemon; a changed file; a peer with another file; the same file; a peer that is gone."""
    lb1, lb2 = two
    assert "daemon-down" in kinds_on(lb1)
    lb1.start()
    assert not kinds_on(lb1) & {"daemon-down", "config-unloaded", "realtime-limit", "memlock-limit"}
    original = lb1.config.read_text()
    lb1.config.write_text(original.replace("advert_interval: 1s", "advert_interval: 900ms"))
    assert "config-unloaded" in kinds_on(lb1)
    lb1.hactl("reload", check=True)
    assert "config-unloaded" not in kinds_on(lb1)
    lb2.start()
    wait_until(lambda: "config-drift" in kinds_on(lb1), 30.0, 0.5)
    drift = next(one for one in doctor_on(lb1)["findings"] if one["id"] == "config-drift")
    assert drift["subject"] == "lb2"
    lb1.config.write_text(original)
    lb1.hactl("reload", check=True)
    wait_until(lambda: not kinds_on(lb1) & {"config-drift", "peer-down"}, 30.0, 0.5)
    lb2.end()
    wait_until(lambda: "peer-down" in kinds_on(lb1), 30.0, 0.5)


def test_a_pair_that_is_well(two: tuple[Director, ...]) -> None:
    """Beside a master and a backup, over IPv4 and IPv6, nothing on the link is found; a worker that keeps dying is."""
    for number, director in enumerate(two, 1):
        director.net.ip(director.name, f"address add 2001:db8::{number}/64 dev eth0 nodad")
        director.write(director.config.read_text().replace("peer:", f"{SIX}peer:"))
        director.start()
    wait_until(
        lambda: {router["state"] for router in two[0].status()["routers"].values()} == {"master"}, 30.0
    )
    wait_until(lambda: not kinds_on(two[0]) & {"peer-down", "peer-link", "config-drift"}, 30.0, 0.5)
    for director in two:
        found = doctor_on(director, listen=("--listen", "2s"))
        assert {one["id"] for one in found["findings"]} <= {"clock"}
        assert found["unseen"] == []
    two[0].net.ip("lb2", "link set dev eth9 down")
    wait_until(lambda: "peer-link" in kinds_on(two[0]), 30.0, 0.5)
    wait_until(lambda: kill_and_look(two[0]), 60.0)


def kill_and_look(director: Director) -> bool:
    """The notify worker dies again; whether it is seen, once the daemon waits longer before it starts another."""
    with contextlib.suppress(ProcessLookupError):
        director.signal(signal.SIGKILL, "notify")
    return "worker-down" in kinds_on(director)


def test_a_worker_without_real_time(two: tuple[Director, ...]) -> None:
    """The worker that runs is looked at, though the doctor itself has the rights; who may not ask the daemon is told so."""
    lb1 = two[0]
    lb1.launch(*NOT_REALTIME)
    lb1.await_up()
    assert {"realtime-limit", "memlock-limit"} <= kinds_on(lb1)
    answer = doctor_on(lb1, *AS_NOBODY)
    assert "the daemon: for root only" in answer["unseen"]
    assert "daemon-down" not in {one["id"] for one in answer["findings"]}
