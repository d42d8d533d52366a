"""Routes and rules that move with the VIPs, on real hosts: they come with them and go before them."""

import json
import signal

from failover.moves import State
from failover.spec import Family, RouterSpec
from failover.ways import RouteKind, RouteSpec, RuleSpec
from support.directors import Director, pair, until
from support.failover import VIP4, router_spec, vip
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

TABLE = 1000
ROUTES = (
    RouteSpec(to="0.0.0.0/0", via="10.99.0.2", interface="eth0", source=VIP4, metric=50),
    RouteSpec(to="10.50.0.0/16", interface="eth0", table=TABLE),
    RouteSpec(to="10.66.0.0/16", kind=RouteKind.BLACKHOLE),
    RouteSpec(to="2001:db8:5::/48", via="fe80::1", interface="eth0"),
)
RULES = (
    RuleSpec(priority=500, table=TABLE, source=f"{VIP4}/32"),
    RuleSpec(priority=501, table=TABLE, ipv6=True, to="2001:db8:7::/48"),
)
MINE = {"default", "10.50.0.0/16", "10.66.0.0/16", "2001:db8:5::/48", "500", "501"}


def router(priority: int, **changes: object) -> RouterSpec:
    """One VIP with all kinds of routes and rules."""
    return router_spec(priority=priority, **({"routes": ROUTES, "rules": RULES} | changes))


def marked(net: Lan, name: str) -> set[str]:
    """The destinations of routes, and the priorities of rules, that bear hactl's mark."""
    shown = []
    for family in ("-4", "-6"):
        told = net.run(name, "ip", family, "-json", "route", "show", "table", "all", "proto", "112").stdout
        shown += [route["dst"] for route in json.loads(told or "[]")]
        rules = net.run(name, "ip", family, "-json", "-details", "rule", "show").stdout
        shown += [str(r["priority"]) for r in json.loads(rules) if str(r.get("protocol")) == "112"]
    return set(shown)


def test_they_move_with_the_vips() -> None:
    """At the first takeover, a handover, and when a master is killed; the next daemon clears what that one left."""
    with pair() as (net, _, a, b):
        a.apply(router(150))
        b.apply(router(100))
        a.wait_for(State.MASTER)
        until(lambda: marked(net, "a") == MINE, 2.0, str(marked(net, "a")))
        b.wait_for(State.BACKUP)
        assert marked(net, "b") == set()
        a.handover()
        b.wait_for(State.MASTER)
        until(lambda: marked(net, "b") == MINE and marked(net, "a") == set(), 2.0)
        b.signal(signal.SIGKILL)
        until(lambda: a.state() is State.MASTER and marked(net, "a") == MINE, 5.0)
        until(lambda: not b.holds(VIP4), 5.0, "the lease")
        left = marked(net, "b")
        assert "default" not in left, "its source is gone, and the kernel takes it along"
        assert left == MINE - {"default"}
        with Director(net, "b") as again:
            again.apply(router(100, rules=()))
            again.wait_for(State.BACKUP)
            until(lambda: marked(net, "b") == set(), 2.0, "those of the router and the former rules")
            assert [text for text in again.notes() if "left by a former configuration" in text]


def test_removed_by_hand_and_by_a_reload() -> None:
    """The next renewal puts one back; a reload adds and removes what differs and leaves the rest alone."""
    with lan("a") as net, Director(net, "a") as director:
        director.apply(router(150))
        director.wait_for(State.MASTER)
        until(lambda: marked(net, "a") == MINE, 2.0)
        net.ip("a", "route del blackhole 10.66.0.0/16", "rule del priority 500")
        until(lambda: marked(net, "a") == MINE, 3.0, "a third of the lease")
        director.apply(router(150, routes=ROUTES[1:3], rules=RULES[:1]))
        until(lambda: marked(net, "a") == {"10.50.0.0/16", "10.66.0.0/16", "500"}, 2.0)
        director.apply(router(150, addresses=(vip(), vip("10.99.0.101"))))
        until(lambda: marked(net, "a") == MINE, 2.0)
        director.stop()
        assert director.process.wait(10) == 0
        assert marked(net, "a") == set()


def test_what_somebody_else_made_stays() -> None:
    """An operator's equal route and rule serve, and are there afterwards; a route that cannot be is told."""
    with lan("a") as net, Director(net, "a") as director:
        net.ip("a", "route add blackhole 10.66.0.0/16", f"rule add priority 500 from {VIP4} table {TABLE}")
        unreachable = RouteSpec(to="10.77.0.0/16", via="192.0.2.1", interface="eth0")
        director.apply(router(150, routes=(*ROUTES[1:], unreachable), family=Family.IPV4))
        director.wait_for(State.MASTER)
        until(lambda: "routes and rules: Network is unreachable" in director.reports["web"].reason, 3.0)
        own_beside = "500"  # The kernel takes a rule that differs by its mark alone for another one.
        assert marked(net, "a") == {"10.50.0.0/16", "2001:db8:5::/48", "501", own_beside}
        director.stop()
        assert director.process.wait(10) == 0
        assert marked(net, "a") == set()
        assert "blackhole 10.66.0.0/16" in net.run("a", "ip", "route").stdout
        assert "500:" in net.run("a", "ip", "rule").stdout
