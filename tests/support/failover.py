"""Routers and adverts for tests of failover: builders with everything unimportant filled in."""

import ipaddress
from typing import Any, TypeVar

import msgspec

from failover.actions import Action, HoldAddresses, SendAdvert
from failover.election import Election
from failover.holding import SETTLE
from failover.moves import State
from failover.packet import Advert
from failover.spec import AddressSpec, Family, RouterSpec
from failover.virtual_mac import device_name

Kind = TypeVar("Kind", bound=Action)
VIP4 = "10.99.0.100"
VIP6 = "2001:db8::100"


def packed(address: str) -> bytes:
    """An address as 4 or 16 bytes."""
    return ipaddress.ip_address(address).packed


def vip(address: str = VIP4, **changes: Any) -> AddressSpec:
    """One VIP on eth0, alone in its prefix."""
    prefix = 32 if len(packed(address)) == 4 else 128
    fields: dict[str, Any] = {"address": address, "prefix": prefix, "interface": "eth0"}
    return AddressSpec(**(fields | changes))


def router_spec(**changes: Any) -> RouterSpec:
    """A router with VRID 51 on eth0, priority 100, adverts every 100 ms, lease 2 s."""
    fields: dict[str, Any] = {
        "name": "web",
        "vrid": 51,
        "family": Family.IPV4,
        "interface": "eth0",
        "addresses": (vip(),),
        "priority": 100,
    }
    return RouterSpec(**(fields | changes))


def with_virtual_mac(spec: RouterSpec) -> RouterSpec:
    """The same router with its VIPs on macvlans."""
    vips = tuple(
        msgspec.structs.replace(
            one, device=device_name(spec.vrid, 6 if ":" in one.address else 4, one.interface)
        )
        for one in spec.addresses
    )
    return with_changes(spec, virtual_mac=True, addresses=vips)


def with_changes(spec: RouterSpec, **changes: Any) -> RouterSpec:
    """A copy with other values."""
    return msgspec.structs.replace(spec, **changes)


def advert(priority: int, interval: float = 0.1, **changes: Any) -> Advert:
    """An advert of another director for the router of `router_spec`."""
    fields = {
        "version": 3,
        "vrid": 51,
        "priority": priority,
        "interval": interval,
        "addresses": (packed(VIP4),),
    }
    return Advert(**(fields | changes))  # type: ignore[arg-type]


def only(kind: type[Kind], actions: list[Action]) -> list[Kind]:
    """The actions of one kind, in order."""
    return [action for action in actions if isinstance(action, kind)]


def kinds(actions: list[Action]) -> list[str]:
    """The names of actions, in order."""
    return [type(action).__name__ for action in actions]


OURS, LOWER, HIGHER = packed("10.99.0.5"), packed("10.99.0.4"), packed("10.99.0.6")
"""Source addresses: this director's, and those of others below and above it."""


def started(now: float = 0.0, **changes: Any) -> Election:
    """A router that has just begun to listen."""
    election = Election(router_spec(**changes), OURS)
    election.start(now)
    return election


def as_master(now: float = 0.0, **changes: Any) -> Election:
    """A router that took over at `now` from nobody, its VIPs confirmed by the kernel and its first advert sent."""
    election = started(now - 1000.0, **changes)
    election.router.down_at = now
    election.wake(now)
    election.taken(now)
    assert election.router.state is State.MASTER
    return election


def run_to(election: Election, now: float) -> list[tuple[float, Action]]:
    """Wakes the election at each of its deadlines up to `now`; the kernel confirms at once. Time and action of each."""
    done: list[tuple[float, Action]] = []
    while (at := election.deadline()) is not None and at <= now:
        actions = election.wake(at)
        if only(HoldAddresses, actions):
            actions = actions + election.taken(at)
        done += [(at, action) for action in actions]
    return done


def adverts(done: list[tuple[float, Action]]) -> list[tuple[float, int]]:
    """When adverts of which priority were sent; times to the microsecond."""
    return [(round(at, 6), action.priority) for at, action in done if isinstance(action, SendAdvert)]


def settled(election: Election, heard: Advert, source: bytes, now: float) -> list[Action]:
    """What follows an advert, to the moment when the VIPs that it takes from us are given up."""
    return election.receive(heard, source, now) + election.wake(now + SETTLE)


def read_by_pyroute2(kind: type[Any], data: bytes) -> Any:
    """A message as pyroute2 reads it."""
    message = kind(data)
    message.decode()
    return message
