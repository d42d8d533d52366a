"""Two interfaces whose link-local addresses another director has the other way round: they are unique on a link only."""

from failover.moves import State
from failover.spec import Family
from support.directors import Director, pair, until
from support.failover import VIP6, router_spec, vip
from support.netns import needs_namespaces

pytestmark = needs_namespaces

INSIDE = "2001:db8:1::100"
MASTERS = {"web": "fe80::1", "inner": "fe80::2"}
"""Those of a, by router."""


def test_an_advert_from_an_address_that_another_interface_of_ours_has() -> None:
    """It is the peer's: there is one master on each link, and nothing is dropped."""
    with pair() as (net, _, a, b):
        net.ip("a", f"link add eth1 type veth peer name eth1 netns {net.namespace('b')}")
        for name, outer, inner in (("a", 1, 2), ("b", 2, 1)):
            net.ip(name, "address flush dev eth0 scope link", "link set eth1 addrgenmode none up")
            net.ip(name, f"address add fe80::{outer}/64 dev eth0", f"address add fe80::{inner}/64 dev eth1")

        def tell(director: Director, priority: int) -> None:
            outer = router_spec(family=Family.IPV6, priority=priority, addresses=(vip(VIP6),))
            inner = router_spec(
                name="inner",
                family=Family.IPV6,
                priority=priority,
                interface="eth1",
                addresses=(vip(INSIDE, interface="eth1"),),
            )
            director.apply(outer, inner)

        tell(a, 150)
        for router in MASTERS:
            a.wait_for(State.MASTER, router)
        tell(b, 100)
        for router in MASTERS:
            b.wait_for(State.BACKUP, router)
        until(lambda: {router: b.reports[router].master for router in MASTERS} == MASTERS, 5.0, "hears both")
        for router in MASTERS:
            assert b.drops(router) == a.drops(router) == {}
