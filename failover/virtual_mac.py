"""Virtual MACs: which macvlans a router needs, with what MAC and name, and when they must be still; core.

Owns RFC 9568 section 7.3. The law: a macvlan with a virtual MAC is up only while this director holds the VIPs on it, and it
answers nobody once another director was heard that has them too.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from failover.host import Host
from failover.moves import State
from failover.place import Bearer, Bearing
from failover.router import Router
from failover.spec import AddressSpec, Family, RouterSpec, Transport

_PREFIX = {4: bytes.fromhex("00005e0001"), 6: bytes.fromhex("00005e0002")}
_LONGEST_NAME = 15


class Device(msgspec.Struct, frozen=True):
    """A macvlan: its name, the interface that it stands on, its MAC."""

    name: str
    parent: str
    mac: bytes


def virtual_mac(vrid: int, version: int) -> bytes:
    """The virtual MAC of a router for addresses of IP version 4 or 6 (RFC 9568 section 7.3)."""
    return _PREFIX[version] + bytes((vrid,))


def source_mac(spec: RouterSpec) -> bytes:
    """The MAC that adverts come from, so that switches learn where it is; empty: the interface's own.

    A unicast advert needs the MAC of its peer, or of a gateway, which the kernel knows: it goes the ordinary way.
    """
    if not spec.virtual_mac or spec.transport is Transport.UNICAST:
        return b""
    return virtual_mac(spec.vrid, 6 if spec.family is Family.IPV6 else 4)


def mac_of(spec: RouterSpec, vip: AddressSpec) -> bytes | None:
    """The virtual MAC that a VIP has, None when it has its interface's own."""
    return virtual_mac(spec.vrid, _version(vip)) if vip.device else None


def device_name(vrid: int, version: int, parent: str) -> str:
    """The macvlan's name, one for each VRID, IP version and interface: hv4.51.eth0; a long interface's name is hashed."""
    start = f"hv{version}.{vrid}."
    room = _LONGEST_NAME - len(start)
    return start + (parent if len(parent) <= room else hashlib.sha256(parent.encode()).hexdigest()[:room])


def devices(specs: Iterable[RouterSpec]) -> tuple[Device, ...]:
    """The macvlans that these routers need."""
    needed = {
        vip.device: Device(vip.device, vip.interface, virtual_mac(spec.vrid, _version(vip)))
        for spec in specs
        for vip in spec.addresses
        if vip.device
    }
    return tuple(needed.values())


def bearers(spec: RouterSpec, host: Host, bearing: Bearing) -> tuple[Bearer, ...]:
    """The macvlans of this router, as far as they exist, with how they are to be."""
    links = (host.link(device.name) for device in devices((spec,)))
    return tuple(Bearer(link.index, bearing) for link in links if link is not None)


def bearing(router: Router) -> Bearing:
    """How the macvlans of a router that holds its VIPs are to be."""
    leaving = router.state is not State.MASTER and router.give_up_at is not None
    heard = router.heard is not None and router.heard.at > router.last_sent
    return Bearing.SILENT if leaving or (router.releasing and heard) else Bearing.UP


def has_fallen(spec: RouterSpec, host: Host) -> bool:
    """Whether a macvlan of this router, which holds its VIPs, is not set up: somebody else did that."""
    links = (host.link(device.name) for device in devices((spec,)))
    return any(link is not None and not link.enabled for link in links)


def _version(vip: AddressSpec) -> int:
    return 6 if ":" in vip.address else 4
