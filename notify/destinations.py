"""Where a webhook may not go, whatever its name resolves to; core.

The law: an alert goes to hosts, never to what only this machine's surroundings can reach by accident: the link's own
addresses (among them the instance metadata that clouds offer, which gives keys to whoever asks), multicast, nobody. The
loopback and private networks are where many receivers live, and are allowed.
"""

import ipaddress

_METADATA = frozenset({"fd00:ec2::254", "fd20:ce::254"})
"""Metadata services whose address is not link-local."""


def is_forbidden(address: str) -> str:
    """Why nothing is posted to this address, in words; empty when it may be."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is no address"
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    real = mapped or parsed
    if real.is_link_local or str(real) in _METADATA:
        return f"{address} is a link-local or metadata address"
    if real.is_multicast:
        return f"{address} is a multicast address"
    if real.is_unspecified:
        return f"{address} is nobody's address"
    return ""
