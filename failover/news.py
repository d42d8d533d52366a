"""What one turn's events changed in the picture of this host, as the manager asks it; core.

The law: where events were lost, whatever might have happened counts as happened.
"""

import msgspec

from failover.host import Host
from failover.wire import Address, Link


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


def unknown(before: Host, now: Host) -> News:
    """Nobody knows what led from one picture to the other: every interface may have been removed and made anew."""
    removed = [msgspec.structs.replace(link, gone=True) for link in before.links.values()]
    went = [msgspec.structs.replace(address, gone=True) for address in before.addresses()]
    return News([*removed, *went, *now.links.values(), *now.addresses()], wide=True)
