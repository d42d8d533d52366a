"""Other addresses under our VRID: a peer with another configuration, or another cluster that uses the same number.

Owns the comparison and how often it is told. The law: a difference is an alarm and never an input of the election (RFC 9568
section 7.1 leaves the comparison open; directors whose lists change one after the other must not both become master).
"""

import ipaddress
from collections.abc import Collection, Iterable, Sequence

from failover.host import packed
from failover.packet import RELEASE, Advert
from failover.spec import AddressSpec

TELL_EVERY = 60.0
"""Seconds between two warnings of one router, whoever sends whatever."""
_SHOWN = 3


class Difference:
    """What was heard last that differs, of one router."""

    def __init__(self, vips: Iterable[AddressSpec]) -> None:
        self._ours = frozenset(packed(vip.address) for vip in vips if vip.advertise)
        self._text = ""
        self._until = self._quiet_until = self._looked = float("-inf")

    def hear(self, advert: Advert, source: str, now: float) -> str:
        """Compare an advert with our own; a warning for the log, empty when there is none to be given now."""
        if (
            advert.priority == RELEASE
            or self._ours == frozenset(advert.addresses)
            or now < self._looked + 1.0
        ):
            return ""
        self._looked = now
        self._text = f"{source} advertises VRID {advert.vrid} {difference(self._ours, advert.addresses)}"
        self._until = now + TELL_EVERY
        if now < self._quiet_until:
            return ""
        self._quiet_until = now + TELL_EVERY
        return f"{self._text}: a peer with another configuration, or another cluster with the same VRID"

    def text(self, now: float) -> str:
        """For status, as long as it is of interest."""
        return self._text if now < self._until else ""


def difference(ours: Collection[bytes], theirs: Collection[bytes]) -> str:
    """How a list of packed addresses differs from ours, empty when it does not."""
    missing, more = set(ours) - set(theirs), set(theirs) - set(ours)
    return " and ".join(
        f"{word} {_some(sorted(some))}" for word, some in (("without", missing), ("with", more)) if some
    )


def _some(addresses: Sequence[bytes]) -> str:
    more = len(addresses) - _SHOWN
    shown = ", ".join(str(ipaddress.ip_address(address)) for address in addresses[:_SHOWN])
    return shown + (f" and {more} more" if more > 0 else "")
