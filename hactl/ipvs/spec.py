"""What the configuration asks of the IPVS table: virtual services and their real servers.

Frozen specs without any state. Addresses are canonical strings, durations seconds as float unless named
otherwise.
"""

from enum import StrEnum

import msgspec


class Forward(StrEnum):
    """Forwarding method of a real server."""

    NAT = "nat"
    DR = "dr"
    TUN = "tun"


class Protocol(StrEnum):
    """Transport protocol of a virtual service."""

    TCP = "tcp"
    UDP = "udp"
    SCTP = "sctp"


class OnDown(StrEnum):
    """What happens to a server that is down: taken out of the table, or kept at weight 0."""

    REMOVE = "remove"
    QUIESCE = "quiesce"


class TunnelType(StrEnum):
    """Encapsulation of forwarding method tun."""

    IPIP = "ipip"
    GUE = "gue"
    GRE = "gre"


class TunnelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Encapsulation and, for gue, its UDP port."""

    type: TunnelType = TunnelType.IPIP
    port: int = 0


class CheckRef(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a server: its name in the configuration and the id of its `health.spec.CheckSpec`."""

    name: str
    id: str


class ServerSpec(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One real server of one service. No `checks` means `check: none`: always up. Thresholds are connections, 0 none."""

    name: str
    address: str
    port: int
    weight: int = 1
    forward: Forward
    tunnel: TunnelSpec | None = None
    upper: int = 0
    lower: int = 0
    checks: tuple[CheckRef, ...] = ()


class PersistenceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Client affinity. `timeout` is whole seconds; `netmask` is a prefix length (None: the single address)."""

    timeout: int
    netmask: int | None = None
    engine: str | None = None


class PanicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Panic threshold: `share` (0..1) of at least `at_least` servers failing together holds removal for `hold` seconds.

    `window`: together is what fails within so many seconds, the longest fall x interval of the service's checks.
    """

    share: float
    at_least: int
    hold: float
    window: float = 6.0


class ServiceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One virtual service: by address, port and protocol, or by firewall mark and family ("ipv4", "ipv6")."""

    name: str
    protocol: Protocol | None = None
    address: str | None = None
    port: int = 0
    fwmark: int | None = None
    family: str = "ipv4"
    scheduler: str = "wlc"
    scheduler_flags: tuple[str, ...] = ()
    forward: Forward
    persistence: PersistenceSpec | None = None
    one_packet: bool = False
    servers: tuple[ServerSpec, ...] = ()
    quorum_up: int = 1
    quorum_down: int = 0
    sorry: ServerSpec | None = None
    on_down: OnDown = OnDown.REMOVE
    slow_start: float = 0.0
    panic: PanicSpec | None = None
    while_holding: bool = False
    """`table: master`: the service is in the table only while this director holds its VIP."""


class TimeoutsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Kernel connection timeouts in whole seconds; None leaves the kernel's."""

    tcp: int | None = None
    tcpfin: int | None = None
    udp: int | None = None


class IpvsSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The table as a whole: period of read-back, timeouts, and switches under /proc/sys/net/ipv4/vs by name."""

    reconcile: float = 10.0
    timeouts: TimeoutsSpec = TimeoutsSpec()
    switches: tuple[tuple[str, str], ...] = ()


class SyncSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Connection synchronisation: this director's interface, the sync id, the router whose role it follows (None: both)."""

    interface: str
    id: int = 0
    router: str | None = None
