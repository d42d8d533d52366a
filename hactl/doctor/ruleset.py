"""A packet filter's rules as plain values, and what they would do with a packet; core.

Owns the common ground of nftables and iptables. The law: a match that is not understood may be true or false, and what
follows from either is kept, so that the answer is certain or says that it is not.
"""

import fnmatch
import ipaddress
from collections.abc import Iterator, Mapping

import msgspec

ACCEPT, DROP, RETURN = "accept", "drop", "return"
_DEEPEST = 16
"""Jumps within jumps; the kernel allows as many (NFT_JUMP_STACK_SIZE)."""
PROTOCOLS = {
    "vrrp": "112", "icmp": "1", "igmp": "2", "tcp": "6", "udp": "17", "dccp": "33", "gre": "47", "esp": "50", "ah": "51",
    "icmpv6": "58", "ipv6-icmp": "58", "sctp": "132", "udplite": "136",
}  # fmt: skip


class Match(msgspec.Struct, frozen=True):
    """A condition: the packet's field is one of the values (an address, prefix, range or pattern), or is none of them.

    Field "" is a condition that is not understood.
    """

    field: str
    values: tuple[str, ...] = ()
    negated: bool = False


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions, what then happens ("" for nothing; a chain's name after "jump" or "goto"), and how to find the rule.

    `mark`: what the packet is marked with meanwhile; 0 for nothing, None for what is not understood.
    """

    matches: tuple[Match, ...] = ()
    verdict: str = ""
    target: str = ""
    name: str = ""
    mark: int | None = 0


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Rules in their order. `hook` "": only jumped to. `family`: ip, ip6, or inet for both.

    `title` is for people, `add` the command that puts a rule for adverts first.
    """

    table: str
    name: str
    family: str
    hook: str = ""
    priority: int = 0
    policy: str = ACCEPT
    rules: tuple[Rule, ...] = ()
    title: str = ""
    add: str = ""


Ruleset = tuple[Chain, ...]
Packet = Mapping[str, str]
"""Fields: family (ip, ip6), protocol (a number), source, destination, in, out, state, kind, ttl. Unknown ones are absent."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What may happen to a packet, and the first place and chain that drop it."""

    verdicts: frozenset[str]
    place: str = ""
    chain: Chain | None = None


class _Drops(list[str]):
    """Places that drop the packet, in their order."""


def judge(ruleset: Ruleset, hooks: tuple[str, ...], packet: Packet) -> Outcome:
    """What the chains at these hooks do with a packet: all have to accept it."""
    sure = True
    for chain in sorted(
        ruleset, key=lambda one: (hooks.index(one.hook) if one.hook in hooks else -1, one.priority)
    ):
        if chain.hook not in hooks or chain.family not in ("inet", packet["family"]):
            continue
        drops = _Drops()
        verdicts = _walk(_chains_of(ruleset, chain), chain, packet, drops, 0)
        if RETURN in verdicts:
            verdicts = verdicts - {RETURN} | {chain.policy}
            if chain.policy == DROP:
                drops.append(f"the policy of {chain.title}")
        if verdicts == {DROP}:
            return Outcome(verdicts=frozenset({DROP}), place=drops[0], chain=chain)
        sure = sure and DROP not in verdicts
    return Outcome(verdicts=frozenset({ACCEPT} if sure else {ACCEPT, DROP}))


def _chains_of(ruleset: Ruleset, chain: Chain) -> dict[str, Chain]:
    return {one.name: one for one in ruleset if (one.table, one.family) == (chain.table, chain.family)}


def _walk(chains: Mapping[str, Chain], chain: Chain, packet: Packet, drops: _Drops, depth: int) -> set[str]:
    """What may come of a chain; "return" when its end is, or may be, reached."""
    possible: set[str] = set()
    for rule in chain.rules:
        holds = _holds(rule, packet)
        if holds is False:
            continue
        came = _follow(chains, rule, packet, drops, depth)
        possible |= came - {""}
        if holds and "" not in came:
            return possible
    return possible | {RETURN}


def _follow(chains: Mapping[str, Chain], rule: Rule, packet: Packet, drops: _Drops, depth: int) -> set[str]:
    """What may come of a rule that applies; "" where the next one is looked at."""
    if rule.verdict == DROP:
        drops.append(rule.name)
    if rule.verdict not in ("jump", "goto"):
        return {rule.verdict}
    if rule.target not in chains or depth >= _DEEPEST:
        return {ACCEPT, DROP, ""}
    came = _walk(chains, chains[rule.target], packet, drops, depth + 1)
    if rule.verdict == "jump" and RETURN in came:
        return came - {RETURN} | {""}
    return came


# ---- conditions -----------------------------------------------------------------------------------------------------


def _holds(rule: Rule, packet: Packet) -> bool | None:
    """Whether all conditions hold; None when that cannot be told."""
    answers = [_matches(match, packet) for match in rule.matches]
    if False in answers:
        return False
    return None if None in answers else True


def _matches(match: Match, packet: Packet) -> bool | None:
    value = packet.get(match.field)
    if value is None:
        return None
    answers = [_is(match.field, value, wanted) for wanted in match.values]
    if True in answers:
        return not match.negated
    return None if None in answers else match.negated


def _is(field: str, value: str, wanted: str) -> bool | None:
    if field in ("source", "destination"):
        return _is_in(value, wanted)
    if field == "protocol":
        first, _, last = (PROTOCOLS.get(part, part) for part in wanted.partition("-"))
        return first == value or (
            last.isdigit() and first.isdigit() and int(first) <= int(value) <= int(last)
        )
    if field in ("in", "out"):
        return fnmatch.fnmatchcase(value, wanted)
    return value == wanted


def _is_in(address: str, wanted: str) -> bool | None:
    try:
        return any(ipaddress.ip_address(address) in network for network in _networks(wanted))
    except (ValueError, TypeError):
        return None


def _networks(wanted: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """An address, a prefix, or a range from one address to another."""
    first, dash, last = wanted.partition("-")
    if not dash:
        yield ipaddress.ip_network(wanted, strict=False)
    elif ":" in first:
        yield from ipaddress.summarize_address_range(
            ipaddress.IPv6Address(first), ipaddress.IPv6Address(last)
        )
    else:
        yield from ipaddress.summarize_address_range(
            ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
        )
