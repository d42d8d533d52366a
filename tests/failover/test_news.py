"""What events changed, as the manager asks it, also when nobody knows which events there were."""

from failover.host import Host
from failover.news import News, unknown
from failover.wire import AF_INET, Address, Link
from support.failover import VIP4, packed

ETH0, ETH1 = Link(2, "eth0", bytes(6), up=True), Link(3, "eth1", bytes(6), up=True)
VIP = Address(2, AF_INET, packed(VIP4), 32, ours=True, tentative=False)
OWN = Address(2, AF_INET, packed("10.99.0.1"), 24, ours=False, tentative=False)
WENT = Address(2, AF_INET, packed(VIP4), 32, ours=True, tentative=False, gone=True)


def host(*there: Link | Address) -> Host:
    """A host with these."""
    made = Host()
    made.apply_all(there)
    return made


def test_events() -> None:
    """Interfaces by name; addresses that came or went, and those of them that went."""
    news = News([ETH0, OWN, WENT], wide=True)
    assert news.links() == {"eth0"}
    assert news.addresses() == {packed(VIP4), packed("10.99.0.1")}
    assert news.gone() == {packed(VIP4)}


def test_whatever_was_lost_may_have_happened() -> None:
    """Interfaces of both pictures changed, everything that was there went, and it concerns all."""
    news = unknown(host(ETH0, VIP), host(ETH0, ETH1, OWN))
    assert news.wide
    assert news.links() == {"eth0", "eth1"}
    assert news.addresses() == {packed(VIP4), packed("10.99.0.1")}
    assert news.gone() == {packed(VIP4)}
