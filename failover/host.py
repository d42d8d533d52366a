"""What this host has right now, as far as routers need it: interfaces and addresses.

Owns the picture built from netlink's events, and the plain questions asked of it: what keeps a router from running here,
where its adverts come from, which VIPs were found. Nothing here asks the kernel.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import msgspec

from failover.packet import OWNER
from failover.place import Place
from failover.priority import Known, Seen, weigh
from failover.spec import AddressSpec, Family, RouterSpec
from failover.wire import AF_INET, AF_INET6, Address, Link

_REMEMBERED = 4096
_NOTHING: Mapping[str, bool] = {}


class Host:
    """Interfaces by index, addresses by interface, packed address and prefix."""

    def __init__(self) -> None:
        self.links: dict[int, Link] = {}
        self._names: dict[str, int] = {}
        self._addresses: dict[tuple[int, bytes], dict[int, Address]] = {}
        self._foreign: dict[int, tuple[Address, ...]] = {}
        """What `foreign` found; forgotten when it may have changed."""
        self.changes = 0
        """How often the picture has changed."""

    def apply(self, news: Link | Address) -> bool:
        """Take one event; True when the picture changed."""
        if self.concerns_all(news):
            self._foreign.clear()
        changed = self._take(news)
        self.changes += changed
        return changed

    def _take(self, news: Link | Address) -> bool:
        if isinstance(news, Link):
            return self._apply_link(news)
        if news.gone:
            return self._forget(news)
        there = self._addresses.setdefault((news.index, news.address), {})
        changed = there.get(news.prefix) != news
        there[news.prefix] = news
        return changed

    def apply_all(self, events: Iterable[Link | Address]) -> tuple[list[Link | Address], bool]:
        """Take events: those that changed the picture, and whether one may matter to routers whose VIP it does not name."""
        changed, wide = [], False
        for event in events:
            concerns_all = self.concerns_all(event)
            if self.apply(event):
                changed.append(event)
                wide = wide or concerns_all
        return changed, wide

    def concerns_all(self, news: Link | Address) -> bool:
        """Whether an event, not taken yet, may matter to routers other than those whose VIP it names."""
        if isinstance(news, Link):
            return True
        there = self._addresses.get((news.index, news.address), {}).get(news.prefix, news)
        return not (there.ours and news.ours)

    def _forget(self, gone: Address) -> bool:
        """Nothing is left of an address that is gone: temporary ones come and go for years."""
        key = gone.index, gone.address
        there = self._addresses.get(key, {})
        known = there.pop(gone.prefix, None) is not None
        if known and not there:
            del self._addresses[key]
        return known

    def _apply_link(self, link: Link) -> bool:
        old = self.links.get(link.index)
        if old is not None and self._names.get(old.name) == old.index:
            del self._names[old.name]
        if link.gone:
            for key in [key for key in self._addresses if key[0] == link.index]:
                del self._addresses[key]
            return self.links.pop(link.index, None) is not None
        self.links[link.index] = link
        self._names[link.name] = link.index
        return old != link

    def link(self, name: str) -> Link | None:
        """The interface of this name."""
        index = self._names.get(name)
        return None if index is None else self.links[index]

    def addresses(self) -> Iterator[Address]:
        """Every address on every interface."""
        return (address for there in self._addresses.values() for address in there.values())

    def foreign(self, index: int) -> tuple[Address, ...]:
        """The addresses on an interface that are not ours, in use."""
        if index not in self._foreign:
            self._foreign[index] = tuple(
                a for a in self.addresses() if a.index == index and not a.ours and not a.tentative
            )
        return self._foreign[index]

    def has(self, spec: AddressSpec) -> tuple[Address, ...]:
        """The address as it is on its interface now; with other prefixes it may be there more than once."""
        return self.on(spec.bearer, spec.address)

    def on(self, interface: str, address: str) -> tuple[Address, ...]:
        """An address as it is on this interface now."""
        link = self.link(interface)
        return () if link is None else tuple(self._addresses.get((link.index, packed(address)), {}).values())

    def holds(self, place: Place) -> bool:
        """Whether the kernel has told that this address is on this interface, by our hand."""
        there = self._addresses.get((place.index, place.address), {}).get(place.prefix)
        return there is not None and there.ours


class Standing(msgspec.Struct, frozen=True):
    """How a router stands on this host: what keeps it from running (None: nothing), its source and priority.

    `fault` is one of interfaces and addresses, and must last for `link_delay`; `tracked_fault` one of other tracked
    objects. `reachable`: peers can still hear us although there is a fault. `owned` are VIPs that an operator configured
    here. `unproven`: something that this director is judged by has no verdict yet.
    """

    fault: str | None
    reachable: bool
    source: bytes
    priority: int
    owned: frozenset[str] = frozenset()
    tracked_fault: str | None = None
    unproven: bool = False
    seen: tuple[Seen, ...] = ()


@lru_cache(maxsize=_REMEMBERED)
def packed(address: str) -> bytes:
    """An address as 4 or 16 bytes. The same few are asked for at every advert."""
    return ipaddress.ip_address(address).packed


@lru_cache(maxsize=_REMEMBERED)
def shown(address: bytes) -> str:
    """A packed address as people write it."""
    return str(ipaddress.ip_address(address))


def standing(
    spec: RouterSpec,
    host: Host,
    known: Known,
    trouble: str | None = None,
    settled: Mapping[str, bool] = _NOTHING,
) -> Standing:
    """Whether and how this router can run here now, given what is `known` of all it tracks besides interfaces.

    `trouble` says why it cannot send and hear although its interface is there. `settled` are carriers of tracked interfaces
    that count in place of those seen now.
    """
    owned = _owned(spec, host)
    source = _source(spec, host)
    link = host.link(spec.interface)
    weighed = weigh(spec.priority, spec.track, known, lambda name: settled.get(name, has_carrier(host, name)))
    fault, reachable = _missing(spec, host), True
    if fault is not None:
        reachable = link is not None and link.up and bool(source)
    elif not source:
        fault, reachable = f"interface {spec.interface} has no {_source_words(spec)} to send from", False
    return Standing(
        fault=fault or weighed.interface_fault or trouble,
        reachable=reachable,
        source=source,
        priority=OWNER if owned else weighed.priority,
        owned=owned,
        tracked_fault=weighed.fault,
        unproven=weighed.unproven,
        seen=weighed.seen,
    )


def _missing(spec: RouterSpec, host: Host) -> str | None:
    names = [spec.interface, *(a.interface for a in spec.addresses)]
    for name in dict.fromkeys(names):
        link = host.link(name)
        if link is None:
            return f"interface {name} does not exist"
        if not link.up:
            return f"interface {name} is down"
    for vip in spec.addresses:
        if vip.device and any(not there.ours for there in host.on(vip.interface, vip.address)):
            return f"{vip.address} is on {vip.interface} itself, whose MAC is not the virtual one"
    return None


def has_carrier(host: Host, name: str) -> bool:
    """Whether an interface is there and up."""
    link = host.link(name)
    return link is not None and link.up


def _owned(spec: RouterSpec, host: Host) -> frozenset[str]:
    """VIPs that stand unmarked on their interface: this director is their owner (RFC 9568 section 1.7)."""
    return frozenset(vip.address for vip in spec.addresses if any(not a.ours for a in host.has(vip)))


def _source(spec: RouterSpec, host: Host) -> bytes:
    """The configured source if it is there, else the interface's first own address of the router's family."""
    link = host.link(spec.interface)
    if link is None:
        return b""
    mine = host.foreign(link.index)
    if spec.source is not None:
        wanted = packed(spec.source)
        return wanted if any(a.address == wanted for a in mine) else b""
    vips = {packed(vip.address) for vip in spec.addresses}
    if spec.family is Family.IPV6:
        local = [a.address for a in mine if a.family == AF_INET6]
        return next((a for a in local if ipaddress.IPv6Address(a).is_link_local and a not in vips), b"")
    own = [a.address for a in mine if a.family == AF_INET]
    return next((a for a in own if a not in vips), own[0] if own else b"")


def _source_words(spec: RouterSpec) -> str:
    if spec.source is not None:
        return f"address {spec.source}"
    return "link-local address" if spec.family is Family.IPV6 else "IPv4 address"


def inherited(spec: RouterSpec, host: Host) -> bool:
    """Whether a marked VIP of this router is on its interface, left by a daemon before us."""
    return any(there.ours for vip in spec.addresses for there in host.has(vip))


def strays(specs: tuple[RouterSpec, ...], host: Host) -> list[Address]:
    """Marked addresses on the routers' interfaces that no router of these wants any more, save what is held by hand."""
    vips = [vip for spec in specs for vip in spec.addresses]
    interfaces = {name for vip in vips for name in (vip.bearer, vip.interface)} | {s.interface for s in specs}
    wanted = {(vip.bearer, packed(vip.address)) for vip in vips}
    names = {link.index: link.name for link in host.links.values()}
    marked = (a for a in host.addresses() if a.ours and not a.by_hand and names.get(a.index) in interfaces)
    return [a for a in marked if (names[a.index], a.address) not in wanted]
