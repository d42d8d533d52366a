"""Rules of routers whose VIPs the director itself does not answer at."""

from collections.abc import Iterator

from hactl.config import resolve
from hactl.config.rules.finding import Finding, World, fault


def local(world: World) -> Iterator[Finding]:
    """A director that is itself a real server, by dr or tun, must accept what comes to the VIP."""
    own = resolve.directors_by_address(world.document)
    closed = {
        resolve.bare(virtual.address): name
        for name, router in world.document.routers.items()
        if not router.accept
        for virtual in router.addresses
    }
    for name, service in world.document.services.items():
        router = closed.get(service.address or "")
        for server, given in resolve.servers_of(world.document, service).items() if router else ():
            if given.address in own:
                message = f"{server} of the service {name} is a director, which must then answer at {service.address} itself"
                yield fault("routers", str(router), "accept", message=message)


RULES = (local,)
