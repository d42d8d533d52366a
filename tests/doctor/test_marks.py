"""Services by firewall mark, and rules that set it or do not."""

from typing import Any

import pytest

from hactl.doctor import firewall, iptables, nftables
from hactl.doctor.finding import FindingId
from hactl.doctor.ruleset import Ruleset
from support.doctor import configured

MARKED = configured("web: {fwmark: 7, family: ipv4, forward: dr, check: none, servers: {rs1: 10.99.0.3}}")


def unset(ruleset: Ruleset) -> bool:
    """Whether the service's mark is found to be set by nobody."""
    found = list(firewall.judge_marks(MARKED, ruleset))
    assert all((one.id, one.subject) == (FindingId.MARK_UNSET, "web") for one in found)
    return bool(found)


def native(*statements: dict[str, Any]) -> Ruleset:
    """A chain of nftables with one rule."""
    place = {"family": "inet", "table": "lvs"}
    return nftables.read(
        [
            {"chain": {**place, "name": "marks", "hook": "prerouting", "prio": -150, "policy": "accept"}},
            {"rule": {**place, "chain": "marks", "handle": 4, "expr": list(statements)}},
        ]
    )


def mangle(value: Any, key: str = "meta") -> dict[str, Any]:
    """A statement that sets a mark."""
    return {"mangle": {"key": {key: {"key": "mark"}}, "value": value}}


@pytest.mark.parametrize(
    ("ruleset", "found"),
    [
        ((), True),
        (native(mangle(7)), False),
        (native({"counter": {}}, mangle(7), {"accept": None}), False),
        (native(mangle(8)), True),
        (native(mangle(7, "ct")), True),
        (native(mangle({"ct": {"key": "mark"}})), False),
        (native({"xt": {"type": "target", "name": "MARK"}}), False),
        (native({"xt": {"type": "target", "name": "LOG"}}), True),
    ],
)
def test_nftables(ruleset: Ruleset, found: bool) -> None:
    """The mark of the packet itself; what is not understood may be it."""
    assert unset(ruleset) is found


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("-d 10.99.0.100/32 -p tcp -j MARK --set-xmark 0x7/0xffffffff", False),
        ("-d 10.99.0.100/32 -p tcp -j MARK --set-xmark 0x8/0xffffffff", True),
        ("-j CONNMARK --restore-mark", False),
        ("-j MARK --set-xmark nonsense", False),
        ("-j ACCEPT", True),
    ],
)
def test_iptables(rule: str, found: bool) -> None:
    """As iptables-save prints it."""
    saved = f"*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {rule}\nCOMMIT\n"
    assert unset(iptables.read(saved, "ip", "iptables-nft")) is found
