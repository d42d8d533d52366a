"""What the configuration asks of failover, seen from one director.

Owns the frozen specs that the failover worker is given. Everything per-director is resolved already: the interface is
this director's, the peers are the other directors. Addresses are canonical strings without a prefix; durations are
seconds as float unless named otherwise; a lease is whole seconds because the kernel counts address lifetimes so.
"""

from enum import StrEnum

import msgspec

from failover.peer.spec import PeerChannelSpec
from failover.ways import RouteSpec, RuleSpec


class Family(StrEnum):
    """Address family of a router's adverts and advertised addresses."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Transport(StrEnum):
    """How adverts travel: to the VRRP group on the link, or to each listed peer."""

    MULTICAST = "multicast"
    UNICAST = "unicast"


class Checksum(StrEnum):
    """Coverage of the VRRPv3 checksum over IPv4 when sending (RFC 9568 5.2.8 and its predecessors differ)."""

    PSEUDO_HEADER = "pseudo-header"
    MESSAGE_ONLY = "message-only"


class Authentication(StrEnum):
    """Authentication of adverts: none, VRRPv2's clear password, or the HMAC trailer on VRRPv3."""

    NONE = "none"
    PASSWORD = "password"
    HMAC = "hmac"


class Replay(StrEnum):
    """What makes an old HMAC trailer old: its time, or only that a newer one of the same sender was taken."""

    TIME = "time"
    INCREASING = "increasing"


class Rollout(StrEnum):
    """How far the HMAC trailer is introduced: taken if it is there, sent as well, or required."""

    RECEIVE = "receive"
    SEND = "send"
    REQUIRE = "require"


class TrailerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The HMAC trailer of a router's adverts. `window` is in seconds."""

    replay: Replay = Replay.TIME
    window: float = 5.0
    rollout: Rollout = Rollout.REQUIRE


class Standby(StrEnum):
    """Whether this director stands aside: not at all, unless no master is heard for long, or whatever happens."""

    OFF = "off"
    SOFT = "soft"
    HARD = "hard"


class AddressSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One VIP: canonical address, prefix length, the interface it goes on (this director's), an optional label.

    `advertise` says whether it is listed in adverts; the others move silently with the router. `device` is the macvlan on
    that interface that has it, with the virtual MAC; None: the interface itself has it.
    """

    address: str
    prefix: int
    interface: str
    label: str | None = None
    advertise: bool = True
    device: str | None = None

    @property
    def bearer(self) -> str:
        """The interface whose address it becomes."""
        return self.device or self.interface


class AnnounceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Gratuitous ARP and unsolicited neighbour advertisements.

    `burst` holds offsets in seconds from the takeover, `refresh` the period in seconds afterwards (0: never), `pace`
    the most frames a second on one interface.
    """

    burst: tuple[float, ...] = (0.0, 0.1, 0.3, 0.7, 1.5)
    refresh: float = 60.0
    pace: int = 1000


class PeerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Another director as a destination of unicast adverts."""

    name: str
    address: str


class TrackKind(StrEnum):
    """What a tracked object is."""

    INTERFACE = "interface"
    PING = "ping"
    SERVICE = "service"
    SCRIPT = "script"
    FILE = "file"
    PROCESS = "process"
    TAKEOVER = "takeover"
    ACCEPT = "accept"


class TrackedObject(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must be well for this director to be master.

    Weight 0: down is a fault; else the weight is added to the priority while down. A file's number is added times the
    weight. `id` says whose verdict it is; an interface has none, its carrier is seen by the failover worker itself.
    """

    kind: TrackKind
    object: str
    weight: int = 0
    id: str = ""

    @property
    def name(self) -> str:
        """The object in words, unique in its router."""
        return f"{self.kind} {self.object}"


class FenceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Fencing before a takeover without a heard release. `timeout` is the program's, in seconds.

    `required`: without success no takeover. `at_start`: also where no master was heard since this host started.
    """

    timeout: float = 10.0
    required: bool = False
    at_start: bool = False


class WitnessSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A router that needs witnesses. `key` names the arbiter's lease that its holder must have; empty: there is none."""

    key: str = ""


class RouterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One virtual router (VRRP instance) on this director.

    `lease` is whole seconds, 0 for off, `lease_alone` that while every peer is known to be down. `source` None means
    the interface's primary address. `down_after` counts missed adverts. `ttl_accept` is the lowest and highest TTL
    accepted, None for any.
    """

    name: str
    vrid: int
    family: Family
    interface: str
    addresses: tuple[AddressSpec, ...]
    priority: int
    version: int = 3
    transport: Transport = Transport.MULTICAST
    peers: tuple[PeerSpec, ...] = ()
    source: str | None = None
    ttl_send: int = 255
    ttl_accept: tuple[int, int] | None = (255, 255)
    advert_interval: float = 0.1
    preempt: bool = True
    preempt_delay: float = 0.0
    startup_delay: float = 0.0
    link_up_delay: float = 0.0
    link_down_delay: float = 0.0
    down_after: int = 3
    lease: int = 2
    lease_alone: int = 60
    announce: AnnounceSpec = AnnounceSpec()
    checksum: Checksum = Checksum.PSEUDO_HEADER
    authentication: Authentication = Authentication.NONE
    authentication_file: str | None = None
    trailer: TrailerSpec = TrailerSpec()
    virtual_mac: bool = False
    track: tuple[TrackedObject, ...] = ()
    fence: FenceSpec | None = None
    routes: tuple[RouteSpec, ...] = ()
    rules: tuple[RuleSpec, ...] = ()
    witness: WitnessSpec | None = None


class GroupSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Routers that must be master together."""

    name: str
    routers: tuple[str, ...]


class FailoverSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that the failover worker of this director does. `channel` None: the directors' own channel is off.

    `mark` is what tells interfaces made by this cluster's daemon from others.
    """

    node: str
    mark: str = "hactl"
    routers: tuple[RouterSpec, ...] = ()
    groups: tuple[GroupSpec, ...] = ()
    channel: PeerChannelSpec | None = None
