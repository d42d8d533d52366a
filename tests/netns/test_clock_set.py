"""Directors whose wall clock is set by an hour: with signed adverts and over the peer channel, on real sockets.

The clock is the worker's own look at it (`support.set_clock`); the monotonic one goes on, as it does on a host.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.moves import Cause, State
from failover.peer.actions import PeerState
from failover.spec import Authentication, Replay, RouterSpec, TrailerSpec
from support.directors import Director, until
from support.failover import VIP4, router_spec
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

HOUR = 3600
SECRETS = {"trailer": f"1 {'k' * 32}\n"}
INTERVAL = 0.1
SET_CLOCK = str(Path(__file__).parent.parent / "support" / "set_clock.py")


class Clocked(Director):
    """A director whose wall clock can be set."""

    def __init__(self, net: Lan, name: str, folder: Path, ahead: int = 0) -> None:
        self._file = folder / name
        self.set_clock(ahead)
        super().__init__(net, name, wrapper=(sys.executable, "-I", SET_CLOCK, str(self._file)))

    def set_clock(self, ahead: int) -> None:
        """From now on it is so many seconds ahead of the host's."""
        self._file.write_text(f"{ahead:<12}")

    def alarmed(self, words: str) -> bool:
        """Whether these words were in an alarm."""
        return any(words in alarm.reason for alarm in self.alarms())

    def hears(self, peer: str) -> bool:
        """Whether the peer is up by the channel."""
        return peer in self.peers and self.peers[peer].state is PeerState.UP

    def refused(self) -> dict[str, int]:
        """Datagrams of the peer channel that were not taken."""
        return {reason: n for peer in self.peers.values() for reason, n in peer.drops.items()}


def signed(priority: int, replay: Replay) -> RouterSpec:
    """The router, with the trailer."""
    return router_spec(
        priority=priority,
        authentication=Authentication.HMAC,
        authentication_file="trailer",
        trailer=TrailerSpec(replay=replay),
    )


@contextlib.contextmanager
def pair(folder: Path, replay: Replay, ahead: int = 0) -> Iterator[tuple[Recorder, Clocked, Clocked]]:
    """Directors a (master, unless b cannot hear it) and b, with signed adverts and a channel; b's clock is ahead."""
    with (
        lan("a", "b") as net,
        Recorder(net) as record,
        Clocked(net, "a", folder) as a,
        Clocked(net, "b", folder, ahead) as b,
    ):
        a.apply(signed(150, replay), peers=("b",), secrets=SECRETS)
        a.wait_for(State.MASTER)
        b.apply(signed(100, replay), peers=("a",), secrets=SECRETS)
        until(lambda: a.hears("b") and b.hears("a"), 10.0, "the channel")
        yield record, a, b


@pytest.mark.parametrize(
    ("who", "step", "replay"),
    [(who, -HOUR, replay) for who in "ab" for replay in Replay] + [("a", HOUR, Replay.TIME)],
    ids=str,
)
def test_a_clock_that_is_set_moves_nothing(tmp_path: Path, who: str, step: int, replay: Replay) -> None:
    """Of the master or of the backup, back or forward: an alarm, nothing refused, and a handover by name goes through."""
    with pair(tmp_path, replay) as (record, a, b):
        until(lambda: b.knows("a", State.MASTER), 5.0)
        began = time.monotonic()
        changed = {"a": a, "b": b}[who]
        changed.set_clock(step)
        direction = "back" if step < 0 else "forward"
        told = f"the clock of this host was set {direction} by {HOUR} s"
        until(lambda: changed.alarmed(told), 10.0, told)
        time.sleep(1.0)
        assert record.changes(VIP4, since=began) == []
        assert (a.state(), b.state()) == (State.MASTER, State.BACKUP)
        assert a.hears("b")
        assert b.hears("a")

        a.handover()
        assert b.wait_for(State.MASTER).cause is Cause.ASKED
        a.wait_for(State.BACKUP)
        time.sleep(1.0)
        assert (a.state(), b.state()) == (State.BACKUP, State.MASTER)
        assert record.longest_absence(VIP4, since=began) == 0
        assert (a.drops(), b.drops()) == ({}, {})
        assert (a.refused(), b.refused()) == ({}, {})


def test_a_clock_that_was_wrong_from_the_start(tmp_path: Path) -> None:
    """Its director refuses what it takes for recorded and says so; the channel is above clocks; put right, it is backup."""
    with pair(tmp_path, Replay.TIME, ahead=-HOUR) as (record, a, b):
        until(lambda: b.drops().get("stale", 0) > 0, 10.0, "refused adverts")
        until(lambda: b.alarmed(f"{HOUR} s ahead of ours"), 10.0, "the alarm")
        assert a.hears("b")
        assert b.hears("a")
        assert b.refused() == {}
        b.set_clock(0)
        until(lambda: b.state() is State.BACKUP and not b.holds(VIP4), 10.0)
        calm = time.monotonic()
        time.sleep(10 * INTERVAL)
        assert record.changes(VIP4, since=calm) == []
        assert a.state() is State.MASTER
