"""Who answers for a VIP on a link, judged from what was heard; core.

The law: a director may answer, by its own MAC or the router's virtual one; everybody else may not. Where no director is
known on the link, one that answers is taken for it, and only a second one is a stranger.
"""

from collections.abc import Collection, Iterator, Mapping

import msgspec

from hactl.doctor.finding import Finding, FindingId, finding

_VIRTUAL = ("00:00:5e:00:01:", "00:00:5e:00:02:")
"""The virtual MACs of VRRP over IPv4 and IPv6 (RFC 9568 7.3)."""
Answers = Mapping[str, Collection[str]]
"""The MACs that answered for each address."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard on one interface. `directors` and `servers` are names by MAC, `own` this host's MACs."""

    interface: str
    vips: Answers
    directors: Mapping[str, str] = {}
    servers: Mapping[str, str] = {}
    own: frozenset[str] = frozenset()


def names_by_mac(addresses: Mapping[str, str], answers: Answers) -> dict[str, str]:
    """Names by MAC, of names by address and who answered for each address."""
    return {mac: name for address, name in addresses.items() for mac in answers.get(address, ())}


def strangers(heard: Heard) -> dict[str, tuple[str, ...]]:
    """For each VIP the MACs that answer for it and should not."""
    found = {}
    for vip, macs in heard.vips.items():
        others = sorted(
            mac
            for mac in macs
            if mac not in heard.own and mac not in heard.directors and not mac.startswith(_VIRTUAL)
        )
        alone = len(others) == 1 and others[0] not in heard.servers
        taken_for_director = not heard.directors and alone and len(set(macs) - heard.own) == 1
        if others and not taken_for_director:
            found[vip] = tuple(others)
    return found


def judge(heard: Heard, hidden: Collection[str]) -> Iterator[Finding]:
    """Findings about whoever answers. `hidden` are VIPs of dr and tun, which real servers have and must hide."""
    for vip, macs in strangers(heard).items():
        for mac in macs:
            server = heard.servers.get(mac)
            where = f"{mac} answers for {vip} on {heard.interface}"
            if server is not None and vip in hidden:
                mend = "on it: hactl realserver apply (then check)"
                yield finding(FindingId.SERVER_ANSWERS, server, where, mend)
            else:
                known = f"{where}; it is real server {server}" if server else where
                mend = f"find it by its MAC, and take {vip} off it"
                yield finding(FindingId.VIP_TAKEN, vip, known, mend)
