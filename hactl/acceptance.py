"""VIPs that this host itself must not answer at, with `accept: false`, as rules of nftables; core.

The law: IPVS takes its packets first. Its hooks on what arrives for this host have priorities 98 and 99, these rules come
at 200: what they see is meant for a program here. Neighbour discovery passes: the master must answer it (RFC 9568 8.2.2).
"""

import ipaddress
from collections.abc import Iterable

import msgspec

TABLE = "hactl-accept"
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
    """What makes the table of exactly these addresses, in one step; without any it is removed."""
    found = sorted({ipaddress.ip_address(address) for address in addresses}, key=lambda a: (a.version, a))
    lines = [f"table inet {TABLE}", f"delete table inet {TABLE}"]
    if not found:
        return "\n".join(lines) + "\n"
    drops = [f"    {'ip6' if a.version == 6 else 'ip'} daddr {a} counter drop" for a in found]
    return "\n".join(
        [
            *lines,
            f"table inet {TABLE} {{",
            "  chain input {",
            f"    type filter hook input priority {_PRIORITY}; policy accept;",
            '    iif "lo" accept',
            "    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
            *drops,
            "  }",
            "}",
            "",
        ]
    )
