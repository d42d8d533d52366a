"""What routers track, as the failover worker and the health workers get it."""

from collections.abc import Iterator

from failover.spec import TrackedObject, TrackKind
from hactl.config.schema.track import Track

SERVICE_ID = "service:{}"
"""The id of a tracked service's verdict; no check's id has a colon."""


def tracked_objects(track: Track) -> Iterator[TrackedObject]:
    """Everything that a router tracks, in the order of the schema."""
    for name, weight in track.interfaces.items():
        yield TrackedObject(kind=TrackKind.INTERFACE, object=name, weight=weight)
    for name, weight in track.services.items():
        yield TrackedObject(kind=TrackKind.SERVICE, object=name, weight=weight, id=SERVICE_ID.format(name))
