"""What a real server says of itself to the directors that ask: fit to serve a service, or not and why; core.

The law: only what keeps clients from an answer makes it unfit; a service that is not of this host has no word.
"""

from collections.abc import Mapping
from typing import Final

from hactl.doctor.finding import Finding, FindingId

STOPS: Final = frozenset(
    {
        FindingId.VIP_MISSING,
        FindingId.VIP_UNSERVED,
        FindingId.TUNNEL_CLOSED,
        FindingId.TUNNEL_FILTERED,
    }
)
"""Findings with which packets that a director sends here get no answer."""
_WORDS_LIMIT: Final = 200

Fitness = Mapping[str, tuple[Finding, ...]]
"""By service of this host, what stops it."""


def line(fitness: Fitness, asked: str) -> bytes:
    """The word of HAProxy's agent-check for a service, or for all where none is named; empty for one of others."""
    if asked and asked not in fitness:
        return b""
    stops = [one for service, found in fitness.items() if asked in ("", service) for one in found]
    if not stops:
        return b"up\n"
    first = stops[0]
    why = f"{first.subject}: {first.evidence}"
    return f"down # {' '.join(why.split())[:_WORDS_LIMIT]}\n".encode("ascii", "replace")
