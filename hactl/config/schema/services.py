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
    port: Port | None = Field(None, description="UDP port of gue (required there).")


class Thresholds(Section):
    """Thresholds of connections to a server."""

    upper: Connections = Field(0, description="No new ones above this many; 0: no limit.")
    lower: Connections = Field(0, description="New ones again below this many; 0: three quarters of upper.")


class Server(Section):
    """One real server."""

    address: Address = Field(description="Its address.")
    port: Port | None = Field(None, description="Its port. Default: the service's.")
    weight: Weight = Field(1, description="Its share of the load; 0: no new connections.")
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

    timeout: WholeSeconds = Field(description="Whole seconds after the last connection.")
    netmask: Annotated[int, Field(ge=1, le=128), BeforeValidator(_netmask)] | None = Field(
        None, description="Prefix length by which clients are one. Default: the single address."
    )
    engine: Literal["sip"] | None = Field(None, description="sip: by Call-ID, for UDP.")


class Quorum(Section):
    """When a service has servers enough: sums of weights of healthy, enabled servers."""

    up: Annotated[int, Field(ge=1, le=4_294_967_295)] = Field(
        1, description="Held again at this sum or above."
    )
    down: Annotated[int, Field(ge=0, le=4_294_967_295)] = Field(0, description="Lost at this sum or below.")


class Sorry(Section):
    """The server that answers while the quorum is lost."""

    address: Address = Field(description="Its address.")
    port: Port | None = Field(None, description="Its port. Default: the service's.")
    forward: Forward | None = Field(None, description="Forwarding method. Default: the service's.")
    tun: Tunnel | None = Field(None, description="Encapsulation, with forward tun.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION + " Default: none.")


class Panic(Section):
    """When most servers seem to fail together, they stay in the table for a while."""

    share: Share = Field(description="More than this share fails within fall x interval.")
    at_least: Annotated[int, Field(ge=1, le=1_000_000)] = Field(4, description="Only with so many servers.")
    hold: Duration = Field(30.0, description="Removal from the table waits so long.")


class Service(Section):
    """One virtual service."""

    address: Address | None = Field(None, description="The VIP; or fwmark.")
    port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="Its port; 0: every port, with persistence."
    )
    protocol: Literal["tcp", "udp", "sctp"] | None = Field(
        None, description="tcp, udp or sctp. Default: tcp."
    )
    fwmark: Annotated[int, Field(ge=1, le=4_294_967_295)] | None = Field(
        None, description="Firewall mark, in place of address, port and protocol."
    )
    family: Literal["ipv4", "ipv6"] | None = Field(None, description="With fwmark: ipv4 or ipv6.")
    scheduler: Scheduler = Field("wlc", description="How connections are shared out.")
    scheduler_flags: list[Flag] = Field(
        [], description="mh-port, sh-port, ...; the fallback flag is always set."
    )
    forward: Forward = Field(description="Forwarding method: nat, dr or tun. Required.")
    tun: Tunnel | None = Field(None, description="Encapsulation, with forward tun. Default: ipip.")
    persistence: Annotated[
        Persistence | None,
        BeforeValidator(_timeout_or_mapping),
        Also({"type": "string"}),
    ] = Field(None, description="Client affinity: a timeout, or {timeout, netmask, engine}. Default: none.")
    one_packet: bool = Field(False, description="UDP: each datagram is scheduled on its own.")
    pool: Name | None = Field(None, description="A pool's name; or servers.")
    servers: Servers | None = Field(None, description="Its own real servers, in place of a pool.")
    check: CheckUse | None = Field(None, description=CHECK_DESCRIPTION)
    quorum: Quorum = Field(Quorum(), description="When the service has servers enough.")
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
        0.0, description="A returning server's weight rises over this time; off."
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
