"""`track` of a router: what else must be well for a director to be master; down is a fault or costs priority."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from hactl.config.schema.base import Section, refuse
from hactl.config.schema.scalars import AbsolutePath, Address, Command, Duration, Interface, Name

TrackWeight = Annotated[int, Field(ge=-254, le=254)]


def _weights(value: Any) -> Any:
    """A list means fault (weight 0) for each of its items."""
    if isinstance(value, list):
        if not all(isinstance(item, str) for item in value):
            raise refuse("must be a list of names, or a mapping from name to weight")
        return dict.fromkeys(value, 0)
    return value


_LIST_OR_WEIGHTS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": -254, "maximum": 254}},
        ]
    }
)


class TrackScript(Section):
    """A program of the operator's: exit status 0 is well; missing, hanging or failing is not."""

    command: Command = Field(description="The program's absolute path and its arguments; no shell runs it.")
    interval: Duration = Field(5.0, description="Time between runs.")
    timeout: Duration = Field(2.0, description="A run that takes longer has failed.")
    rise: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Runs in a row until it is well.")
    fall: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Runs in a row until it has failed.")
    weight: TrackWeight = Field(0, description="Added to the priority while failed; 0: a fault.")
    user: Name = Field("nobody", description="The user it runs as.")


class TrackFile(Section):
    """A file whose number is added to the priority, times the weight; missing is a fault."""

    path: AbsolutePath = Field(description="The file.")
    weight: TrackWeight = Field(1, description="Multiplies the number in the file.")


class TrackProcess(Section):
    """A program that must be running on this director."""

    command: Annotated[str, Field(min_length=1)] = Field(description="The program's name or absolute path.")
    weight: TrackWeight = Field(0, description="Added to the priority while it is not running; 0: a fault.")
    at_least: Annotated[int, Field(ge=1)] = Field(1, description="How many must run.")
    delay: Duration = Field(0.0, description="It must be gone this long.")


class Track(Section):
    """Weights: 0 (or a plain list) means down is a fault; else added to the priority while down."""

    interfaces: Annotated[dict[Interface, TrackWeight], BeforeValidator(_weights), _LIST_OR_WEIGHTS] = Field(
        {}, description="Interfaces whose carrier matters: [eth1], or {eth1: -40}."
    )
    ping: Annotated[dict[Address, TrackWeight], BeforeValidator(_weights), _LIST_OR_WEIGHTS] = Field(
        {}, description="Addresses that must answer pings: {10.0.0.1: -60}."
    )
    services: Annotated[dict[Name, TrackWeight], BeforeValidator(_weights), _LIST_OR_WEIGHTS] = Field(
        {}, description="Services that must not be down: {www: -30}."
    )
    scripts: dict[Name, TrackScript] = Field({}, description="Programs whose exit status matters, by name.")
    files: dict[Name, TrackFile] = Field(
        {}, description="Files whose number is added to the priority, by name."
    )
    processes: dict[Name, TrackProcess] = Field({}, description="Programs that must be running, by name.")
