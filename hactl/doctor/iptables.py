"""Rules of iptables from what iptables-save and ip6tables-save print; core."""

import shlex
from collections.abc import Iterator
from itertools import pairwise

from hactl.doctor.ruleset import ACCEPT, DROP, RETURN, Chain, Match, Rule, Ruleset

_HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "OUTPUT": "output", "POSTROUTING": "postrouting"}
_TABLES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
"""Tables by the order in which a packet meets them (the kernel's nf_ip_hook_priorities)."""
_VERDICTS = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": DROP, "RETURN": RETURN}
_FIELDS = {"-p": "protocol", "-s": "source", "-d": "destination", "-i": "in", "-o": "out"}
_LISTS = {"--ctstate": "state", "--state": "state", "--pkt-type": "kind"}
_GOES_ON = frozenset(
    {
        "LOG",
        "NFLOG",
        "MARK",
        "CONNMARK",
        "TRACE",
        "CT",
        "NOTRACK",
        "AUDIT",
        "SECMARK",
        "TTL",
        "HL",
        "TOS",
        "DSCP",
    }
)


def read(text: str, family: str, program: str) -> Ruleset:
    """All chains of the saved text; `family` is ip or ip6, `program` what changes them, such as ip6tables-nft."""
    table = ""
    heads: dict[tuple[str, str], str] = {}
    rules: dict[tuple[str, str], list[Rule]] = {}
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy, *_ = line[1:].split()
            heads[table, name] = _VERDICTS.get(policy, ACCEPT)
        elif line.startswith("-A "):
            words = shlex.split(line)
            rules.setdefault((table, words[1]), []).append(_rule(words[2:], line, f"{program} ({table})"))
    return tuple(
        _chain(key, policy, tuple(rules.get(key, ())), (family, program)) for key, policy in heads.items()
    )


def tables(text: str) -> frozenset[str]:
    """The names of the tables in the saved text."""
    return frozenset(line[1:].strip() for line in text.splitlines() if line.startswith("*"))


def _chain(key: tuple[str, str], policy: str, rules: tuple[Rule, ...], kind: tuple[str, str]) -> Chain:
    table, name = key
    family, program = kind
    return Chain(
        table=f"{program} {table}",
        name=name,
        family=family,
        hook=_HOOKS.get(name, ""),
        priority=_TABLES.get(table, 0),
        policy=policy,
        rules=rules,
        title=f"{program} chain {name} ({table})",
        add=f"{program} -t {table} -I {name} -p vrrp -j ACCEPT   # and in the file that is loaded at boot",
    )


def _rule(words: list[str], line: str, where: str) -> Rule:
    verdict, target, mark = "", "", _mark(words)
    for option in ("-j", "-g"):
        if option in words:
            name = words[words.index(option) + 1]
            verdict = _VERDICTS.get(name, "" if name in _GOES_ON else "jump" if option == "-j" else "goto")
            target = name if verdict in ("jump", "goto") else ""
            words = words[: words.index(option)]
            break
    return Rule(
        matches=tuple(_matches(words)),
        verdict=verdict,
        target=target,
        name=f"the rule `{line}` of {where}",
        mark=mark,
    )


def _mark(words: list[str]) -> int | None:
    """What the rule marks packets with, whatever bits of a former mark it keeps."""
    targets = {name for option, name in pairwise(words) if option in ("-j", "-g")}
    if not targets & {"MARK", "CONNMARK"}:
        return 0
    values = [value for option, value in pairwise(words) if option in ("--set-xmark", "--set-mark")]
    try:
        return int(values[0].partition("/")[0], 0) if "MARK" in targets and values else None
    except ValueError:
        return None


def _matches(words: list[str]) -> Iterator[Match]:
    """The conditions. A module's options that are not known here are a condition that is not understood."""
    rest = iter(words)
    negated = False
    for word in rest:
        if word == "!":
            negated = True
            continue
        if word in ("-m", "--comment"):
            next(rest, "")
        elif word in _FIELDS:
            yield Match(_FIELDS[word], (_value(next(rest, "")),), negated)
        elif word in _LISTS:
            values = next(rest, "").lower().split(",")
            kinds = {"unicast": "host"}
            yield Match(_LISTS[word], tuple(kinds.get(value, value) for value in values), negated)
        elif word.startswith("-"):
            yield Match("")
        negated = False


def _value(text: str) -> str:
    """A name of interfaces that ends in + stands for all that begin so."""
    return f"{text[:-1]}*" if text.endswith("+") else text
