"""`takeover` and `release`: an address claimed by hand, without a daemon.

Owns the looking before and the taking off; `hactl.claims.claim` judges what was seen, `hactl.claims.byhand_hold` holds.
The law: a running takeover is known to others by a name that the kernel takes back when the process ends, however it ends.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator, Sequence

from failover.host import Host
from failover.kernel import AddressWriter, picture
from failover.place import Place
from failover.wire import Link
from hactl.claims.byhand_hold import Tell, hold, submit
from hactl.claims.claim import (
    Claim,
    Refused,
    Released,
    Standing,
    Wish,
    conflict_text,
    refuse_release,
    refuse_takeover,
    refuse_together,
)

_FOREVER = 0xFFFFFFFF


def takeover(wish: Wish, tell: Tell) -> bool:
    """Claim, announce and hold the addresses until told to stop; without a lease, until they are announced.

    True when none was lost on the way. Raises Refused when nothing was taken; OSError from the kernel.
    """
    link = _usable(wish.interface, picture())
    with _names(link, wish.claims) as others:
        host = _check(wish, others)
        if not wish.force:
            _ask(wish, link, host)
            # The answers took a second to come, in which a daemon here may have become master.
            _check(wish, others)
        return asyncio.run(hold(wish, link, tell))


def release(interface: str, claims: Sequence[Claim], *, force: bool) -> tuple[Released, list[str]]:
    """Take the addresses off the interface: what was done, and a sentence for each that was refused.

    Raises Refused without such an interface; OSError from the kernel.
    """
    host = picture()
    link = _existing(interface, host)
    places: list[Place] = []
    refusals: list[str] = []
    with _names(link, claims) as others:
        for claim in claims:
            here = [
                one for one in _standings(host, claim) if one.interface == interface and _meant(claim, one)
            ]
            refusal = refuse_release(claim, interface, here, claim in others, force)
            if refusal is not None:
                refusals.append(refusal)
                continue
            places += [Place(link.index, claim.packed, one.prefix) for one in here if one.ours or force]
        if places:
            asyncio.run(_remove(tuple(places)))
    return Released(interface=interface, addresses=tuple(map(_text, places))), refusals


def _meant(claim: Claim, one: Standing) -> bool:
    return not claim.exact or claim.prefix == one.prefix


def _existing(interface: str, host: Host) -> Link:
    link = host.link(interface)
    if link is None:
        raise Refused(f"there is no interface {interface} on this host")
    return link


def _usable(interface: str, host: Host) -> Link:
    link = _existing(interface, host)
    if len(link.mac) != 6 or not any(link.mac):
        raise Refused(f"interface {interface} has no Ethernet address: nobody would hear an announcement")
    if not link.up:
        raise Refused(f"interface {interface} is down")
    return link


def _check(wish: Wish, others: set[Claim]) -> Host:
    """Refuse what this host has already; the host as it is now."""
    host = picture()
    refuse_together(
        refuse_takeover(claim, wish.interface, _standings(host, claim), claim in others)
        for claim in wish.claims
    )
    return host


def _ask(wish: Wish, link: Link, host: Host) -> None:
    """Refuse what somebody on the link has."""
    from hactl.claims.duplicates import detect

    own = {one.mac.hex(":") for one in host.links.values()}
    found = detect(wish.interface, link.mac.hex(":"), own, wish.claims)
    refuse_together(conflict_text(one, wish.interface) for one in found.values())


def _standings(host: Host, claim: Claim) -> list[Standing]:
    """Where this host has the address, whatever its prefix."""
    there = [one for one in host.addresses() if one.address == claim.packed and one.index in host.links]
    leases = _leases(claim) if any(one.ours for one in there) else {}
    return [
        Standing(
            interface=host.links[one.index].name,
            prefix=one.prefix,
            ours=one.ours,
            lease=leases.get((one.index, one.prefix)),
        )
        for one in there
    ]


def _leases(claim: Claim) -> dict[tuple[int, int], int]:
    """Seconds that the kernel still keeps an address, by interface index and prefix, where it does not keep it for ever."""
    from pyroute2 import IPRoute

    with IPRoute() as route:
        found = list(route.get_addr(family=socket.AF_INET6 if claim.ipv6 else socket.AF_INET))
    mine = [one for one in found if claim.address in (one.get("IFA_LOCAL"), one.get("IFA_ADDRESS"))]
    lives = {(one["index"], one["prefixlen"]): one.get("IFA_CACHEINFO")["ifa_valid"] for one in mine}
    return {key: seconds for key, seconds in lives.items() if seconds != _FOREVER}


@contextlib.contextmanager
def _names(link: Link, claims: Sequence[Claim]) -> Iterator[set[Claim]]:
    """Be known as the one who claims these addresses; yields those that another process claims.

    An abstract Unix socket's name (unix(7)) belongs to the network namespace, and ends with the process.
    """
    others: set[Claim] = set()
    with contextlib.ExitStack() as stack:
        for claim in claims:
            name = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC))
            try:
                name.bind(f"\0hactl/takeover/{link.index}/{claim.address}")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                others.add(claim)
        yield others


async def _remove(places: tuple[Place, ...]) -> None:
    """Take addresses off. Raises OSError."""
    loop = asyncio.get_running_loop()
    writer = AddressWriter(lambda job: loop.call_soon_threadsafe(job.done, job))
    with contextlib.closing(writer):
        job = await submit(writer, places, None, float("inf"))
    if job.error:
        raise OSError(job.error, os.strerror(job.error))


def _text(place: Place) -> str:
    family = socket.AF_INET6 if len(place.address) == 16 else socket.AF_INET
    return f"{socket.inet_ntop(family, place.address)}/{place.prefix}"
