"""`services` and `pools`: what clients connect to, and the real servers behind it."""

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from hactl.config.schema.base import Also, Section, address_or_mapping, refuse
from hactl.config.schema.check_forms import CHECK_DESCRIPTION, CheckUse
from hactl.config.schema.scalars import (
    Address,
    Duration,
    DurationOrOff,
    Name,
    Port,
    Share,
    WholeSeconds,
)

Forward = Literal["nat", "dr", "tun"]
Weight = Annotated[int, Field(ge=0, le=65535)]
Connections = Annotated[int, Field(ge=0, le=4_294_967_295)]
Scheduler = Literal[
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"
]
Flag = Literal["mh-fallback", "mh-port", "sh-fallback", "sh-port", "flag-1", "flag-2", "flag-3"]


def _timeout_or_mapping(value: Any) -> Any:
    return value if isinstance(value, dict) else {"timeout": value}


def _panic(value: Any) -> Any:
    return None if value == "off" else value


def _netmask(value: Any) -> Any:
    if isinstance(value, str):
        try:
            hint = f"write {ipaddress.ip_network('0.0.0.0/' + value).prefixlen}"
        except ValueError:
            hint = "such as 24"
        raise refuse(f"must be a prefix length, not {{value}}; {hint}")
    return value


class Tunnel(Section):
    """Encapsulation of forwarding method tun."""

    type: Literal["ipip", "gue", "gre"] = Field("ipip", description="ipip, gue or gre.")
    port: Port | None = Field(
        None,
        description="UDP port that the servers take gue's packets on; required with gue, unknown to the others.",
    )


class Thresholds(Section):
    """Thresholds of connections to a server."""

    upper: Connections = Field(
        0, description="Above so many connections a server gets no new ones; 0: no limit."
    )
    lower: Connections = Field(
        0, description="Below so many it gets new ones again; 0: three quarters of upper."
    )


class Server(Section):
    """One real server."""

    address: Address = Field(description="Its address.")
    port: Port | None = Field(None, description="Its port. Default: the service's.")
    weight: Weight = Field(
        1, description="Its share of the load, beside the weights of the others; 0: no new connections."
    )
    forward: Forward | None = Field(None, description="Forwarding method. Default: the service's.")
    tun: Tunnel | None = Field(None, description="Encapsulation, with forward tun. Default: the service's.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION)
    connections: Thresholds = Field(Thresholds(), description="Thresholds: {upper, lower}.")


ServerHere = Annotated[
    Server,
    BeforeValidator(address_or_mapping),
    Also({"type": "string"}),
]
Servers = dict[Name, ServerHere]


class Pool(Section):
    """Real servers that several services share."""

    servers: Servers = Field(description="Real servers by name: an address, or a mapping.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION)


class Persistence(Section):
    """Client affinity: connections of one client go to one server."""

    timeout: WholeSeconds = Field(
        description="A client keeps its server for so long after its last connection; whole seconds."
    )
    netmask: Annotated[int, Field(ge=1, le=128), BeforeValidator(_netmask)] | None = Field(
        None, description="Prefix length by which clients are one. Default: the single address."
    )
    engine: Literal["sip"] | None = Field(None, description="sip: by Call-ID, for UDP.")


class Quorum(Section):
    """When a service has servers enough: sums of weights of healthy, enabled servers."""

    up: Annotated[int, Field(ge=1, le=4_294_967_295)] = Field(
        1, description="A quorum that was lost is held again when the sum is this or more."
    )
    down: Annotated[int, Field(ge=0, le=4_294_967_295)] = Field(
        0, description="The quorum is lost when the sum is this or less."
    )


class Sorry(Section):
    """The server that answers while the quorum is lost."""

    address: Address = Field(description="Its address.")
    port: Port | None = Field(None, description="Its port. Default: the service's.")
    forward: Forward | None = Field(None, description="Forwarding method. Default: the service's.")
    tun: Tunnel | None = Field(None, description="Encapsulation, with forward tun.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION + " Default: none.")


class Panic(Section):
    """When most servers seem to fail together, they stay in the table for a while."""

    share: Share = Field(
        description="When more than this share of the servers that served fails within fall x interval: 50%."
    )
    at_least: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        4, description="Only where there are at least so many servers."
    )
    hold: Duration = Field(30.0, description="No server leaves the table for so long.")


class Service(Section):
    """One virtual service."""

    address: Address | None = Field(
        None, description="The VIP that clients connect to. Left out where there is a fwmark."
    )
    port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="The port that clients connect to; 0: every port, which needs persistence."
    )
    protocol: Literal["tcp", "udp", "sctp"] | None = Field(
        None, description="tcp, udp or sctp. Default: tcp."
    )
    fwmark: Annotated[int, Field(ge=1, le=4_294_967_295)] | None = Field(
        None,
        description=(
            "Mark that the firewall gives to packets of this service: it stands in place of address, port and "
            "protocol, and makes several of them one service."
        ),
    )
    family: Literal["ipv4", "ipv6"] | None = Field(None, description="With fwmark: ipv4 or ipv6.")
    scheduler: Scheduler = Field(
        "wlc",
        description=(
            "How connections are shared out: the kernel's scheduler. rr: in turn; wlc: to whom has fewest for "
            "its weight; mh, sh: by the client's address, the same on every director."
        ),
    )
    scheduler_flags: list[Flag] = Field(
        [],
        description=(
            "Flags of the scheduler: mh-port and sh-port take the client's port into account. mh-fallback and "
            "sh-fallback are always set."
        ),
    )
    forward: Forward = Field(
        description=(
            "How packets reach the servers. nat: addresses are translated, and answers come back through the "
            "director; dr: on the same network, answers go straight to the client; tun: as dr, through a "
            "tunnel, so also to another network."
        )
    )
    tun: Tunnel | None = Field(None, description="Encapsulation, with forward tun. Default: ipip.")
    persistence: Annotated[
        Persistence | None,
        BeforeValidator(_timeout_or_mapping),
        Also({"type": "string"}),
    ] = Field(None, description="Client affinity: a timeout, or {timeout, netmask, engine}. Default: none.")
    one_packet: bool = Field(False, description="UDP: each datagram is scheduled on its own.")
    pool: Name | None = Field(None, description="The pool whose servers it has; or servers.")
    servers: Servers | None = Field(None, description="Its own real servers, in place of a pool.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION)
    quorum: Quorum = Field(
        Quorum(),
        description="How much weight must be healthy for the service to be up; below it the sorry server answers.",
    )
    sorry: Annotated[
        Sorry | None,
        BeforeValidator(address_or_mapping),
        Also({"type": "string"}),
    ] = Field(None, description="The server that answers while the quorum is lost.")
    on_down: Literal["remove", "quiesce"] | None = Field(
        None,
        description="A server that is down is removed, or kept with weight 0. Default: remove; mh and sh: quiesce.",
    )
    slow_start: DurationOrOff = Field(
        0.0,
        description=(
            "A server that comes back begins with a twentieth of its weight, which rises to the whole over "
            "this time."
        ),
    )
    panic: Annotated[
        Panic | None,
        BeforeValidator(_panic),
        Also({"const": "off"}),
    ] = Field(None, description="Panic threshold: {share, at_least, hold}. Default: off.")
    table: Literal["always", "master"] | None = Field(
        None,
        description="master: in the table only while this director holds the VIP. "
        "Default: always; master where a director is one of the servers.",
    )
