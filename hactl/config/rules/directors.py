"""Rules of `directors` and of the channel between them."""

from collections.abc import Iterator

from hactl.config.resolve import director_priorities
from hactl.config.rules.finding import Finding, World, fault, warning
from hactl.ipvs.model import family_of


def enough(world: World) -> Iterator[Finding]:
    """A cluster needs a director, and a second one to fail over to."""
    count = len(world.named("directors"))
    if count == 0 and "directors" in world.names:
        yield fault("directors", message="there is no director")
    elif count == 1:
        yield warning(
            "directors", message="there is one director only, so nothing takes over from it", key=True
        )


def addresses(world: World) -> Iterator[Finding]:
    """Each director has addresses, one of each family at most, and shares none."""
    owners: dict[str, str] = {}
    for name, director in world.document.directors.items():
        if director.address is not None and director.addresses is not None:
            yield fault(
                "directors", name, "addresses", message="give address or addresses, not both", key=True
            )
        elif not director.all_addresses:
            yield fault("directors", name, message="an address is required", key=True)
        families = [family_of(address) for address in director.all_addresses]
        if len(set(families)) < len(families):
            yield fault("directors", name, "addresses", message="give one address of each family at most")
        for address in director.all_addresses:
            if owners.setdefault(address, name) != name:
                yield fault(
                    "directors", name, message=f"has the same address as {owners[address]}: {address}"
                )


def owner_priority(world: World) -> Iterator[Finding]:
    """Priority 255 is for the owner of the VIPs only."""
    for name, director in world.document.directors.items():
        if director.priority == 255:
            yield warning(
                "directors",
                name,
                "priority",
                message="255 means that this director owns the VIPs as its own addresses; else use 1 to 254",
            )


def equal_priorities(world: World) -> Iterator[Finding]:
    """Equal priorities leave the choice to the addresses."""
    seen: dict[int, str] = {}
    for name, priority in director_priorities(world.document).items():
        first = seen.setdefault(priority, name)
        if first != name:
            yield warning(
                "directors",
                name,
                message=f"has the same priority as {first} ({priority}); the higher address decides",
                key=True,
            )


def peer_channel(world: World) -> Iterator[Finding]:
    """The channel needs a key, and each link an address of every director."""
    peer = world.document.peer
    if peer is None:
        return
    if peer.key_file is None:
        yield warning("peer", message="without key_file the peer channel stays off", key=True)
    for index, link in enumerate(peer.links):
        for name in sorted(world.named("directors") - link.keys()):
            yield fault("peer", "links", index, message=f"has no address for the director {name}")
        if len(set(link.values())) < len(link):
            yield fault("peer", "links", index, message="two directors have the same address")
        if len({family_of(address) for address in link.values()}) > 1:
            yield fault("peer", "links", index, message="mixes IPv4 and IPv6")


RULES = (enough, addresses, owner_priority, equal_priorities, peer_channel)
