"""What events changed, as the manager asks it, also when nobody knows which events there were."""

from failover.host import Host
from failover.news import News, unknown
from failover.spec import Family
from failover.wire import AF_INET, AF_INET6, Address, Link
from support.failover import VIP4, packed

ETH0, ETH1 = Link(2, "eth0", bytes(6), up=True), Link(3, "eth1", bytes(6), up=True)
VIP = Address(2, AF_INET, packed(VIP4), 32, ours=True, tentative=False)
OWN = Address(2, AF_INET, packed("10.99.0.1"), 24, ours=False, tentative=False)
WENT = Address(2, AF_INET, packed(VIP4), 32, ours=True, tentative=False, gone=True)
LOCAL = Address(2, AF_INET6, packed("fe80::1"), 64, ours=False, tentative=False)


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


def test_where_groups_must_be_joined_again() -> None:
    """On an interface that was removed, and in the family of a source that came; not for any other address."""
    gone = Link(3, "eth1", bytes(6), up=True, gone=True)
    news, now = News([gone, OWN, VIP, WENT, LOCAL], wide=True), host(ETH0, OWN, LOCAL)
    removed = {(Family.IPV4, 3), (Family.IPV6, 3)}
    assert news.anew(now, {"eth0": {OWN.address}}) == removed | {(Family.IPV4, 2)}
    assert news.anew(now, {"eth0": {LOCAL.address}, "eth1": {OWN.address}}) == removed | {(Family.IPV6, 2)}
    assert News([ETH0, WENT], wide=True).anew(now, {"eth0": {WENT.address}}) == set()


def test_whatever_was_lost_may_have_happened() -> None:
    """Interfaces of both pictures changed, everything that was there went, and it concerns all."""
    news = unknown(host(ETH0, VIP), host(ETH0, ETH1, OWN))
    assert news.wide
    assert news.links() == {"eth0", "eth1"}
    assert news.addresses() == {packed(VIP4), packed("10.99.0.1")}
    assert news.gone() == {packed(VIP4)}
    assert news.anew(host(ETH0), {}) == {(Family.IPV4, 2), (Family.IPV6, 2)}
