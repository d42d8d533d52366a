"""What the supervisor of one director does for routers: their programs, and VIPs that are not answered at."""

from collections.abc import Iterator
from typing import Any

from failover.spec import FenceSpec, TrackedObject, TrackKind
from hactl.config import resolve
from hactl.config.schema.document import Document
from hactl.config.schema.routers import Router
from hactl.config.schema.takeover import Fence, Takeover
from hactl.routers.acceptance import RefusedSpec
from hactl.routers.program_spec import FenceProgram
from hactl.routers.takeover_duty import TakeoverSpec


def takeover_specs(document: Document, node: str) -> Iterator[TakeoverSpec]:
    """One for each router that has a program."""
    for name, router in document.routers.items():
        if router.takeover is not None:
            yield _spec(name, router, node)


def fence_programs(document: Document, node: str) -> Iterator[FenceProgram]:
    """One for each router that fences."""
    for name, router in document.routers.items():
        if router.fence is not None:
            yield FenceProgram(**_program(name, router, node, router.fence), required=router.fence.required)


def fence_spec(router: Router) -> FenceSpec | None:
    """What its election must know of that."""
    given = router.fence
    if given is None:
        return None
    return FenceSpec(timeout=given.timeout, required=given.required, at_start=given.at_start == "fence")


def refused_specs(document: Document) -> Iterator[RefusedSpec]:
    """One for each router with `accept: false`."""
    for name, router in document.routers.items():
        if not router.accept:
            yield _refused(name, router)


def judged(name: str, router: Router, node: str) -> Iterator[TrackedObject]:
    """Both as something that the router tracks: what fails for good is its fault."""
    if router.takeover is not None:
        yield TrackedObject(kind=TrackKind.TAKEOVER, object="program", id=_spec(name, router, node).id)
    if not router.accept:
        yield TrackedObject(kind=TrackKind.ACCEPT, object="rules", id=_refused(name, router).id)


def _refused(name: str, router: Router) -> RefusedSpec:
    addresses = tuple(resolve.bare(virtual.address) for virtual in router.addresses)
    return RefusedSpec(router=name, addresses=addresses)


def _spec(name: str, router: Router, node: str) -> TakeoverSpec:
    given = router.takeover
    assert given is not None
    return TakeoverSpec(
        **_program(name, router, node, given), attempts=given.attempts, every=given.every, rest=given.rest
    )


def _program(name: str, router: Router, node: str, given: Takeover | Fence) -> dict[str, Any]:
    """What every program of a router has."""
    return {
        "router": name,
        "interface": resolve.here(router.interface, node) or "",
        "addresses": tuple(resolve.bare(virtual.address) for virtual in router.addresses),
        "command": tuple(given.command),
        "user": given.user,
        "timeout": given.timeout,
    }
