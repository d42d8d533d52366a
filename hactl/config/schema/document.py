"""The file as a whole."""

from typing import Annotated

from pydantic import Field

from hactl.config.schema.base import Section
from hactl.config.schema.check_forms import AnyCheck
from hactl.config.schema.cluster import Control, DirectorHere, Health, Peer, Sync
from hactl.config.schema.ipvs import Ipvs
from hactl.config.schema.notify import AnyChannel
from hactl.config.schema.routers import Router
from hactl.config.schema.scalars import AbsolutePath, Duration, Name
from hactl.config.schema.services import Pool, Service
from hactl.config.schema.witness import Witness


class Document(Section):
    """hactl.yaml: the same file on every director."""

    cluster: Name = Field(description="The cluster's name.")
    directors: dict[Name, DirectorHere] = Field(description="The directors by name, in order of preference.")
    routers: dict[Name, Router] = Field({}, description="Virtual routers: the addresses that move.")
    groups: dict[Name, Annotated[list[Name], Field(min_length=1)]] = Field(
        {}, description="Routers that must be master together: {edge: [web, inside]}."
    )
    peer: Peer | None = Field(None, description="The directors' own channel. Default: off.")
    witness: Witness | None = Field(
        None, description="Who else must be seen before a director holds a VIP. Default: nobody."
    )
    sync: Sync | None = Field(None, description="IPVS connection synchronisation. Default: off.")
    checks: dict[Name, AnyCheck] = Field(
        {}, description="Checks by name, used by services, pools and servers."
    )
    pools: dict[Name, Pool] = Field({}, description="Real servers that several services share.")
    services: dict[Name, Service] = Field({}, description="Virtual services.")
    notify: dict[Name, AnyChannel] = Field({}, description="Channels of notification by name.")
    history: Duration = Field(90 * 86400.0, description="How long events are kept. Default: 90d.")
    health: Health = Field(Health(), description="The health workers.")
    ipvs: Ipvs = Field(Ipvs(), description="The kernel's table as a whole.")
    control: Control = Field(Control(), description="The control socket and the page.")
    state_dir: AbsolutePath = Field("/var/lib/hactl", description="Where state and history are kept.")
