"""The kernel switches that a macvlan with a virtual MAC needs, on it and on the interface that it stands on, and the one of
an interface whose own addresses a VIP could take along; core.

The law: nothing that an operator has set higher is set lower, and a switch that is as it must be is not written.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from failover.spec import AddressSpec, RouterSpec

_HOST = 32
"""Prefix length of an IPv4 address that stands alone."""


class Switch(msgspec.Struct, frozen=True):
    """A file under /proc/sys/net and what it is to hold. `told`: why, for the log, where it is an operator's."""

    path: str
    value: str
    told: str = ""


def wanted(device: str, parent: str, *, ipv6: bool, read: Callable[[str], str]) -> Iterator[Switch]:
    """What must be written for this macvlan, given what `read` finds now (empty: no such switch)."""
    own = _ipv6(device) if ipv6 else _ipv4(device, read)
    yield from (switch for switch in own if read(switch.path) not in ("", switch.value))
    if not ipv6:
        yield from _at_least(parent, _PARENT, read)


def written_with_network(routers: Iterable[RouterSpec]) -> dict[str, AddressSpec]:
    """The interfaces with an IPv4 VIP that is written with its network, and the last such VIP of each."""
    vips = (vip for router in routers for vip in router.addresses)
    return {
        vip.interface: vip for vip in vips if ":" not in vip.address and not vip.device and vip.prefix < _HOST
    }


def promoting(interface: str, read: Callable[[str], str]) -> Iterator[Switch]:
    """What must be written for an interface with such a VIP.

    The kernel removes with an IPv4 address all that were put on after it with the same network, unless it promotes one: who
    puts the host's own address on anew, while the VIP is there, would lose it with the VIP.
    """
    return _at_least(interface, _WITH_NETWORK, read)


_PARENT = (
    ("arp_ignore", "1", "else it answers for VIPs with its own MAC"),
    ("arp_announce", "2", "else its own questions come from VIPs with its own MAC"),
)
_WITH_NETWORK = (
    ("promote_secondaries", "1", "else a VIP that goes can take other addresses of its network away with it"),
)


def _at_least(
    interface: str, needed: Iterable[tuple[str, str, str]], read: Callable[[str], str]
) -> Iterator[Switch]:
    """Those that are lower both on the interface and on `all`, of which the larger holds."""
    for name, value, why in needed:
        path = f"ipv4/conf/{interface}/{name}"
        if _number(read(path)) < int(value) and _number(read(f"ipv4/conf/all/{name}")) < int(value):
            yield Switch(path, value, why)


def _ipv4(device: str, read: Callable[[str], str]) -> Iterator[Switch]:
    """Packets come in here and answers leave by the parent, which a strict reverse path filter takes for forged.

    The larger of this value and that of `all` holds, so 0 is not enough where all filter strictly. Without IPv6 the kernel
    has nothing to say on it unasked.
    """
    yield Switch(f"ipv4/conf/{device}/arp_ignore", "1")
    yield Switch(f"ipv4/conf/{device}/rp_filter", "2" if read("ipv4/conf/all/rp_filter") == "1" else "0")
    yield Switch(f"ipv6/conf/{device}/disable_ipv6", "1")


def _ipv6(device: str) -> Iterator[Switch]:
    """No address but the VIPs, whatever routers on the link advertise."""
    yield Switch(f"ipv6/conf/{device}/accept_ra", "0")
    yield Switch(f"ipv6/conf/{device}/autoconf", "0")
    yield Switch(f"ipv6/conf/{device}/disable_ipv6", "0")


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
