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
weights. The first reload since the start loads what reads the file, and reads all of it; hactl keeps that process for five
minutes, and the others follow within those: of the services, those are read whose lines changed. So the first takes some
three times as long as the same one later. Two thirds of it are Python loading the schema and its library. To build the
schema's parts only when they are used saves a twentieth of that; a process that stays would save all, and be a third more
memory at rest.
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
