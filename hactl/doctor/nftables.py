"""Rules of nftables from its JSON (libnftables-json(5)); core.

The law: what is not understood becomes a condition that is not understood; only a list of another form raises KeyError,
TypeError or AttributeError.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hactl.doctor.ruleset import ACCEPT, DROP, RETURN, Chain, Match, Rule, Ruleset

_META = {
    "l4proto": "protocol",
    "iifname": "in",
    "iif": "in",
    "oifname": "out",
    "oif": "out",
    "pkttype": "kind",
}
_IP = {
    "protocol": "protocol",
    "nexthdr": "protocol",
    "saddr": "source",
    "daddr": "destination",
    "ttl": "ttl",
    "hoplimit": "ttl",
}
_FAMILY = {"ipv4": "ip", "ipv6": "ip6"}
_UNKNOWN = Match("")
_PASSED_OVER = frozenset({"counter", "log", "mangle", "notrack", "comment", "dup", "set", "ct helper"})
_EXTENSIONS = frozenset({"REJECT"})
"""Targets of iptables that drop, for a host where iptables itself is not installed any more."""
_MARKING = frozenset({"MARK", "CONNMARK"})
_TRANSPORT = frozenset(
    {"tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmpv6", "igmp", "esp", "ah", "comp"}
)
_VERDICTS = {"accept": ACCEPT, "drop": DROP, "reject": DROP, "return": RETURN, "jump": "jump", "goto": "goto"}

Object = Mapping[str, Any]
Sets = Mapping[tuple[str, str, str], tuple[str, ...] | None]


def read(objects: Iterable[Object]) -> Ruleset:
    """All chains of the list under `nftables`."""
    known = list(objects)
    sets: Sets = {_where(one["set"]): _elements(one["set"].get("elem", ())) for one in known if "set" in one}
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for one in known:
        if "rule" in one:
            rule = one["rule"]
            key = (rule["family"], rule["table"], rule["chain"])
            rules.setdefault(key, []).extend(_rules(rule, sets))
    return tuple(_chain(one["chain"], rules) for one in known if "chain" in one)


def _where(one: Object) -> tuple[str, str, str]:
    return one["family"], one["table"], one["name"]


def _chain(one: Object, rules: Mapping[tuple[str, str, str], list[Rule]]) -> Chain:
    title = f"{one['family']} {one['table']} {one['name']}"
    return Chain(
        table=one["table"],
        name=one["name"],
        family=one["family"],
        hook=one.get("hook", ""),
        priority=one.get("prio", 0),
        policy=one.get("policy", ACCEPT),
        rules=tuple(rules.get(_where(one), ())),
        title=f"nftables chain {title}",
        add=f"nft insert rule {title} meta l4proto vrrp accept   # and in the file that is loaded at boot",
    )


def _rules(rule: Object, sets: Sets) -> Iterator[Rule]:
    """A rule; one with a verdict map is as many rules as the map has verdicts."""
    matches: list[Match] = []
    mark = _mark(rule["expr"])
    name = f"rule {rule['handle']} of nftables chain {rule['family']} {rule['table']} {rule['chain']}"
    for statement in rule["expr"]:
        kind, content = next(iter(statement.items()))
        if kind == "match":
            matches += _matches(content, rule, sets)
        elif kind in _VERDICTS:
            target = content.get("target", "") if isinstance(content, dict) else ""
            yield Rule(matches=tuple(matches), verdict=_VERDICTS[kind], target=target, name=name, mark=mark)
            return
        elif kind == "xt" and isinstance(content, dict) and content.get("name") in _EXTENSIONS:
            yield Rule(matches=tuple(matches), verdict=DROP, name=name)
            return
        elif kind == "vmap":
            yield from _map(content, matches, rule, sets, name)
        elif kind not in _PASSED_OVER:
            matches.append(_UNKNOWN)
    if mark != 0:
        yield Rule(matches=tuple(matches), name=name, mark=mark)


def _mark(statements: Iterable[Object]) -> int | None:
    """What a rule marks packets with."""
    for statement in statements:
        kind, content = next(iter(statement.items()))
        if kind == "mangle" and content["key"] == {"meta": {"key": "mark"}}:
            return content["value"] if isinstance(content["value"], int) else None
        if kind == "xt" and isinstance(content, dict) and content.get("name") in _MARKING:
            return None
    return 0


def _map(content: Object, before: list[Match], rule: Object, sets: Sets, name: str) -> Iterator[Rule]:
    data = content.get("data")
    pairs = data.get("set", ()) if isinstance(data, dict) else ((None, {"drop": None}),)
    for key, verdict in pairs:
        kind, target = next(iter(verdict.items()))
        condition = {"op": "==", "left": content["key"], "right": key}
        matches = (*before, *(_matches(condition, rule, sets) if key is not None else [_UNKNOWN]))
        chain = target.get("target", "") if isinstance(target, dict) else ""
        yield Rule(matches=matches, verdict=_VERDICTS.get(kind, ""), target=chain, name=name)


def _matches(content: Object, rule: Object, sets: Sets) -> list[Match]:
    """A condition, with what it takes for granted: `ip saddr` holds for IPv4 only, `tcp dport` for TCP only."""
    field, granted = _field(content["left"])
    values = _values(content["right"], rule, sets)
    negated = content["op"] == "!="
    if not field or values is None or content["op"] not in ("==", "!=", "in"):
        return [*granted, _UNKNOWN]
    if field == "family":
        values = tuple(_FAMILY.get(value, value) for value in values)
    return [*granted, Match(field, values, negated)]


def _field(left: Any) -> tuple[str, list[Match]]:
    if not isinstance(left, dict):
        return "", []
    if "meta" in left:
        key = left["meta"]["key"]
        return "family" if key == "nfproto" else _META.get(key, ""), []
    if "ct" in left:
        return "state" if left["ct"]["key"] == "state" else "", []
    payload = left.get("payload", {})
    protocol, field = payload.get("protocol"), payload.get("field")
    if protocol in ("ip", "ip6"):
        return _IP.get(field, ""), [Match("family", (protocol,))]
    return "", [Match("protocol", (protocol,))] if protocol in _TRANSPORT else []


def _values(right: Any, rule: Object, sets: Sets) -> tuple[str, ...] | None:
    """The values as text; None where one is not understood."""
    if isinstance(right, str) and right.startswith("@"):
        return sets.get((rule["family"], rule["table"], right[1:]))
    if isinstance(right, dict) and "set" in right:
        return _elements(right["set"])
    return _elements(right if isinstance(right, list) else [right])


def _elements(elements: Any) -> tuple[str, ...] | None:
    found = [_text(one) for one in (elements if isinstance(elements, list | tuple) else [elements])]
    return None if None in found else tuple(one for one in found if one is not None)


def _text(one: Any) -> str | None:
    if isinstance(one, str | int):
        return str(one)
    if isinstance(one, dict):
        if "elem" in one:
            return _text(one["elem"].get("val"))
        if "prefix" in one:
            return f"{one['prefix']['addr']}/{one['prefix']['len']}"
        if "range" in one:
            first, last = one["range"]
            return f"{first}-{last}"
    return None
