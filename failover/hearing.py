"""What one router heard and from whom, for status and log: directors, their checksums, what differs, what was dropped.

Nothing here decides anything. Core.
"""

from collections.abc import Iterable, Iterator

from failover.difference import Difference
from failover.host import shown
from failover.neighbours import hear
from failover.packet import Advert, Coverage, Drop
from failover.refusals import QUIET, Refusals
from failover.spec import AddressSpec, Family, RouterSpec


class Hearing:
    """Of one router. `neighbours`: when each director was last heard; `checksums`: the form that each sends (v3, IPv4)."""

    def __init__(self, vips: Iterable[AddressSpec]) -> None:
        self.refusals = Refusals()
        self.neighbours: dict[str, float] = {}
        self.checksums: dict[str, Coverage] = {}
        self._difference = Difference(vips)
        self._quiet_until = float("-inf")

    def adopt(self, vips: Iterable[AddressSpec]) -> None:
        """A reload changed the addresses."""
        self._difference = Difference(vips)

    def hear(self, spec: RouterSpec, advert: Advert, source: bytes, now: float) -> Iterator[str]:
        """An advert was taken; warnings for the log."""
        address = shown(source)
        hear(self.neighbours, address, now)
        self.refusals.accept(address)
        if differs := self._difference.hear(advert, address, now):
            yield differs
        if spec.version == 3 and spec.family is Family.IPV4:
            yield from self._checksum(spec, address, advert.coverage, now)

    def refuse(self, drop: Drop, source: bytes, note: str, now: float) -> str:
        """An advert meant for this router was dropped; the alarm, mostly empty."""
        return self.refusals.refuse(drop, shown(source), note, now)

    def text(self, now: float) -> str:
        """For status, what is out of order."""
        return "; ".join(filter(None, (self._difference.text(now), self.refusals.text(now))))

    def _checksum(self, spec: RouterSpec, address: str, form: Coverage, now: float) -> Iterator[str]:
        """A form that is not ours is told: its sender may take none but its own."""
        if self.checksums.get(address) is form:
            return
        self.checksums[address] = form
        for gone in self.checksums.keys() - self.neighbours.keys():
            del self.checksums[gone]
        if form.value != spec.checksum.value and now >= self._quiet_until:
            self._quiet_until = now + QUIET
            yield f"{address} sends {form.text}, we {Coverage(spec.checksum.value).text} (key `checksum`)"
