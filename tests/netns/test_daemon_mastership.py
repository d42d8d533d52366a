"""Whole daemons with the peer channel: handing over by name, who must not preempt, and standing aside."""

import contextlib
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.daemon import BARE, VIP, Director, Pair, daemons, pair, wait_until
from support.disk import fill, small_disk
from support.netns import lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

CHANNEL = "peer: {key_file: KEYFILE}\n"


@contextlib.contextmanager
def key() -> Iterator[str]:
    """The path of a key file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peer.key"
        path.write_text("a key of more than sixteen characters\n")
        path.chmod(0o600)
        yield str(path)


@pytest.fixture
def two() -> Iterator[Pair]:
    """A pair with the channel, lb1 master."""
    with key() as path, pair(BARE + CHANNEL.replace("KEYFILE", path)) as running:
        wait_until(lambda: knows(running.lb1, "lb2") and knows(running.lb2, "lb1"))
        yield running


def knows(director: Director, peer: str) -> bool:
    """Whether a peer is up there, with the configuration known."""
    there = director.status()["peers"][peer]
    return bool(there["state"] == "up" and there["config_matches"])


def holds(director: Director) -> bool:
    """Whether the VIP is on the director's interface."""
    return VIP in director.net.run(director.name, "ip", "-4", "address").stdout


def in_force(director: Director) -> Any:
    """Until when nobody preempts, as this director knows it."""
    return director.router()["hold_until"]


def test_handover_by_name(two: Pair) -> None:
    """Asked, taken, announced, let go; then both know that nobody preempts, until `resume` on any of them."""
    began = time.monotonic()
    done = two.lb1.hactl("handover", "--for", "10m")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "web: 10.99.0.2 is master after" in done.stdout
    assert two.lb2.router()["reason"] == "another director handed it over by name"
    wait_until(lambda: not holds(two.lb1))
    assert two.record.longest_absence(VIP, since=began) == 0.0
    assert 0 not in [advert.priority for advert in two.record.adverts("lb1", since=began)]
    wait_until(lambda: in_force(two.lb1) and in_force(two.lb2))
    assert "holds back for" in two.lb1.hactl("status").stdout
    assert "is not preempted for" in two.lb2.hactl("status").stdout
    assert two.lb2.hactl("resume").stdout == "web: no longer holds back\n"
    wait_until(lambda: two.lb1.is_state("master"))
    assert in_force(two.lb1) is None
    assert two.record.longest_absence(VIP, since=began) == 0.0


def test_one_of_a_group_ends_the_holding_back_of_all() -> None:
    """What moves together is handed over, not preempted, and preempted again together, whichever of it is named."""
    grouped = BARE.replace("routers:", "groups: {edge: [web, inside]}\nrouters:").replace(
        "  web:", "  inside: {vrid: 52, interface: eth0, addresses: [10.99.0.101]}\n  web:"
    )
    with key() as path, pair(grouped + CHANNEL.replace("KEYFILE", path)) as two:
        wait_until(lambda: knows(two.lb1, "lb2") and knows(two.lb2, "lb1"))
        two.lb1.hactl("handover", "inside", check=True)
        wait_until(lambda: in_force(two.lb1) and two.lb2.is_state("master"))
        done = two.lb2.hactl("resume", "inside", check=True)
        assert sorted(done.stdout.splitlines()) == [
            "inside: no longer holds back",
            "web: no longer holds back",
        ]
        wait_until(lambda: two.lb1.is_state("master"))


def test_the_hold_outlives_a_restart_and_ends_with_its_master(two: Pair) -> None:
    """The giver's daemon is started again: it still does not preempt. When the master stops it is free at once."""
    two.lb1.hactl("handover", check=True)
    assert two.lb1.stop() == 0
    two.lb1.start()
    wait_until(lambda: two.lb1.router()["master"] == "10.99.0.2")
    time.sleep(1.0)
    assert two.lb1.is_state("backup")
    assert in_force(two.lb1)
    began = time.monotonic()
    assert two.lb2.stop() == 0
    wait_until(lambda: two.lb1.is_state("master"))
    assert two.record.longest_absence(VIP, since=began) == 0.0
    two.lb2.start()
    wait_until(lambda: two.lb2.is_state("backup"))


def test_full_disk() -> None:
    """What cannot be kept does not act: a refused `resume` changes nothing, and a handover says who holds back."""
    with (
        lan("lb1", "lb2") as net,
        key() as path,
        daemons(net, BARE + CHANNEL.replace("KEYFILE", path), "lb1", "lb2") as (lb1, lb2),
        small_disk(lb1.state) as disk,
    ):
        lb2.start()
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and knows(lb1, "lb2"))
        lb1.hactl("handover", check=True)
        fill(disk / "filler")
        refused = lb1.hactl("resume")
        assert refused.returncode == 1
        assert "that cannot be kept: No space left on device" in refused.stderr
        time.sleep(1.0)
        assert lb2.is_state("master"), "it preempted, though it told the operator that it would not"
        (disk / "filler").unlink()
        lb1.hactl("resume", check=True)
        wait_until(lambda: lb1.is_state("master"))
        fill(disk / "filler")
        done = lb1.hactl("handover")
        assert (done.returncode, lb2.is_state("master")) == (0, True)
        assert "that cannot be kept" in done.stderr
        assert "only this director holds back" in done.stderr


def test_a_third_director_does_not_preempt() -> None:
    """lb1 hands over to lb2 while lb3, the best of all, was away; back again it knows that it must not preempt."""
    three = BARE.replace("  lb2: {address: 10.99.0.2}", "  lb2: {address: 10.99.0.2, priority: 120}")
    three = three.replace("routers:", "  lb3: {address: 10.99.0.3, priority: 200}\nrouters:")
    with key() as path, lan("lb1", "lb2", "lb3") as net, Recorder(net) as record:
        text = three + CHANNEL.replace("KEYFILE", path)
        with daemons(net, text, "lb1", "lb2", "lb3") as (lb1, lb2, lb3):
            for director in (lb1, lb2):
                director.launch()
            for director in (lb1, lb2):
                director.await_up()
            wait_until(lambda: lb1.is_state("master") and knows(lb1, "lb2"), 15.0)
            done = lb1.hactl("handover")
            assert "1 other director(s) do not know of it" in done.stderr
            lb3.start()
            wait_until(lambda: lb3.router()["master"] == "10.99.0.2" and in_force(lb3))
            time.sleep(1.0)
            assert (lb1.is_state("backup"), lb2.is_state("master"), lb3.is_state("backup")) == (
                True,
                True,
                True,
            )
            assert lb3.hactl("resume").returncode == 0
            wait_until(lambda: lb3.is_state("master"))
            assert record.longest_absence(VIP) == 0.0


def test_standby(two: Pair) -> None:
    """Handed over, known everywhere, over a restart; with nobody else it serves after all; `resume` ends it."""
    done = two.lb1.hactl("standby")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "web: 10.99.0.2 is master after" in done.stdout
    wait_until(lambda: two.lb2.status()["peers"]["lb1"]["standby"])
    assert two.lb1.status()["standby"]["mode"] == "soft"
    assert "in standby" in two.lb2.hactl("status").stdout
    wait_until(lambda: two.lb1.events("director.standby", "lb1"))
    assert two.lb1.stop() == 0
    two.lb1.start()
    time.sleep(1.0)
    assert two.lb1.status()["standby"]["mode"] == "soft"
    assert (two.lb1.is_state("backup"), two.lb1.router()["priority"]) == (True, 1)
    assert two.lb2.is_state("master")
    two.lb2.signal(signal.SIGKILL)
    wait_until(lambda: two.lb1.is_state("master"))
    two.lb2.start()
    wait_until(lambda: two.lb2.is_state("master") and two.lb1.is_state("backup"))
    assert "web: takes part again" in two.lb1.hactl("resume").stdout
    wait_until(lambda: two.lb1.is_state("master"))
    assert two.lb1.status()["standby"] is None
    wait_until(lambda: two.lb2.status()["peers"]["lb1"]["standby"] is None)
    wait_until(lambda: two.lb1.events("director.resumed", "lb1"))


def test_hard_standby(two: Pair) -> None:
    """Never, not even when the other director stops."""
    two.lb1.hactl("standby", "--hard", check=True)
    assert two.lb2.stop() == 0
    time.sleep(2.0)
    assert two.lb1.is_state("backup")
    assert not holds(two.lb1)
    assert two.lb1.hactl("resume").returncode == 0
    wait_until(lambda: two.lb1.is_state("master"))
    two.lb2.start()


def test_standby_without_a_successor() -> None:
    """The only director alive stays master until another one is there, and then gives way."""
    with (
        key() as path,
        lan("lb1", "lb2") as net,
        Recorder(net) as record,
        daemons(net, BARE + CHANNEL.replace("KEYFILE", path), "lb1", "lb2") as (lb1, lb2),
    ):
        lb1.start()
        wait_until(lambda: lb1.is_state("master"))
        done = lb1.hactl("standby", "--hard")
        stays = "web: no successor took over; this director stays master\n"
        assert (done.returncode, done.stdout) == (1, stays)
        lb2.start()
        wait_until(lambda: lb2.is_state("master") and lb1.is_state("backup"))
        wait_until(lambda: not holds(lb1))
        assert record.longest_absence(VIP) == 0.0


def test_a_stop_asks_by_name(two: Pair) -> None:
    """SIGTERM: no release is sent, for the peer was asked; it announces before the VIP goes here."""
    began = time.monotonic()
    assert two.lb1.stop() == 0
    assert two.lb2.router()["reason"] == "another director handed it over by name"
    assert 0 not in [advert.priority for advert in two.record.adverts("lb1", since=began)]
    announced = next(a for a in two.record.announcements("lb2", since=began) if a.address == VIP)
    left = wait_until(lambda: two.record.changes(VIP, "lb1", since=began))[0]
    assert announced.at < left.at
    assert two.record.longest_absence(VIP, since=began) == 0.0


def test_a_reload_takes_a_router_away_meanwhile() -> None:
    """A handover that waits for a successor is answered for the routers that are left, and says what became of others."""
    inside = "  inside: {vrid: 52, interface: eth0, addresses: [10.99.0.101]}\n"
    both = BARE.replace("health:", f"{inside}health:")
    with lan("lb1") as net, daemons(net, both, "lb1") as (lb1,):
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and lb1.is_state("master", "inside"))
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(lb1.hactl, "handover")
            wait_until(lambda: lb1.events("router.handover"))
            lb1.write(BARE)
            lb1.hactl("reload", check=True)
            done = asked.result()
        assert done.returncode == 1
        assert "web: no successor took over; this director stays master" in done.stdout
        assert re.search("^inside: is (init here|not known here) now: ", done.stdout, re.MULTILINE)


def test_a_master_that_a_reload_takes_out(two: Pair) -> None:
    """A director that is no more is no second master, whatever was heard of it last, and its file differs from none."""
    lb1 = two.lb1
    assert lb1.hactl("handover").returncode == 0
    time.sleep(2.0)  # until its beats have said so
    lb1.write(lb1.config.read_text().replace("  lb2: {address: 10.99.0.2}\n", ""))
    lb1.hactl("reload", check=True)
    two.lb2.signal(signal.SIGKILL)
    wait_until(lambda: lb1.is_state("master"))
    time.sleep(3.0)
    assert not [sentence for sentence in lb1.status()["splits"] if "two masters" in sentence]
    assert (lb1.events("conflict.two_masters"), lb1.events("config.drift")) == ([], [])


def test_a_channel_that_a_reload_takes_out(two: Pair) -> None:
    """Without it nothing is known of a peer but its adverts, whatever it said last."""
    lb1 = two.lb1
    lb1.write("\n".join(line for line in lb1.config.read_text().split("\n") if not line.startswith("peer:")))
    lb1.hactl("reload", check=True)
    wait_until(
        lambda: lb1.status()["peers"]["lb2"]["state"] == "unknown"
    )  # The failover worker says so a moment later.
    assert lb1.status()["peers"]["lb2"]["config_matches"] is None
    wait_until(lambda: "there is no peer channel with lb2" in "\n".join(lb1.status()["splits"]))
