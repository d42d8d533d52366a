"""Asks a link who answers for the VIPs, and whose MACs those are; edge.

The law: nothing that is sent changes anybody's cache (`hactl.claims.duplicates`); real servers are asked only when somebody
answers who is no director, to give it its name.
"""

from collections.abc import Iterable, Mapping

import msgspec

from hactl.claims.claim import parse
from hactl.claims.duplicates import who_has
from hactl.doctor.answers import Heard, names_by_mac, strangers

MOST = 250
"""Addresses that are asked for on one link; more would be a storm."""


def ask(
    interface: str,
    macs: Mapping[str, str],
    vips: Iterable[str],
    directors: Mapping[str, str],
    servers: Mapping[str, str],
) -> Heard:
    """Who answers on this interface. `macs` are this host's by interface; names are by address. Raises OSError."""
    wanted = tuple(dict.fromkeys(vips))[:MOST]
    answers = _who_has(interface, macs[interface], [*wanted, *directors])
    heard = Heard(
        interface=interface,
        vips={vip: answers[vip] for vip in wanted if vip in answers},
        directors=names_by_mac(directors, answers),
        own=frozenset(macs.values()),
    )
    if not strangers(heard):
        return heard
    named = _who_has(interface, macs[interface], list(servers)[:MOST])
    return msgspec.structs.replace(heard, servers=names_by_mac(servers, named))


def _who_has(interface: str, mac: str, addresses: Iterable[str]) -> dict[str, set[str]]:
    claims = [parse(address) for address in dict.fromkeys(addresses)]
    return who_has(interface, mac, claims) if claims else {}
