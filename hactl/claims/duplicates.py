"""Duplicate address detection: asks the link who has an address, with scapy.

ARP probes from 0.0.0.0 (RFC 5227 2.1.1) and neighbour solicitations from the unspecified address (RFC 4862 5.4.2), so
that nobody's cache learns anything from the question. Three of each, as the RFC has it, but closer together: its pauses
of 1 to 2 s are for hosts that start, and here an address is missing meanwhile.
"""

import contextlib
import ipaddress
import logging
import select
import socket
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from hactl.claims.claim import Claim, Heard, conflicts

if TYPE_CHECKING:
    from scapy.arch.linux import L2Socket
    from scapy.packet import Packet

PROBES = 3
PAUSE = 0.3
"""Seconds between one probe and the next."""
LAST_WAIT = 0.6
"""Seconds in which the last probe is answered, if at all."""
_MANY = 16
"""So many answers for one address are told apart; a link that sends more is not believed any better."""
_ARP, _IPV6 = 0x0806, 0x86DD
_ICMPV6, _SOLICITATION, _ADVERTISEMENT = 58, 135, 136


def detect(interface: str, mac: str, own: Collection[str], claims: Collection[Claim]) -> dict[str, Heard]:
    """Who else on the interface's link has one of these addresses, or is taking it; by address.

    `mac` is the interface's own, `own` are all of this host's. Takes 1.2 s when nobody answers. Raises OSError.
    """
    with _asking(interface, mac, claims) as rounds:
        for heard in rounds:
            found = conflicts(heard, claims, own)
            if found:
                return found
    return {}


@contextlib.contextmanager
def _asking(interface: str, mac: str, claims: Collection[Claim]) -> Iterator[Iterator[Iterator[Heard]]]:
    """Ask for all addresses, round by round; of each round, what is heard until the next."""
    # scapy tells of interfaces without addresses and other things that are no concern of an operator.
    logging.getLogger("scapy").setLevel(logging.ERROR)
    from scapy.arch.linux import L2Socket

    questions = [_question(claim, mac) for claim in claims]
    kinds = {_IPV6 if claim.ipv6 else _ARP for claim in claims}
    with contextlib.ExitStack() as stack:
        sockets = {kind: stack.enter_context(L2Socket(iface=interface, type=kind)) for kind in kinds}
        yield (_round(sockets, questions, last=number == PROBES - 1) for number in range(PROBES))


def _round(sockets: "dict[int, L2Socket]", questions: "list[Packet]", *, last: bool) -> Iterator[Heard]:
    for question in questions:
        sockets[question.type].send(question)
    yield from _listen(list(sockets.values()), time.monotonic() + (LAST_WAIT if last else PAUSE))


def who_has(interface: str, mac: str, claims: Collection[Claim]) -> dict[str, set[str]]:
    """The MACs of all that answer for each of these addresses on the interface's link; one that nobody has is left out.

    `mac` is the interface's own. Takes 1.2 s. Raises OSError.
    """
    wanted = {claim.address for claim in claims}
    found: dict[str, set[str]] = {}
    with _asking(interface, mac, claims) as rounds:
        for heard in rounds:
            for one in heard:
                macs = (
                    found.setdefault(one.address, set()) if one.address in wanted and not one.asking else None
                )
                if macs is not None and len(macs) < _MANY:
                    macs.add(one.mac)
    return found


def _question(claim: Claim, mac: str) -> "Packet":
    from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
    from scapy.layers.l2 import ARP, Ether
    from scapy.utils6 import in6_getnsma, in6_getnsmac

    if not claim.ipv6:
        probe = ARP(op="who-has", hwsrc=mac, psrc="0.0.0.0", hwdst="00:00:00:00:00:00", pdst=claim.address)
        return Ether(src=mac, dst="ff:ff:ff:ff:ff:ff", type=_ARP) / probe
    group = in6_getnsma(claim.packed)
    solicitation = IPv6(src="::", dst=socket.inet_ntop(socket.AF_INET6, group), hlim=255)
    return Ether(src=mac, dst=in6_getnsmac(group), type=_IPV6) / solicitation / ICMPv6ND_NS(tgt=claim.address)


def _listen(sockets: "list[L2Socket]", until: float) -> Iterator[Heard]:
    """What was said of any address before `until` (monotonic seconds)."""
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select(sockets, [], [], left)
        for one in ready:
            _, data, _ = one.recv_raw()
            heard = _heard(data) if data is not None else None
            if heard is not None:
                yield heard


def _heard(data: bytes) -> Heard | None:
    """What an Ethernet frame says of an address; None for anything but address resolution."""
    # scapy takes 500 us a frame, and a director's interface may carry very many of another kind.
    if not _is_arp(data) and not _is_neighbour_discovery(data):
        return None
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, IPv6
    from scapy.layers.l2 import ARP, Ether

    frame = Ether(data)
    if ARP in frame:
        arp = frame[ARP]
        if arp.psrc != "0.0.0.0":
            return Heard(mac=arp.hwsrc, address=arp.psrc)
        return Heard(mac=arp.hwsrc, address=arp.pdst, asking=True)
    if ICMPv6ND_NA in frame:
        return Heard(mac=frame.src, address=_canonical(frame[ICMPv6ND_NA].tgt))
    if ICMPv6ND_NS in frame and frame[IPv6].src == "::":
        return Heard(mac=frame.src, address=_canonical(frame[ICMPv6ND_NS].tgt), asking=True)
    return None


def _is_arp(data: bytes) -> bool:
    """ARP for IPv4 over Ethernet (RFC 826)."""
    return data[12:20] == bytes.fromhex("0806 0001 0800 0604") and len(data) >= 42


def _is_neighbour_discovery(data: bytes) -> bool:
    """A solicitation or advertisement with hop limit 255: sent on this link (RFC 4861 7.1.1 and 7.1.2)."""
    kinds = (_SOLICITATION, _ADVERTISEMENT)
    is_icmp = data[12:14] == b"\x86\xdd" and len(data) >= 78 and data[20] == _ICMPV6
    return is_icmp and data[21] == 255 and data[54] in kinds


def _canonical(address: str) -> str:
    return str(ipaddress.IPv6Address(address))
