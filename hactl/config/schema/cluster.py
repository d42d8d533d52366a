"""`directors`, `peer`, `sync`, `health`, `control`: the directors themselves and how they are run."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hactl.config.schema.base import Also, Section, address_or_mapping
from hactl.config.schema.scalars import (
    AbsolutePath,
    Address,
    HostName,
    InterfaceHere,
    Listen,
    Name,
    OneLine,
    Port,
)

Account = Annotated[OneLine, Field(min_length=1, max_length=256)]
"""The name of a user or a group; those of directory services hold more than letters."""


def _listen_or_off(value: Any) -> Any:
    return None if value == "off" else value


class Director(Section):
    """One director (load balancer)."""

    address: Address | None = Field(None, description="Its own address; or addresses.")
    addresses: Annotated[list[Address], Field(min_length=1, max_length=8)] | None = Field(
        None, description="Its own addresses, one of each family: [v4, v6]."
    )
    priority: Annotated[int, Field(ge=1, le=255)] | None = Field(
        None,
        description="VRRP priority, 1 to 254; the highest is preferred. Default: 150, 140, ... in order.",
    )

    @property
    def all_addresses(self) -> tuple[str, ...]:
        """Its addresses, whichever key they were given by."""
        return tuple(self.addresses or ()) or ((self.address,) if self.address else ())


DirectorHere = Annotated[
    Director,
    BeforeValidator(address_or_mapping),
    Also({"type": "string"}),
]


class Peer(Section):
    """The directors' own authenticated channel. Off without a key."""

    key_file: AbsolutePath | None = Field(None, description="File with the key that all directors share.")
    port: Port = Field(6940, description="UDP port.")
    links: list[dict[Name, Address]] = Field(
        [], description="Further paths besides the directors' addresses: [{lb1: 10.99.0.1, lb2: 10.99.0.2}]."
    )


class Sync(Section):
    """The kernel's IPVS connection synchronisation. Off unless given."""

    interface: InterfaceHere = Field(description="The interface it is sent on: eth1, or by director.")
    id: Annotated[int, Field(ge=0, le=255)] = Field(0, description="The sync id; the same on all directors.")
    router: Name | None = Field(
        None, description="The router whose role it follows. Default: the only one; else both roles run."
    )


class Health(Section):
    """The health workers."""

    workers: Annotated[int, Field(ge=1, le=64)] = Field(1, description="How many processes share the checks.")
    user: Name | None = Field(
        None, description="The user they run as. Default: hactl where it exists, else nobody."
    )


class Members(Section):
    """Users and groups of the host that have a role."""

    users: list[Account] = Field([], description="Users by name.")
    groups: list[Account] = Field([], description="Groups by name: everybody who runs with one of them.")


class Roles(Section):
    """What those may do whom the control socket lets in. Root may all."""

    read: Members = Field(Members(), description="Who may see status, events and overrides.")
    operate: Members = Field(
        Members(), description="Who may besides drain, hand over, stand aside, try a channel, and plan."
    )
    admin: Members = Field(Members(), description="Who may besides reload the daemon's file.")


class Control(Section):
    """The control socket and the page."""

    socket: AbsolutePath = Field("/run/hactl/hactl.sock", description="The control socket, mode 0660.")
    group: Name | None = Field(None, description="The group that it lets in. Default: root's.")
    roles: Roles | None = Field(
        None,
        description="What whom the socket lets in may do, by users and groups: read, operate or admin; who is named "
        "nowhere may nothing. Default: all of it.",
    )
    http: Annotated[Listen | None, BeforeValidator(_listen_or_off)] = Field(
        None, description="ADDRESS:PORT of the page and /metrics. Default: off."
    )
    hosts: Annotated[list[HostName], Field(max_length=64)] = Field(
        [],
        description="Names under which the page is asked for, besides its addresses and the directors' names.",
    )
    token_file: AbsolutePath | None = Field(
        None,
        description="File with the tokens that let people act on the page, a line each: ROLE NAME TOKEN, or a token "
        "alone (role operate). Default: it only shows.",
    )
