"""VIPs that this host itself must not answer at, with `accept: false`, as rules of nftables; core.

The law: IPVS takes its packets first. Its hooks on what arrives for this host have priorities 98 and 99, these rules come
at 200: what they see is meant for a program here. Neighbour discovery passes: the master must answer it (RFC 9568 8.2.2).
"""

import ipaddress
from collections.abc import Iterable, Sequence

import msgspec

TABLE = "hactl-accept"
FAMILIES = {"ip": 4, "ip6": 6}
"""nftables' families with their IP versions."""
_PRIORITY = 200


class RefusedSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The VIPs of one router at which this host accepts nothing."""

    router: str
    addresses: tuple[str, ...]

    @property
    def id(self) -> str:
        """The id of the verdict on its rules; no check's id has a colon."""
        return f"accept:{self.router}"


def script(addresses: Iterable[str]) -> str:
    """What makes the tables of exactly these addresses, in one step; without any they are removed.

    One for each family: not every kernel has nftables' common one.
    """
    found = sorted({ipaddress.ip_address(address) for address in addresses}, key=lambda a: (a.version, a))
    lines = []
    for family, version in FAMILIES.items():
        lines += [f"table {family} {TABLE}", f"delete table {family} {TABLE}"]
        if drops := [f"    {family} daddr {a} counter drop" for a in found if a.version == version]:
            lines += _table(family, drops)
    return "\n".join((*lines, ""))


def _table(family: str, drops: Sequence[str]) -> list[str]:
    neighbours = ["    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"]
    return [
        f"table {family} {TABLE} {{",
        "  chain input {",
        f"    type filter hook input priority {_PRIORITY}; policy accept;",
        '    iif "lo" accept',
        *(neighbours if family == "ip6" else ()),
        *drops,
        "  }",
        "}",
    ]
