"""Directors whose wall clock is set by an hour: the peer channel, elections and handovers do not look at it.

What is set is the worker's own look at the clock; the monotonic one goes on, as it does on a host. Signed adverts, which
carry the time, have their own tests of this (test_signed_adverts).
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.moves import Cause, State
from failover.peer.actions import PeerState
from support.directors import Director, until
from support.failover import VIP4, router_spec
from support.netns import lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

HOUR = 3600.0


@pytest.fixture
def clocks() -> Iterator[Path]:
    """A folder that a worker without rights can read."""
    with tempfile.TemporaryDirectory(prefix="hactl-t") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def hears(director: Director, peer: str) -> bool:
    """Whether the peer is up by the channel."""
    return peer in director.peers and director.peers[peer].state is PeerState.UP


def refused(director: Director) -> dict[str, int]:
    """Datagrams of the peer channel that were not taken."""
    return {reason: n for peer in director.peers.values() for reason, n in peer.drops.items()}


@pytest.mark.parametrize(("who", "step"), [("a", -HOUR), ("b", -HOUR), ("a", HOUR)], ids=str)
def test_a_clock_that_is_set_moves_nothing(clocks: Path, who: str, step: float) -> None:
    """Of the master or of the backup, back or forward: the peer stays up, nothing is refused, a handover goes through."""
    with (
        lan("a", "b") as net,
        Recorder(net) as record,
        Director(net, "a", clock=clocks / "a") as a,
        Director(net, "b", clock=clocks / "b") as b,
    ):
        a.apply(router_spec(priority=150), peers=("b",))
        a.wait_for(State.MASTER)
        b.apply(router_spec(priority=100), peers=("a",))
        until(lambda: hears(a, "b") and b.knows("a", State.MASTER), 10.0, "the channel")
        began = time.monotonic()
        {"a": a, "b": b}[who].set_clock(step)
        time.sleep(2.0)
        assert record.changes(VIP4, since=began) == []
        assert hears(a, "b")
        assert hears(b, "a")

        a.handover()
        assert b.wait_for(State.MASTER).cause is Cause.ASKED
        a.wait_for(State.BACKUP)
        time.sleep(0.5)
        assert (a.state(), b.state()) == (State.BACKUP, State.MASTER)
        assert record.longest_absence(VIP4, since=began) == 0
        assert (a.drops(), b.drops(), refused(a), refused(b)) == ({}, {}, {}, {})
