"""What a new spec changes."""

import pytest

from failover.outgoing import gone
from failover.reload import Change, changes
from failover.spec import AnnounceSpec, FailoverSpec, Family, RouterSpec, TrackedObject, TrackKind, Transport
from support.failover import router_spec, vip, with_changes


def spec(*routers: RouterSpec) -> FailoverSpec:
    """A spec of lb1."""
    return FailoverSpec(node="lb1", routers=routers)


def test_nothing_changes() -> None:
    """An equal spec touches nothing."""
    assert changes(spec(router_spec()), spec(router_spec())) == {}


def test_routers_come_and_go() -> None:
    """By name."""
    assert changes(spec(router_spec(name="a")), spec(router_spec(name="b"))) == {
        "a": Change.STOP,
        "b": Change.START,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"priority": 120},
        {"addresses": (vip(), vip("10.99.0.101"))},
        {"advert_interval": 1.0},
        {"lease": 9},
        {"preempt": False},
        {"down_after": 5},
        {"announce": AnnounceSpec(refresh=0.0)},
        {"track": (TrackedObject(kind=TrackKind.INTERFACE, object="eth1"),)},
        {"source": "10.99.0.1"},
    ],
)
def test_what_is_adopted_while_running(change: dict[str, object]) -> None:
    """The router keeps its state."""
    assert changes(spec(router_spec()), spec(router_spec(**change))) == {"web": Change.ADOPT}


@pytest.mark.parametrize(
    "change",
    [
        {"vrid": 52},
        {"interface": "eth1"},
        {"version": 2},
        {"family": Family.IPV6},
        {"transport": Transport.UNICAST},
    ],
)
def test_what_makes_another_router(change: dict[str, object]) -> None:
    """On the wire it is a different one: the old is released, the new listens first."""
    assert changes(spec(router_spec()), spec(router_spec(**change))) == {"web": Change.RESTART}


def test_vips_that_a_reload_takes_off() -> None:
    """Removed ones, and those that must be put on anew; not those that are only advertised differently."""
    kept, dropped, relabelled, quiet = (vip(f"10.99.0.{n}") for n in (1, 2, 3, 4))
    old = router_spec(addresses=(kept, dropped, relabelled, quiet))
    new = with_changes(
        old,
        addresses=(
            vip("10.99.0.4", advertise=False),
            vip("10.99.0.3", label="eth0:x"),
            kept,
            vip("10.99.0.5"),
        ),
    )
    assert gone(old, new) == (dropped, relabelled)
