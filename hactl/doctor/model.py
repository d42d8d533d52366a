"""A host as every family of findings sees it: interfaces, addresses, ways, kernel switches.

The law: what could not be read is not here, and nobody concludes anything from its absence.
"""

from collections.abc import Mapping

import msgspec

from hactl.realserver.model import Address


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An interface. `enabled`: set up. `mtu` in bytes."""

    enabled: bool
    carrier: bool
    mtu: int
    mac: str = ""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the kernel would send to a destination: its interface, the gateway (empty: on the link itself).

    `mtu` is the longest packet in bytes, `advmss` the TCP segment that a route tells to announce (0: the kernel's own).
    """

    interface: str
    gateway: str = ""
    mtu: int = 1500
    advmss: int = 0


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """This host. `ways` are by destination, one that cannot be reached is left out; `switches` by path below /proc/sys/net.

    `release` is the kernel's.
    """

    links: Mapping[str, Link] = {}
    addresses: tuple[Address, ...] = ()
    ways: Mapping[str, Way] = {}
    switches: Mapping[str, str] = {}
    release: str = ""
    running: bool = False
    """Whether the daemon runs here."""

    def switch(self, path: str, interface: str) -> int | None:
        """A switch that holds for an interface by the larger of its own value and that of `all`; None when unreadable."""
        family, name = path.split("/")
        values = [self.switches.get(f"{family}/conf/{where}/{name}", "") for where in ("all", interface)]
        numbers = [int(value) for value in values if value.isdigit()]
        return max(numbers) if len(numbers) == len(values) else None
