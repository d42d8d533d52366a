"""`takeover` of a router: a program that moves its addresses where ARP does not."""

from typing import Annotated

from pydantic import Field

from hactl.config.schema.base import Section
from hactl.config.schema.scalars import Command, Duration


class Takeover(Section):
    """A program that is run at each change of the router's role, for networks that move addresses by an API."""

    command: Command = Field(
        description="The program's absolute path and its arguments; no shell runs it. It gets HACTL_ROUTER, HACTL_ROLE "
        "(master or backup), HACTL_ADDRESSES, HACTL_INTERFACE, HACTL_NODE, HACTL_CLUSTER, and the same as JSON."
    )
    user: Annotated[str, Field(min_length=1)] = Field("nobody", description="Whom it runs as.")
    timeout: Duration = Field(10.0, description="How long a run may take; then it is killed, and has failed.")
    attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="So many runs as master must fail until the router is in fault here."
    )
    every: Duration = Field(2.0, description="The pause between two attempts.")
    rest: Duration = Field(60.0, description="How long the fault lasts before mastership is tried again.")
