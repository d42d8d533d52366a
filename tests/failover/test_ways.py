"""Routes and rules in rtnetlink's bytes, judged by pyroute2's decoder; which of them a daemon before us has left."""

from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from failover import outgoing, ways
from failover.host import Host
from failover.ways import RouteKind, RouteSpec, RuleSpec, Way
from failover.wire import OURS, Link
from support.failover import read_by_pyroute2, router_spec

DEFAULT = RouteSpec(to="0.0.0.0/0", via="10.99.0.254", interface="eth0", source="10.99.0.100", metric=50)
FAR = RouteSpec(to="10.50.0.0/16", interface="eth0", table=1000)
SIX = RouteSpec(to="2001:db8:5::/48", via="fe80::1", interface="eth0")
HOLE = RouteSpec(to="10.66.0.0/16", kind=RouteKind.BLACKHOLE)
RULE = RuleSpec(priority=500, table=1000, source="10.99.0.100/32", interface="eth1", mark=7)
RULE6 = RuleSpec(priority=501, table=1000, ipv6=True, to="2001:db8::/32")


def test_a_route_by_a_gateway() -> None:
    """With its source and metric, and our mark; nothing that is there is replaced."""
    message = read_by_pyroute2(rtmsg, ways.put(1, Way(DEFAULT, 4)))
    assert (message["header"]["type"], message["header"]["flags"]) == (ways.NEWROUTE, 0x605)
    assert (message["family"], message["dst_len"], message["proto"], message["type"]) == (2, 0, OURS, 1)
    assert (message["scope"], message["table"]) == (0, 254)
    assert message.get_attr("RTA_GATEWAY") == "10.99.0.254"
    assert message.get_attr("RTA_PREFSRC") == "10.99.0.100"
    assert (message.get_attr("RTA_OIF"), message.get_attr("RTA_PRIORITY")) == (4, 50)


def test_a_route_on_the_link_in_a_table_of_its_own() -> None:
    """Tables beyond 255 are told apart from the header."""
    message = read_by_pyroute2(rtmsg, ways.put(1, Way(FAR, 4)))
    assert (message.get_attr("RTA_DST"), message["dst_len"]) == ("10.50.0.0", 16)
    assert (message["scope"], message["table"], message.get_attr("RTA_TABLE")) == (253, 0, 1000)


def test_a_route_that_refuses() -> None:
    """It needs no interface."""
    message = read_by_pyroute2(rtmsg, ways.put(1, Way(HOLE)))
    assert (message["type"], message.get_attr("RTA_OIF"), message["scope"]) == (6, None, 0)


def test_a_route_is_removed_by_its_mark() -> None:
    """In whatever scope."""
    message = read_by_pyroute2(rtmsg, ways.take(1, Way(SIX, 4)))
    assert (message["header"]["type"], message["proto"], message["scope"]) == (ways.DELROUTE, OURS, 255)
    assert (message["family"], message.get_attr("RTA_DST"), message["dst_len"]) == (10, "2001:db8:5::", 48)


def test_a_rule_comes_and_goes() -> None:
    """All its conditions, and our mark both times."""
    for make, kind in ((ways.put, ways.NEWRULE), (ways.take, ways.DELRULE)):
        message = read_by_pyroute2(fibmsg, make(1, Way(RULE)))
        assert message["header"]["type"] == kind
        assert (message["family"], message["src_len"], message["action"]) == (2, 32, 1)
        found = {name: message.get_attr(f"FRA_{name}") for name in ("SRC", "IIFNAME", "FWMARK", "PRIORITY")}
        assert found == {"SRC": "10.99.0.100", "IIFNAME": "eth1", "FWMARK": 7, "PRIORITY": 500}
        assert (message.get_attr("FRA_TABLE"), message.get_attr("FRA_PROTOCOL")) == (1000, OURS)
    six = read_by_pyroute2(fibmsg, ways.put(1, Way(RULE6)))
    assert (six["family"], six.get_attr("FRA_DST"), six["dst_len"]) == (10, "2001:db8::", 32)


def test_what_is_left_and_not_wanted() -> None:
    """What bears our mark and is none of those wanted; an interface made anew does not make another route of it."""
    specs: tuple[RouteSpec | RuleSpec, ...] = (DEFAULT, FAR, SIX, HOLE, RULE)
    here = b"".join(ways.put(number, Way(spec, 4)) for number, spec in enumerate(specs, 1))
    wanted = [Way(DEFAULT, 9), Way(SIX, 4), Way(RULE)]
    found = list(ways.strays(here, wanted))
    assert [kind for kind, _ in found] == [ways.DELROUTE, ways.DELROUTE]
    foreign = here.replace(bytes((0, 254, OURS)), bytes((0, 254, 3)))
    assert len(list(ways.strays(foreign, []))) < len(list(ways.strays(here, [])))


def test_what_a_reload_removes() -> None:
    """What the new configuration has not; what needs a missing interface waits for it."""
    host = Host()
    host.apply(Link(4, "eth0", bytes(6), True))
    old, new = router_spec(routes=(DEFAULT, FAR), rules=(RULE,)), router_spec(routes=(FAR,))
    assert outgoing.gone_ways(old, new, host) == (Way(DEFAULT, 4), Way(RULE))
    assert outgoing.found_ways(old, Host()) == (Way(RULE),)
