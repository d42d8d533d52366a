"""What one turn's events changed in the picture of this host, as the manager asks it; core.

The law: where events were lost, whatever might have happened counts as happened.
"""

from collections.abc import Collection, Mapping

import msgspec

from failover.host import Host
from failover.spec import Family
from failover.wire import AF_INET6, Address, Link


class News(msgspec.Struct, frozen=True):
    """Events that changed the picture, in order. `wide`: they may matter to routers whose VIP they do not name."""

    changed: list[Link | Address]
    wide: bool

    def links(self) -> set[str]:
        """Names of the interfaces that came, went or are otherwise than they were."""
        return {event.name for event in self.changed if isinstance(event, Link)}

    def addresses(self) -> set[bytes]:
        """The packed addresses that came, went or are otherwise than they were."""
        return {event.address for event in self.changed if isinstance(event, Address)}

    def gone(self) -> set[bytes]:
        """The packed addresses that went from some interface; another may have them still."""
        return {event.address for event in self.changed if isinstance(event, Address) and event.gone}

    def anew(self, now: Host, sources: Mapping[str, Collection[bytes]]) -> set[tuple[Family, int]]:
        """Interfaces, by family and number, that may have forgotten who joined groups there, although they look as before.

        Those that were removed, and those where one of their `sources` came: IPv6 ends on an interface whose MTU is too
        small, with all that belongs to it, and begins as on a new one.
        """
        places = set()
        for event in self.changed:
            link = now.links.get(event.index)
            if isinstance(event, Link):
                places |= {(family, event.index) for family in Family if event.gone}
            elif link is not None and not event.gone and event.address in sources.get(link.name, ()):
                places.add((Family.IPV6 if event.family == AF_INET6 else Family.IPV4, event.index))
        return places


def unknown(before: Host, now: Host) -> News:
    """Nobody knows what led from one picture to the other: every interface may have been removed and made anew."""
    removed = [msgspec.structs.replace(link, gone=True) for link in before.links.values()]
    went = [msgspec.structs.replace(address, gone=True) for address in before.addresses()]
    return News([*removed, *went, *now.links.values(), *now.addresses()], wide=True)
