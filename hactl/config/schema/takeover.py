"""The programs of a router: `takeover` moves its addresses where ARP does not, `fence` cuts a silent master off."""

from typing import Annotated, Literal

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


class Fence(Section):
    """A program that cuts a silent master off before a takeover that no release was heard for."""

    command: Command = Field(
        description="The program's absolute path and its arguments; no shell runs it. Status 0: the other holds the "
        "VIPs no more. It gets HACTL_PEER (the director, empty if unknown), HACTL_MASTER (the address of its adverts), "
        "HACTL_ROUTER, HACTL_ADDRESSES, HACTL_INTERFACE, HACTL_NODE, HACTL_CLUSTER, and the same as JSON."
    )
    user: Annotated[str, Field(min_length=1)] = Field("nobody", description="Whom it runs as.")
    timeout: Duration = Field(10.0, description="How long it may take; then it is killed, and has failed.")
    required: bool = Field(
        False,
        description="Without its success no takeover; it is tried again, at last every 60s. false: alarm and takeover.",
    )
    at_start: Literal["take", "fence"] = Field(
        "take",
        description="What a director does that has heard no other master since its host started: take the addresses, or "
        "fence first.",
    )
