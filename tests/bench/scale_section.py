"""The page's part on thousands of servers, and on services that share them.

Its law: text from a book's samples alone.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from bench.book import Document
from bench.scale import Scaled
from bench.section import Section, conditions, verdict
from bench.section import table as rows_of

_SHARING = """Services over the same 200 servers, one tcp check a second of each. hactl probes equal checks once, however
many services use them; keepalived probes each server for each service.
"""
_TABLE = """In services of a hundred servers, in the lab kernel, where everything takes longer, starting Python most of all:
only the ratios count. A start ends when the kernel's table holds every server. hactl lets no server in before its first
passed check; keepalived does so with `alpha`, and then spreads the first checks over their interval of 30 s, which is its
default; without `alpha` it fills the table at once, before it knows of any server. A reload ends when the table has the new
weights. The first reload loads what reads the file, which hactl keeps for five minutes; the others follow within those.
Of hactl's reload the 4,000 writes are a tenth of a second; the rest is Python that reads, checks and compares ten thousand
servers, and weighs more in this kernel: on the running one a reload of them with ten changed takes 0.8 s beside 9.4 s.
"""


def sharing(found: Document) -> Section:
    """Fifty services over the same servers."""
    return _section("Services that share servers", _SHARING, found)


def table(found: Document) -> Section:
    """Start and reload."""
    return _section("Thousands of servers: start and reload", _TABLE, found)


def _section(title: str, words: str, found: Document) -> Section:
    head = ("", "servers", "hactl", "beside it", "ratio", "hactl's writes", "target")
    rows = rows_of(head, (tuple(_cells(one)) for one in found.of("scale")))
    return Section(f"## {title}\n\n{words}\n{conditions(found.conditions)}\n\n{rows}", {})


def _cells(sample: dict[str, Any]) -> Iterator[str]:
    one = msgspec.convert(sample, Scaled)
    yield from (one.what, f"{one.servers:,}")
    yield from (f"{value:.2f} {one.unit}".strip() for value in (one.ours, one.theirs))
    yield f"{one.ratio:.2f}"
    yield f"{one.writes:,}" if one.writes >= 0 else ""
    yield f"at most {one.target:g}: {verdict(one.met)}" if one.target is not None else ""
