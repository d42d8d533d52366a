"""The IPVS table as the kernel has it: services, their real servers, and counters apart from identity.

Owns the values that policy wishes for, the plan compares and the kernel reports. The law: two values are
equal exactly when the kernel need not be told anything; what merely counts is kept elsewhere.
"""

import ipaddress
from collections.abc import Mapping

import msgspec

from hactl.ipvs.schedulers import SchedulerFlag
from hactl.ipvs.spec import Forward, Protocol, ServiceSpec, TunnelType

IPV4 = "ipv4"
IPV6 = "ipv6"


def family_of(address: str) -> str:
    """`ipv4` or `ipv6` for a canonical address."""
    return IPV6 if ":" in address else IPV4


def endpoint(address: str, port: int) -> str:
    """`10.0.0.1:80` or `[fd00::1]:80`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class ServiceKey(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What makes a service that service to the kernel: protocol, address and port, or a firewall mark and a family."""

    family: str = IPV4
    protocol: Protocol | None = None
    address: str = ""
    port: int = 0
    fwmark: int = 0

    def __str__(self) -> str:
        if self.fwmark:
            return f"fwmark {self.fwmark} {self.family}"
        return f"{self.protocol} {endpoint(self.address, self.port)}"


class DestinationKey(msgspec.Struct, frozen=True, cache_hash=True):
    """What makes a real server that server within its service."""

    address: str
    port: int

    def __str__(self) -> str:
        return endpoint(self.address, self.port)

    def place(self) -> tuple[int, bytes, int]:
        """Sorting by this gives the same order on every director."""
        packed = ipaddress.ip_address(self.address).packed
        return len(packed), packed, self.port


class Persistence(msgspec.Struct, frozen=True, kw_only=True):
    """Client affinity: `timeout` in whole seconds, `netmask` a prefix length.

    Netmask None: a mask that is no prefix, as only another program sets it.
    """

    timeout: int
    netmask: int | None


class VirtualService(msgspec.Struct, frozen=True, kw_only=True):
    """One service with everything about it that can be changed in place."""

    key: ServiceKey
    scheduler: str
    flags: SchedulerFlag = SchedulerFlag.NONE
    persistence: Persistence | None = None
    one_packet: bool = False
    engine: str | None = None


class Tunnel(msgspec.Struct, frozen=True, kw_only=True):
    """Encapsulation of forwarding method tun. `type` None: one this program does not know. `flags` are the kernel's."""

    type: TunnelType | None = TunnelType.IPIP
    port: int = 0
    flags: int = 0


class RealServer(msgspec.Struct, frozen=True, kw_only=True):
    """One real server of a service. `tunnel` is given exactly for tun; `forward` None: a method hactl never uses."""

    key: DestinationKey
    forward: Forward | None
    weight: int = 1
    upper: int = 0
    lower: int = 0
    tunnel: Tunnel | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A service with its servers, in the order in which they are to be added.

    `places` names the weight that mh and sh must remember for a server which stands at weight 0 from the
    first: the kernel counts places in the hash table by the last weight other than 0, and does not show it.
    """

    service: VirtualService
    servers: Mapping[DestinationKey, RealServer] = {}
    places: Mapping[DestinationKey, int] = {}

    def same_as(self, other: "Entry") -> bool:
        """Whether the kernel would show the same."""
        return self is other or (self.service == other.service and self.servers == other.servers)


Table = Mapping[ServiceKey, Entry]


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel counted. The first three are connections now, the others sums since the entry was made."""

    active: int = 0
    inactive: int = 0
    persistent: int = 0
    connections: int = 0
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class ServiceCounters(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of a service and of each of its servers; the service's own connections now are the sum of theirs."""

    total: Counters
    servers: Mapping[DestinationKey, Counters] = {}


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Kernel time-outs of connections in whole seconds."""

    tcp: int
    tcpfin: int
    udp: int


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """Version of IPVS, such as `1.2.1`, and the size of its connection table."""

    version: str
    connection_table: int


class SyncDaemon(msgspec.Struct, frozen=True, kw_only=True):
    """A connection synchronisation thread of the kernel. Zero and None leave the kernel's defaults."""

    master: bool
    interface: str
    id: int
    max_length: int = 0
    group: str | None = None
    port: int = 0
    ttl: int = 0


def service_key(spec: ServiceSpec) -> ServiceKey:
    """The kernel's key for a configured service."""
    if spec.fwmark:
        return ServiceKey(family=spec.family, fwmark=spec.fwmark)
    address = spec.address or ""
    return ServiceKey(
        family=family_of(address), protocol=spec.protocol or Protocol.TCP, address=address, port=spec.port
    )
