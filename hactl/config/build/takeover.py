"""Takeover programs as the supervisor of one director gets them."""

from collections.abc import Iterator

from failover.spec import TrackedObject, TrackKind
from hactl.config import resolve
from hactl.config.schema.document import Document
from hactl.config.schema.routers import Router
from hactl.takeover_duty import TakeoverSpec


def takeover_specs(document: Document, node: str) -> Iterator[TakeoverSpec]:
    """One for each router that has a program."""
    for name, router in document.routers.items():
        if router.takeover is not None:
            yield _spec(name, router, node)


def judged(name: str, router: Router, node: str) -> tuple[TrackedObject, ...]:
    """The program as something that the router tracks: when it fails for good the router is in fault."""
    if router.takeover is None:
        return ()
    return (TrackedObject(kind=TrackKind.TAKEOVER, object="program", id=_spec(name, router, node).id),)


def _spec(name: str, router: Router, node: str) -> TakeoverSpec:
    given = router.takeover
    assert given is not None
    return TakeoverSpec(
        router=name,
        interface=resolve.here(router.interface, node) or "",
        addresses=tuple(resolve.bare(virtual.address) for virtual in router.addresses),
        command=tuple(given.command),
        user=given.user,
        timeout=given.timeout,
        attempts=given.attempts,
        every=given.every,
        rest=given.rest,
    )
