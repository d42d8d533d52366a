"""A pair of whole daemons that fence: before the VIP is put up, never after a release, and no VIP where it fails."""

import os
import signal
import time
from pathlib import Path

from support.daemon import Director, await_master, daemons, wait_until
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

VIP = "10.99.0.100"
TEXT = """
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}, lb2: {{address: 10.99.0.2}}}}
routers:
  web:
    vrid: 51
    interface: eth0
    advert_interval: 200ms
    addresses: [10.99.0.100]
    fence: {{command: [{folder}/fence], user: root, timeout: 5s, required: {required}}}
health: {{user: nobody}}
"""
FENCE = """#!/bin/sh
ip -4 -o address show dev eth0 | grep -q 10.99.0.100/ && vip=up || vip=down
echo "$HACTL_NODE fences $HACTL_PEER $HACTL_MASTER $vip" >> {folder}/told
[ -e {folder}/refuse ] && echo no power switch && exit 1
sleep 0.5
kill -KILL $(cat {folder}/victims)
ip -n {namespace} link set dev eth0 down
"""
"""The power switch of the test: lb1's daemon is killed with its workers, and its cable is off."""
LONG = 4.0
"""Seconds: five times the master-down time of either director."""


def told(folder: Path) -> list[str]:
    """What the program was run for."""
    file = folder / "told"
    return file.read_text().splitlines() if file.exists() else []


def begin(net: Lan, folder: Path, lb1: Director, lb2: Director) -> None:
    """lb1 is master, lb2 is backup; the program knows whom to kill."""
    (folder / "fence").write_text(FENCE.format(folder=folder, namespace=net.namespace("lb1")))
    (folder / "fence").chmod(0o755)
    lb1.start()
    await_master(lb1)
    lb2.start()
    wait_until(lambda: lb2.router()["master"] == "10.99.0.1")
    (folder / "victims").write_text(" ".join(str(pid) for pid in lb1.pids().values()))
    assert told(folder) == []  # lb1 heard nobody at its start, and took the address.


def isolate(net: Lan, word: str) -> None:
    """The directors hear each other no more (or again), and keep their carriers."""
    net.ip_at_switch(*(f"link set dev {name} type bridge_slave isolated {word}" for name in ("lb1", "lb2")))


def test_the_silent_master_is_fenced_before_the_address_is_put_up(folder: Path) -> None:
    """Both would be master without it: the cable between them is cut, and lb1 lives."""
    text = TEXT.format(folder=folder, required="true")
    with lan("lb1", "lb2") as net, daemons(net, text, "lb1", "lb2") as (lb1, lb2):
        begin(net, folder, lb1, lb2)
        isolate(net, "on")
        wait_until(lambda: told(folder))
        assert VIP in net.addresses("lb1")
        assert VIP not in net.addresses("lb2")
        await_master(lb2)
        assert VIP in net.addresses("lb2")
        assert told(folder) == ["lb2 fences lb1 10.99.0.1 down"]
        router = lb2.router()
        assert "no advert from a master within the master-down time" in router["reason"]
        assert "was fenced" in router["reason"]
        assert (router["fence"]["runs"], router["fence"]["failures"], router["fence"]["peer"]) == (
            1,
            0,
            "lb1",
        )
        (fenced,) = lb2.events("router.fenced", "web")
        assert fenced["reason"] == "lb1 was fenced before a takeover"
        assert lb1.process is not None
        assert lb1.process.wait(10.0) == -signal.SIGKILL


def test_required_and_failing_means_no_takeover(folder: Path) -> None:
    """An alarm and the reason in place of the address; tried again; the master that is heard again ends it."""
    text = TEXT.format(folder=folder, required="true")
    with lan("lb1", "lb2") as net, daemons(net, text, "lb1", "lb2") as (lb1, lb2):
        begin(net, folder, lb1, lb2)
        (folder / "refuse").touch()
        isolate(net, "on")
        wait_until(lambda: lb2.events("router.unfenced", "web"))
        time.sleep(LONG)
        assert VIP not in net.addresses("lb2")
        assert VIP in net.addresses("lb1")
        assert lb2.is_state("backup")
        (alarm,) = lb2.events("router.unfenced", "web")
        assert (alarm["new"], alarm["severity"]) == ("failed", "critical")
        assert (
            alarm["reason"] == "fencing lb1 failed (exit status 1: no power switch): no takeover without it"
        )
        assert "no takeover, for fencing 10.99.0.1 failed" in lb2.router()["reason"]
        assert lb2.router()["fence"]["waiting"]
        assert "fence web" in lb2.hactl("status").stdout
        assert len(told(folder)) >= 2
        os.kill(lb2.pids()["failover"], signal.SIGKILL)  # The next worker knows whom the last one heard.
        runs = len(told(folder))
        wait_until(lambda: len(told(folder)) > runs, 20.0)
        assert VIP not in net.addresses("lb2")
        isolate(net, "off")
        wait_until(lambda: lb2.router()["master"] == "10.99.0.1" and not lb2.router()["fence"]["running"])
        wait_until(lambda: "fencing" not in lb2.router()["reason"])
        wait_until(lambda: not lb2.router()["fence"]["waiting"])
        runs = len(told(folder))
        assert lb1.stop() == 0
        await_master(lb2)
        assert len(told(folder)) == runs


def test_nobody_is_fenced_after_a_release_or_a_handover(folder: Path) -> None:
    """A handover, a preemption, a stop: the program never runs, neither here nor there."""
    text = TEXT.format(folder=folder, required="true")
    with lan("lb1", "lb2") as net, daemons(net, text, "lb1", "lb2") as (lb1, lb2):
        begin(net, folder, lb1, lb2)
        assert lb1.hactl("handover").returncode == 0
        await_master(lb2)
        assert lb1.hactl("resume").returncode == 0
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("backup"), 15.0)
        assert lb1.stop() == 0
        await_master(lb2)
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("backup"), 15.0)
        assert told(folder) == []


def test_a_program_that_fails_and_need_not_succeed(folder: Path) -> None:
    """The takeover goes on, with an alarm that says so."""
    text = TEXT.format(folder=folder, required="false")
    with lan("lb1", "lb2") as net, daemons(net, text, "lb1", "lb2") as (lb1, lb2):
        begin(net, folder, lb1, lb2)
        (folder / "fence").unlink()
        isolate(net, "on")
        await_master(lb2)
        assert "fencing failed (no such program" in lb2.router()["reason"]
        (alarm,) = lb2.events("router.unfenced", "web")
        assert (alarm["new"], alarm["severity"]) == ("went on", "critical")
