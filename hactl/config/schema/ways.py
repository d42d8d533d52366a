"""`routes` and `rules` of a router: what moves with its VIPs besides them."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hactl.config.schema.base import Section, refuse
from hactl.config.schema.scalars import Address, InterfaceHere

_EVERYTHING = "default"


def _network(value: str) -> str:
    if value == _EVERYTHING:
        return value
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise refuse(
            "must be a network (10.0.0.0/8, an address alone means /32 or /128) or default, not {value}"
        ) from None


Network = Annotated[str, AfterValidator(_network)]
Table = Annotated[int, Field(ge=1, le=0xFFFFFFFF)]


class Route(Section):
    """One route that is there while this director has the VIPs."""

    to: Network = Field(description="Where it leads: a network, an address, or default.")
    via: Address | None = Field(None, description="The gateway. Default: none, the network is on the link.")
    interface: InterfaceHere | None = Field(
        None, description="The interface that packets leave by. Default: the router's."
    )
    source: Address | None = Field(
        None,
        description="The address that this host's own packets take; a VIP of the router, so that the kernel removes the "
        "route with it at the end of the lease (IPv4). Default: the kernel's choice.",
    )
    table: Table = Field(254, description="The routing table; 254 is main.")
    metric: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = Field(
        0, description="Of two routes to the same network the lower metric wins; 0: the kernel's own."
    )
    type: Literal["unicast", "blackhole", "unreachable", "prohibit"] = Field(
        "unicast", description="unicast, or how packets are refused: blackhole, unreachable or prohibit."
    )


class Rule(Section):
    """One rule that is there while this director has the VIPs: which packets another routing table routes."""

    priority: Annotated[int, Field(ge=1, le=32765)] = Field(
        description="Its place among the host's rules, the lowest first; main's is 32766."
    )
    table: Table = Field(description="The routing table that routes them.")
    source: Network | None = Field(
        None, alias="from", description="Packets from there. Default: from anywhere."
    )
    to: Network | None = Field(None, description="Packets to there. Default: to anywhere.")
    interface: InterfaceHere | None = Field(
        None, description="Packets that came in by it. Default: by any, this host's own as well."
    )
    mark: Annotated[int, Field(ge=1, le=0xFFFFFFFF)] | None = Field(
        None, description="Packets with this firewall mark. Default: with any or none."
    )
