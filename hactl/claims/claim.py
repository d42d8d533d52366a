"""Addresses that an operator claims by hand, and when `takeover` and `release` must say no; core.

The law: nothing is taken that this host or another has already, and nothing is taken off that hactl did not put
there, unless the operator insists; a daemon's VIP is the daemon's own business even then.
"""

import ipaddress
from collections.abc import Collection, Iterable

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """An address that an operator named: canonical, with its prefix length. Its text is ADDRESS/PREFIX.

    `exact`: the prefix was written out, so that only an address with this one is meant.
    """

    address: str
    prefix: int
    exact: bool = False

    @property
    def packed(self) -> bytes:
        """The address as 4 or 16 bytes."""
        return ipaddress.ip_address(self.address).packed

    @property
    def ipv6(self) -> bool:
        """Whether it is an IPv6 address."""
        return ":" in self.address

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An address as this host has it now. `lease`: seconds the kernel still keeps it, None for ever."""

    interface: str
    prefix: int
    ours: bool
    lease: int | None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What a station on the link said of an address: that it has it, or (`asking`) that it is about to take it."""

    mac: str
    address: str
    asking: bool = False


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What `takeover` is asked for. `lease` is whole seconds, 0 for ever; `refresh` seconds between announcements.

    `force`: without asking the link whether somebody has the addresses.
    """

    interface: str
    claims: tuple[Claim, ...]
    lease: int
    refresh: float
    force: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="taken"):
    """The addresses are on the interface and announced. `lease` is seconds, None for ever."""

    interface: str
    addresses: tuple[str, ...]
    lease: int | None


class Lost(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="lost"):
    """An address is no longer held here, against the operator's wish."""

    interface: str
    address: str
    reason: str


class Released(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="released"):
    """The addresses were taken off the interface."""

    interface: str
    addresses: tuple[str, ...]


Report = Taken | Lost | Released


class Refused(Exception):
    """Nothing was done; the arguments say why, a sentence each."""


def parse(text: str) -> Claim:
    """ADDRESS or ADDRESS/PREFIX, by default /32 or /128. ValueError with a sentence otherwise."""
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        raise ValueError(f"'{text}' is no IPv4 or IPv6 address, alone or with /PREFIX") from None
    address, network = found.ip, found.network
    if "%" in text:
        raise ValueError(f"'{text}' names an interface; give it with -i")
    nobodys = address.is_multicast or address.is_unspecified or address.is_loopback
    if nobodys or str(address) == "255.255.255.255":
        raise ValueError(f"{address} is no host's address on a network")
    if network.num_addresses > 2 and address == network.network_address:
        raise ValueError(f"{text} is the address of the network itself, not of a host")
    last = network.broadcast_address if address.version == 4 else None
    if network.num_addresses > 2 and address == last:
        raise ValueError(f"{text} is the broadcast address of its network, not of a host")
    return Claim(str(address), network.prefixlen, exact="/" in text)


def refuse_takeover(claim: Claim, interface: str, there: Collection[Standing], by_hand: bool) -> str | None:
    """Why this address cannot be taken on this interface, given where the host has it; None when it can.

    `by_hand`: another `hactl takeover` holds it or is taking it. On `lo` it is a real server's, and no obstacle.
    """
    address = claim.address
    if by_hand:
        return f"another `hactl takeover` on this host has {address}"
    for one in there:
        if one.interface not in (interface, "lo"):
            return f"this host has {address} on {one.interface} already"
    here = [one for one in there if one.interface == interface]
    if not here:
        return None
    if any(not one.ours for one in here):
        return f"{address} is on {interface} already, as this host's own address, not by hactl"
    lease = next((one.lease for one in here if one.lease is not None), None)
    if lease is None:
        return (
            f"{address} is on {interface} already, by hactl and without a lease; `hactl release` takes it off"
        )
    return f"{address} is on {interface} already, {_foreign_lease(lease)}"


def refuse_release(
    claim: Claim, interface: str, here: Collection[Standing], by_hand: bool, force: bool
) -> str | None:
    """Why this address is not taken off the interface, given how it stands there; None when it can be.

    `by_hand`: a running `hactl takeover` holds it; it notices that it has lost the address.
    """
    address = claim.address
    if not here:
        return f"{address} is not on {interface}"
    ours = [one for one in here if one.ours]
    if force:
        return None
    if not ours:
        return (
            f"{address} is on {interface}, but hactl did not put it there; --force takes it off all the same"
        )
    lease = next((one.lease for one in ours if one.lease is not None), None)
    if lease is not None and not by_hand:
        return f"{address} is on {interface} {_foreign_lease(lease)}; --force takes it off all the same"
    return None


def refuse_together(sentences: Iterable[str | None]) -> None:
    """Raise Refused with all the sentences there are; nothing without any."""
    found = [sentence for sentence in sentences if sentence is not None]
    if found:
        raise Refused(*found)


def _foreign_lease(seconds: int) -> str:
    """Whose a lease may be that no `hactl takeover` renews, and what to do about each."""
    return (
        f"with a lease of {seconds} s from a hactl daemon (then `hactl handover` moves it) "
        "or from a takeover that was killed (then it ends by itself)"
    )


def conflicts(heard: Iterable[Heard], claims: Collection[Claim], own: Collection[str]) -> dict[str, Heard]:
    """Who else has, or is taking, an address that is claimed, by address (RFC 5227 2.1.1, RFC 4862 5.4.3 and 5.4.4).

    `own` are this host's MACs. One that has it counts before one that asks for it.
    """
    wanted = {claim.address for claim in claims}
    found: dict[str, Heard] = {}
    for one in heard:
        if one.address in wanted and one.mac not in own:
            known = found.get(one.address)
            if known is None or (known.asking and not one.asking):
                found[one.address] = one
    return found


def conflict_text(found: Heard, interface: str) -> str:
    """The sentence that refuses a takeover because of somebody on the link."""
    if found.asking:
        return f"{found.address} is being taken by {found.mac} on {interface} at this moment"
    return (
        f"{found.address} is in use: {found.mac} answers for it on {interface}; --force takes it all the same"
    )
