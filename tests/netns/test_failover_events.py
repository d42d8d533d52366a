"""What a real kernel tells of interfaces and addresses, and the picture that failover keeps of it."""

from failover.kernel import EventSocket, picture
from support.directors import until
from support.failover import packed
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces


def test_a_port_that_leaves_a_bridge_keeps_its_addresses() -> None:
    """The kernel says by it that the bridge has a link less, not that the interface is gone."""
    with lan("a") as net, net.inside("a"):
        net.ip("a", "link add name inner type bridge", "link set inner up")
        events, host = EventSocket(), picture()
        net.ip("a", "link set eth0 master inner", "link set eth0 nomaster", "address add 10.99.0.9/24 dev eth0")
        until(lambda: bool(host.apply_all(events.read() or ())[0]) and bool(host.on("eth0", "10.99.0.9")), 3.0)
        events.close()
        there = {address.address for address in host.addresses()}
        assert packed(net.address("a")) in there
        assert there == {address.address for address in picture().addresses()}
