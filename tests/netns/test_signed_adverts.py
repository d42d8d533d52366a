"""The HMAC trailer on real sockets: election, a wrong key, replays, keys replaced in steps, a clock that is set."""

import itertools
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.moves import Cause, State
from failover.packet import RELEASE
from failover.report import Alarm
from failover.spec import (
    Authentication,
    Family,
    PeerSpec,
    Replay,
    Rollout,
    RouterSpec,
    TrailerSpec,
    Transport,
)
from hactl.lab.net import inside
from support.daemon import BARE, VIP, wait_until
from support.daemon import pair as daemon_pair
from support.directors import Director, pair, until
from support.failover import VIP4, VIP6, router_spec, vip
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Frame, Recorder

pytestmark = needs_namespaces

FILE = "/etc/hactl/vrrp.keys"
OLD, NEW = "1 " + "o" * 32, "2 hex:" + "0f" * 32
OTHER = "1 " + "x" * 32


def signed(priority: int, **changes: object) -> RouterSpec:
    """The router "web" with signed adverts."""
    fields = {"authentication": Authentication.HMAC, "authentication_file": FILE}
    return router_spec(priority=priority, **(fields | changes))


def tell(director: Director, priority: int, keys: str = OLD, **changes: Any) -> None:
    """Give a director the router and its keys."""
    director.apply(signed(priority, **changes), secrets={FILE: keys})


def serve(a: Director, b: Director, **changes: Any) -> None:
    """The router on both, a with priority 150 and master, b with 100."""
    tell(a, 150, **changes)
    tell(b, 100, **changes)
    a.wait_for(State.MASTER)
    b.wait_for(State.BACKUP)


FORMS: dict[str, dict[str, Any]] = {
    "IPv4": {},
    "IPv6": {"family": Family.IPV6, "addresses": (vip(VIP6),)},
    "unicast": {"transport": Transport.UNICAST},
}


@pytest.mark.parametrize("form", FORMS)
def test_directors_with_the_same_keys_elect(form: str) -> None:
    """Every advert is signed, the release as well: the peer takes over on its word."""
    with pair() as (net, recorder, a, b):
        peers = {d.name: PeerSpec(name=o.name, address=net.address(o.name)) for d, o in ((a, b), (b, a))}
        for director, priority in ((a, 150), (b, 100)):
            others = (peers[director.name],) if form == "unicast" else ()
            tell(director, priority, **FORMS[form], peers=others)
        a.wait_for(State.MASTER)
        b.wait_for(State.BACKUP)
        until(lambda: len(recorder.adverts("a")) > 10, 5.0)
        a.stop()
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_RELEASED
        until(lambda: len(recorder.adverts("b")) > 10, 5.0)
        sent = recorder.adverts()
        assert RELEASE in {advert.priority for advert in sent}
        assert all(advert.sealed for advert in sent)
        assert b.drops() == {}


def test_a_wrong_key() -> None:
    """Refused by both, counted and told; with the right key one of the two leaves at once."""
    with pair() as (net, recorder, a, b):
        tell(a, 150)
        a.wait_for(State.MASTER)
        tell(b, 100, OTHER)
        b.wait_for(State.MASTER)
        until(lambda: bool(a.alarms() and b.alarms()), 5.0, "both tell")
        words = "are dropped: it was not made with our key"
        assert a.alarms() == [Alarm("web", f"adverts of {net.address('b')} {words}")]
        assert b.alarms() == [Alarm("web", f"adverts of {net.address('a')} {words}")]
        until(lambda: a.drops().get("bad_mac", 0) > 1, 5.0, "counted")
        until(lambda: words in a.reports["web"].reason, 5.0, "shown")
        transitions = a.reports["web"].transitions
        tell(b, 100)
        b.wait_for(State.BACKUP)
        until(lambda: not b.holds(VIP4), 5.0)
        assert a.state() is State.MASTER
        assert a.reports["web"].transitions == transitions
        assert recorder.longest_absence(VIP4) == 0


def test_adverts_without_a_trailer() -> None:
    """Who has a key does not obey who has none, whatever its priority."""
    with pair() as (_, _, a, b):
        tell(a, 100)
        a.wait_for(State.MASTER)
        b.apply(router_spec(priority=200))
        b.wait_for(State.MASTER)
        until(lambda: a.drops().get("wrong_authentication", 0) > 3, 5.0)
        assert a.state() is State.MASTER


def throw(net: Lan, frames: list[Frame]) -> None:
    """Send recorded frames again, from a host of the LAN that has no key."""
    with inside(net.namespace("c")), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0))
        for frame in frames:
            wire.send(frame.data)


def adverts_of(recorder: Recorder, sender: str) -> list[Frame]:
    """Its adverts as frames."""
    return [
        f
        for f in list(recorder.frames)
        if f.sender == sender and f.data[12:14] == b"\x08\0" and f.data[23] == 112
    ]


@pytest.mark.parametrize("replay", Replay)
def test_replayed_adverts(replay: Replay) -> None:
    """Recorded adverts of a dead master, and a release that was: the new master stays, and each is counted by its reason."""
    with (
        lan("a", "b", "c") as net,
        Recorder(net) as recorder,
        Director(net, "a") as a,
        Director(net, "b") as b,
    ):
        serve(a, b, trailer=TrailerSpec(replay=replay, window=2.0))
        until(lambda: len(adverts_of(recorder, "a")) > 5, 5.0)
        a.stop()
        b.wait_for(State.MASTER)
        a.process.wait(10.0)
        recorded = adverts_of(recorder, "a")
        transitions = b.reports["web"].transitions
        throw(net, recorded)
        until(lambda: b.drops().get("replayed", 0) == len(recorded), 5.0, f"refused: {b.drops()}")
        time.sleep(2.5)
        throw(net, recorded)
        late = "stale" if replay is Replay.TIME else "replayed"
        before = 0 if replay is Replay.TIME else len(recorded)
        until(lambda: b.drops().get(late, 0) == before + len(recorded), 5.0, f"refused: {b.drops()}")
        assert [alarm.router for alarm in b.alarms()] == ["web"]
        assert (b.state(), b.reports["web"].transitions) == (State.MASTER, transitions)
        assert b.holds(VIP4)


def test_a_release_played_to_a_backup() -> None:
    """A recorded release would make every backup take over; it does not."""
    with lan("a", "b", "c") as net, Recorder(net) as recorder, Director(net, "b") as b:
        with Director(net, "a") as a:
            serve(a, b)
            a.stop()
            b.wait_for(State.MASTER)
            a.process.wait(10.0)
        with Director(net, "a") as a:
            tell(a, 150)
            a.wait_for(State.MASTER)
            b.wait_for(State.BACKUP)
            release = [f for f in adverts_of(recorder, "a") if f.data[14 + 20 + 2] == RELEASE]
            assert release
            throw(net, release)
            until(lambda: b.drops().get("replayed", 0) == len(release), 5.0)
            assert b.state() is State.BACKUP


def steady(a: Director, b: Director, recorder: Recorder) -> None:
    """No advert of either is refused by the other, and nobody moves."""
    since = time.monotonic()
    until(lambda: len(recorder.adverts("a", since=since)) > 8, 5.0)
    assert (a.state(), b.state()) == (State.MASTER, State.BACKUP)
    assert recorder.adverts("b", since=since) == []


def test_another_key_step_by_step() -> None:
    """Added below the old one, put above it, the old one removed: the master stays master, and no advert is refused."""
    with pair() as (_, recorder, a, b):
        serve(a, b)
        transitions = a.reports["web"].transitions
        for keys, first in itertools.product((f"{OLD}\n{NEW}", f"{NEW}\n{OLD}", NEW), (True, False)):
            director, priority = (a, 150) if first else (b, 100)
            tell(director, priority, keys)
            steady(a, b, recorder)
        assert (a.drops(), b.drops()) == ({}, {})
        assert a.reports["web"].transitions == transitions
        assert len(recorder.changes(VIP4)) == 1


def test_introduced_step_by_step() -> None:
    """From no authentication over receive and send to require, one director after the other."""
    with pair() as (_, recorder, a, b):
        a.apply(router_spec(priority=150))
        b.apply(router_spec(priority=100))
        a.wait_for(State.MASTER)
        b.wait_for(State.BACKUP)
        transitions = a.reports["web"].transitions
        for rollout, first in itertools.product(Rollout, (True, False)):
            director, priority = (a, 150) if first else (b, 100)
            tell(director, priority, trailer=TrailerSpec(rollout=rollout))
            steady(a, b, recorder)
        assert (a.drops(), b.drops()) == ({}, {})
        assert a.reports["web"].transitions == transitions
        assert len(recorder.changes(VIP4)) == 1
        assert [sealed for sealed, _ in itertools.groupby(s.sealed for s in recorder.adverts("a"))] == [
            False,
            True,
        ]


@pytest.fixture
def clocks() -> Iterator[Path]:
    """A folder that a worker without rights can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.parametrize("which", ["a", "b"])
def test_a_clock_set_back_by_an_hour(clocks: Path, which: str) -> None:
    """On the master or the backup: told by that director, and neither moves; a handover works as before."""
    with (
        lan("a", "b") as net,
        Recorder(net) as recorder,
        Director(net, "a", clock=clocks / "a") as a,
        Director(net, "b", clock=clocks / "b") as b,
    ):
        serve(a, b)
        director, other = (a, b) if which == "a" else (b, a)
        director.set_clock(-3600.0)
        until(lambda: bool(director.alarms()), 5.0, "told")
        (told,) = director.alarms()
        assert told.router == ""
        assert told.reason.startswith("the clock of this host was set back by 3600 s")
        until(lambda: "a time 3600 s ahead of this host's clock" in director.reports["web"].reason, 5.0)
        steady(a, b, recorder)
        assert (a.drops(), b.drops(), other.alarms()) == ({}, {}, [])
        assert len(recorder.changes(VIP4)) == 1
        a.handover()
        assert b.wait_for(State.MASTER).cause is Cause.MASTER_RELEASED
        assert (a.drops(), b.drops()) == ({}, {})


def test_two_that_booted_with_wrong_clocks(clocks: Path) -> None:
    """Both serve while both clocks are wrong; once both are put right there is one master again, and it says why."""
    with (
        lan("a", "b") as net,
        Director(net, "a", clock=clocks / "a") as a,
        Director(net, "b", clock=clocks / "b") as b,
    ):
        a.set_clock(-3600.0)
        b.set_clock(-200.0)
        tell(a, 150)
        tell(b, 100)
        a.wait_for(State.MASTER)
        b.wait_for(State.MASTER)
        a.set_clock(0.0)
        b.set_clock(0.0)
        b.wait_for(State.BACKUP, seconds=20.0)
        assert a.state() is State.MASTER
        follows = "adverts carry the host's time from now on"
        until(lambda: any(follows in text for text in a.notes() + b.notes()), 5.0, f"{a.notes()} {b.notes()}")


def test_a_director_started_with_a_wrong_clock(clocks: Path) -> None:
    """Its adverts are refused and why is told with the difference; put right, it is obeyed at once, by the new time."""
    with lan("a", "b") as net, Director(net, "a", clock=clocks / "a") as a:
        tell(a, 100)
        a.wait_for(State.MASTER)
        with Director(net, "b", clock=clocks / "b") as b:
            b.set_clock(-3600.0)
            tell(b, 150)
            until(lambda: bool(a.alarms()), 10.0, "told")
            (told,) = a.alarms()
            assert told.reason.startswith(
                f"adverts of {net.address('b')} are dropped: its time is too far from ours"
            )
            assert told.reason.endswith("its clock is 3600 s behind ours")
            assert a.state() is State.MASTER
            b.set_clock(0.0)
            a.wait_for(State.BACKUP)
            assert b.state() is State.MASTER


def test_a_frozen_master_wakes() -> None:
    """What waited for it is older than the window and no more than that; the rest makes it backup before it speaks."""
    window = 2.0
    with pair() as (_, recorder, a, b):
        serve(a, b, preempt=False, trailer=TrailerSpec(window=window))
        a.signal(signal.SIGSTOP)
        b.wait_for(State.MASTER)
        until(lambda: not a.holds(VIP4), 10.0, "the lease")
        time.sleep(2 * window)
        woke = time.monotonic()
        a.signal(signal.SIGCONT)
        assert a.wait_for(State.BACKUP).cause is Cause.OVERTAKEN
        until(lambda: set(a.drops()) == {"stale"}, 5.0, f"{a.drops()}")
        until(lambda: len(recorder.adverts("b", since=woke)) > 20, 5.0)
        assert recorder.adverts("a", since=woke) == []
        assert recorder.changes(VIP4, since=woke) == []
        assert (a.alarms(), b.alarms(), b.drops()) == ([], [], {})


def test_whole_daemons() -> None:
    """From the file with keys to the alarm; the release of a failover worker that was killed is signed by the supervisor."""
    with tempfile.TemporaryDirectory() as name:
        keys = Path(name) / "vrrp.keys"
        keys.write_text(f"# ours\n{OLD}\n")
        keys.chmod(0o600)
        text = BARE.replace(
            "51,", f"51, advert_interval: 1s, authentication: {{type: hmac, key_file: {keys}}},"
        )
        with daemon_pair(text) as two:
            began = time.monotonic()
            two.lb1.signal(signal.SIGKILL, "failover")
            wait_until(lambda: two.record.changes(VIP, "lb2", since=began))
            wait_until(lambda: RELEASE in {s.priority for s in two.record.adverts("lb1", since=began)})
            assert all(sent.sealed for sent in two.record.adverts())
            wait_until(lambda: any("released" in e["reason"] for e in two.lb2.events("router.master", "web")))
            wait_until(lambda: two.lb1.is_state("master") and two.lb2.is_state("backup"), 30.0)
            assert two.lb2.router()["drops"] == {}
            assert two.lb2.router()["checksums"] == {"10.99.0.1": "pseudo-header"}
            keys.write_text(OTHER)
            assert two.lb2.hactl("reload").returncode == 0
            (told, *_) = wait_until(lambda: two.lb1.events("router.refused", "web"))
            assert told["severity"] == "warning"
            assert "was not made with our key" in told["reason"]
            wait_until(lambda: two.lb1.router()["drops"].get("bad_mac", 0) > 2)
            for director in (two.lb1, two.lb2):
                assert "o" * 32 not in director.log_text()
                assert "x" * 32 not in director.log_text()
