"""A real server on paper: what it serves, what its host must have, what it has, and what hactl did to it.

The law: a wish, the facts and the record are plain values; a step says in one sentence what it does.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hactl.ipvs.spec import Forward, TunnelSpec

MARK = 113
"""IFA_PROTO of the addresses that `realserver apply` makes (kernel 5.18); the daemon's own have another."""
LOOPBACK = "lo"
DISTANT = {"ipv4": "203.0.113.1", "ipv6": "2001:db8:ffff::1"}
"""Addresses for documentation (RFC 5737, RFC 3849): nobody's, so the way to them is the way to anybody."""


class NothingServed(Exception):
    """This host is none of the real servers; the text says so and what helps."""


class Kind(StrEnum):
    """What takes packets out of their tunnel, by inner and outer family: ipip 4 in 4, sit 6 in 4, ip6tnl 6 in 6."""

    IPIP = "ipip"
    SIT = "sit"
    IP6TNL = "ip6tnl"
    GRE = "gre"
    IP6GRE = "ip6gre"

    @property
    def standard(self) -> str:
        """The device that comes with the kernel's module and takes packets from everybody."""
        return _STANDARD[self]

    @property
    def own(self) -> str:
        """The device that is made where there is no standard one (namespaces may be without)."""
        return f"hactl-{self.value}"

    @property
    def module(self) -> str:
        """The kernel's module."""
        return _MODULES[self]


_STANDARD = {
    Kind.IPIP: "tunl0", Kind.SIT: "sit0", Kind.IP6TNL: "ip6tnl0", Kind.GRE: "gre0", Kind.IP6GRE: "ip6gre0",
}  # fmt: skip
_MODULES = {
    Kind.IPIP: "ipip", Kind.SIT: "sit", Kind.IP6TNL: "ip6_tunnel", Kind.GRE: "ip_gre", Kind.IP6GRE: "ip6_gre",
}  # fmt: skip


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """One service as one real server of it sees it. `vip` None: a service by firewall mark, whose VIPs are not in it."""

    service: str
    server: str
    address: str
    vip: str | None
    forward: Forward
    tunnel: TunnelSpec | None = None


class Listener(msgspec.Struct, frozen=True, order=True):
    """A UDP port on which the kernel takes GUE packets (outer family `ipv6` or IPv4)."""

    port: int
    ipv6: bool = False

    def __str__(self) -> str:
        return f"GUE port {self.port} over {'IPv6' if self.ipv6 else 'IPv4'}"


class Vip(msgspec.Struct, frozen=True, order=True):
    """A VIP on a device of this host, always with its full prefix."""

    address: str
    device: str

    @property
    def prefix(self) -> int:
        """32 or 128."""
        return 128 if ":" in self.address else 32

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix} on {self.device}"


class Switch(msgspec.Struct, frozen=True):
    """A kernel switch by its path below /proc/sys/net, the value to write, and the values that do as well."""

    path: str
    value: str
    enough: tuple[str, ...] = ()

    def holds(self, found: str | None) -> bool:
        """Whether nothing need be written."""
        return found is not None and (found == self.value or found in self.enough)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a host must have to serve. `lan` are the interfaces with the addresses that the directors know.

    `devices` are the kinds of tunnel that must be open, `hide`: VIPs must not be told by ARP.
    """

    served: tuple[Served, ...] = ()
    vips: tuple[str, ...] = ()
    tunnelled: Mapping[str, Kind] = {}
    """IPv4 VIPs that come by tunnel only, and the kind of it; all others are on lo."""
    kinds: tuple[Kind, ...] = ()
    listeners: tuple[Listener, ...] = ()
    lan: tuple[str, ...] = ()
    hide: bool = False
    hints: tuple[str, ...] = ()


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of this host; `ours` by its mark."""

    device: str
    address: str
    prefix: int
    ours: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the host has now: devices by name and whether they are up, addresses, switches, GUE ports.

    `marks`: this kernel keeps marks. `boot` names the time since the kernel was started.
    """

    devices: Mapping[str, bool]
    addresses: tuple[Address, ...] = ()
    switches: Mapping[str, str] = {}
    listeners: frozenset[Listener] = frozenset()
    marks: bool = True
    boot: str = ""


class Kept(msgspec.Struct, frozen=True):
    """A switch that hactl changed: its value before (None: there was none yet), and the one that was written."""

    before: str | None
    written: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What hactl did on this host since it was started, kept on disk before it is done."""

    boot: str = ""
    switches: dict[str, Kept] = {}
    made: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    vips: tuple[Vip, ...] = ()
    listeners: tuple[Listener, ...] = ()


# ---- steps ----------------------------------------------------------------------------------------------------------


class SetSwitch(msgspec.Struct, frozen=True, tag=True):
    """Write a switch. `back`: it is given the value that it had before hactl."""

    path: str
    value: str
    back: bool = False

    def __str__(self) -> str:
        return f"{dotted(self.path)} = {self.value}" + (" again" if self.back else "")


class MakeDevice(msgspec.Struct, frozen=True, tag=True):
    """Make a tunnel device that takes packets from everybody."""

    name: str
    kind: Kind

    def __str__(self) -> str:
        return f"device {self.name} ({self.kind}) made"


class DeleteDevice(msgspec.Struct, frozen=True, tag=True):
    """Remove a device that hactl made."""

    name: str

    def __str__(self) -> str:
        return f"device {self.name} removed"


class Raise(msgspec.Struct, frozen=True, tag=True):
    """Set a device up."""

    name: str

    def __str__(self) -> str:
        return f"device {self.name} set up"


class Lower(msgspec.Struct, frozen=True, tag=True):
    """Set a device down that hactl set up."""

    name: str

    def __str__(self) -> str:
        return f"device {self.name} set down"


class PutVip(msgspec.Struct, frozen=True, tag=True):
    """Put a VIP on its device."""

    vip: Vip

    def __str__(self) -> str:
        return f"{self.vip} added"


class DropVip(msgspec.Struct, frozen=True, tag=True):
    """Take a VIP off its device."""

    vip: Vip

    def __str__(self) -> str:
        return f"{self.vip} removed"


class Open(msgspec.Struct, frozen=True, tag=True):
    """Take GUE packets on a port."""

    listener: Listener

    def __str__(self) -> str:
        return f"{self.listener} opened"


class Close(msgspec.Struct, frozen=True, tag=True):
    """Take none on a port any more."""

    listener: Listener

    def __str__(self) -> str:
        return f"{self.listener} closed"


Step = SetSwitch | MakeDevice | DeleteDevice | Raise | Lower | PutVip | DropVip | Open | Close


def dotted(path: str) -> str:
    """A switch as sysctl(8) names it. An interface's name may hold a dot, which is written as a slash there."""
    return "net." + path.replace(".", "\0").replace("/", ".").replace("\0", "/")
