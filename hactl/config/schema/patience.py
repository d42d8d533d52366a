"""`damping` and `depends_on` of a check: when its verdict waits."""

from typing import Annotated, Any, Literal

from pydantic import Field

from hactl.config.schema.base import Section
from hactl.config.schema.scalars import Address, Duration, Name


def name_or_mapping(value: Any) -> Any:
    """A bare name is short for a mapping with nothing but the check."""
    return {"check": value} if isinstance(value, str) else value


class Damping(Section):
    """What falls too often must pass for a while before it is up again."""

    falls: Annotated[int, Field(ge=2, le=100)] = Field(3, description="So many falls are too often.")
    within: Duration = Field(300.0, description="Within this time.")
    hold: Duration = Field(60.0, description="It is up again after passing for so long.")


class DependsOn(Section):
    """Another check, without which this one says nothing."""

    check: Name = Field(description="Name of the other check.")
    address: Address | None = Field(None, description="Where it goes. Default: the same server.")
    while_down: Literal["skip", "ignore"] = Field(
        "skip", description="While it is down: skip this check, or ignore its failures."
    )
