"""Routes and rules that move with a router: what the configuration asks for, in rtnetlink's bytes; core.

Owns just the messages that they need (linux/rtnetlink.h, fib_rules.h). The law: all that is made bears our mark, and what is
removed must bear it; an equal one that somebody else made is left alone, coming and going.
A rule of ours stands beside an equal one: the kernel tells them apart by the mark.
"""

import ipaddress
import struct
from collections.abc import Collection, Iterator
from enum import StrEnum

import msgspec

from failover.wire import (
    ACK,
    AF_INET,
    AF_INET6,
    CREATE,
    DUMP,
    EXCLUSIVE,
    OURS,
    REQUEST,
    attribute,
    attributes,
    message,
    messages,
    u32,
)

MAIN = 254
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWRULE, DELRULE, GETRULE = 32, 33, 34
_HEAD = struct.Struct("=BBBBBBBBI")
"""Family, destination's length, source's length, tos, table, protocol, scope, type, flags; of a rule much the same."""
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 6, 7, 15
_FRA_DST, _FRA_SRC, _FRA_IIFNAME, _FRA_PRIORITY, _FRA_MARK, _FRA_TABLE, _FRA_MASK, _FRA_PROTOCOL = (
    1, 2, 3, 6, 10, 15, 16, 21,
)  # fmt: skip
_TO_TABLE = 1
_UNIVERSE, _LINK, _NOWHERE = 0, 253, 255
_BYTE = 256
_IPV6_METRIC = 1024
"""What the kernel makes of metric 0 over IPv6."""
_U32 = struct.Struct("=I")


class RouteKind(StrEnum):
    """What a route does with packets."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    PROHIBIT = "prohibit"


_TYPES = {RouteKind.UNICAST: 1, RouteKind.BLACKHOLE: 6, RouteKind.UNREACHABLE: 7, RouteKind.PROHIBIT: 8}


class RouteSpec(msgspec.Struct, frozen=True, kw_only=True, tag="route"):
    """One route: to a network (0.0.0.0/0 or ::/0 for all), by a gateway or an interface (this director's).

    `source` is the address that this host's own packets take; `metric` 0 leaves it to the kernel.
    """

    to: str
    via: str | None = None
    interface: str | None = None
    source: str | None = None
    table: int = MAIN
    metric: int = 0
    kind: RouteKind = RouteKind.UNICAST


class RuleSpec(msgspec.Struct, frozen=True, kw_only=True, tag="rule"):
    """One rule: packets from or to a network, that came in by an interface or bear a mark, are routed by a table."""

    priority: int
    table: int
    ipv6: bool = False
    source: str | None = None
    to: str | None = None
    interface: str | None = None
    mark: int | None = None


class Way(msgspec.Struct, frozen=True):
    """A route with the index of its interface (0 for none), or a rule."""

    spec: RouteSpec | RuleSpec
    index: int = 0


def put(sequence: int, way: Way) -> bytes:
    """Make it; EEXIST says that there is one."""
    kind = NEWROUTE if isinstance(way.spec, RouteSpec) else NEWRULE
    return message(kind, REQUEST | ACK | CREATE | EXCLUSIVE, sequence, _body(way))


def take(sequence: int, way: Way) -> bytes:
    """Remove it, if it is ours."""
    kind = DELROUTE if isinstance(way.spec, RouteSpec) else DELRULE
    return message(kind, REQUEST | ACK, sequence, _body(way, removing=True))


def _body(way: Way, *, removing: bool = False) -> bytes:
    if isinstance(way.spec, RouteSpec):
        return _route(way.spec, way.index, removing=removing)
    return _rule(way.spec)


def _route(spec: RouteSpec, index: int, *, removing: bool) -> bytes:
    to = ipaddress.ip_network(spec.to)
    scope = _LINK if spec.via is None and spec.kind is RouteKind.UNICAST else _UNIVERSE
    head = _HEAD.pack(
        _family(spec.to),
        to.prefixlen,
        0,
        0,
        spec.table if spec.table < _BYTE else 0,
        OURS,
        _NOWHERE if removing else scope,
        _TYPES[spec.kind],
        0,
    )
    body = (
        head + attribute(_RTA_DST, to.network_address.packed) + attribute(_RTA_TABLE, _U32.pack(spec.table))
    )
    if spec.via is not None:
        body += attribute(_RTA_GATEWAY, ipaddress.ip_address(spec.via).packed)
    if index:
        body += attribute(_RTA_OIF, _U32.pack(index))
    if spec.source is not None:
        body += attribute(_RTA_PREFSRC, ipaddress.ip_address(spec.source).packed)
    return body + (attribute(_RTA_PRIORITY, _U32.pack(spec.metric)) if spec.metric else b"")


def _rule(spec: RuleSpec) -> bytes:
    source, to = (None if text is None else ipaddress.ip_network(text) for text in (spec.source, spec.to))
    table = spec.table if spec.table < _BYTE else 0
    lengths = (to.prefixlen if to else 0, source.prefixlen if source else 0)
    body = _HEAD.pack(AF_INET6 if spec.ipv6 else AF_INET, *lengths, 0, table, 0, 0, _TO_TABLE, 0)
    body += attribute(_FRA_PROTOCOL, bytes((OURS,))) + attribute(_FRA_PRIORITY, _U32.pack(spec.priority))
    body += attribute(_FRA_TABLE, _U32.pack(spec.table))
    for kind, network in ((_FRA_DST, to), (_FRA_SRC, source)):
        body += attribute(kind, network.network_address.packed) if network else b""
    if spec.interface is not None:
        body += attribute(_FRA_IIFNAME, spec.interface.encode() + b"\0")
    if spec.mark is not None:
        body += attribute(_FRA_MARK, _U32.pack(spec.mark)) + attribute(_FRA_MASK, _U32.pack(0xFFFFFFFF))
    return body


def _family(network: str) -> int:
    return AF_INET6 if ":" in network else AF_INET


# ---- what a daemon before us has left -------------------------------------------------------------------------------


def dumps() -> tuple[tuple[int, bytes], ...]:
    """The questions for all that may bear our mark, with their sequence numbers. The kernel picks routes by the mark."""
    asked = [(kind, family) for kind in (GETROUTE, GETRULE) for family in (AF_INET, AF_INET6)]
    return tuple(
        (number, message(kind, REQUEST | DUMP, number, _HEAD.pack(family, 0, 0, 0, 0, mark, 0, 0, 0)))
        for number, (kind, family) in enumerate(asked, 1)
        for mark in (OURS if kind == GETROUTE else 0,)
    )


def strays(data: bytes, wanted: Collection[Way]) -> Iterator[tuple[int, bytes]]:
    """What of an answer to such a question is ours and not wanted: what to ask in order to remove it, kind and body."""
    keys = {key(NEWROUTE if isinstance(way.spec, RouteSpec) else NEWRULE, _body(way)) for way in wanted}
    for kind, body in messages(data):
        known = kind in (NEWROUTE, NEWRULE) and len(body) >= _HEAD.size
        if known and _is_ours(kind, body) and key(kind, body) not in keys:
            yield kind + 1, body


def _is_ours(kind: int, body: bytes) -> bool:
    if kind == NEWROUTE:
        return bool(_HEAD.unpack_from(body)[5] == OURS)
    return dict(attributes(body, _HEAD.size)).get(_FRA_PROTOCOL) == bytes((OURS,))


def key(kind: int, body: bytes) -> tuple[int | bytes, ...]:
    """What makes a route or a rule one of its own: family, kind, destination, table and metric or priority."""
    family, length, source_length, _, table, *_ = _HEAD.unpack_from(body)
    there = dict(attributes(body, _HEAD.size))
    table = u32(there.get(_RTA_TABLE, b""), table)
    metric = u32(there.get(_RTA_PRIORITY, b""), 0)
    if kind == NEWROUTE and family == AF_INET6:
        metric = metric or _IPV6_METRIC
    to = there.get(_RTA_DST, b"") if length else b""
    source = there.get(_FRA_SRC, b"") if kind == NEWRULE and source_length else b""
    return kind, family, length, to, source, table, metric
