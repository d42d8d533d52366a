"""How a router stands on a host: faults, source, priority, ownership, and what was left behind."""

import pytest

from failover.host import Host, Standing, inherited, standing, strays
from failover.packet import OWNER
from failover.priority import Known
from failover.spec import Family, TrackedObject, TrackKind
from failover.wire import AF_INET, AF_INET6, Address, Link
from support.failover import VIP4, VIP6, packed, router_spec, vip

MAC = bytes.fromhex("02005e001122")


def link(name: str = "eth0", *, up: bool = True, gone: bool = False) -> Link:
    """An interface; its number is the last digit of its name, plus 2."""
    return Link(int(name[-1]) + 2, name, MAC, up, gone)


def address(
    text: str,
    prefix: int = 24,
    *,
    interface: str = "eth0",
    ours: bool = False,
    tentative: bool = False,
    gone: bool = False,
    by_hand: bool = False,
) -> Address:
    """An address on an interface."""
    family = AF_INET6 if ":" in text else AF_INET
    return Address(int(interface[-1]) + 2, family, packed(text), prefix, ours, tentative, gone, by_hand)


def host(*news: Link | Address) -> Host:
    """A host with eth0 up, 10.99.0.1 and fe80::1 on it, and then these events."""
    made = Host()
    for event in (link(), address("10.99.0.1"), address("fe80::1", 64), *news):
        made.apply(event)
    return made


def stands(*news: Link | Address, **changes: object) -> Standing:
    """How a router with these changes stands after these events."""
    return standing(router_spec(**changes), host(*news), Known())


def carrier(name: str, weight: int = 0) -> TrackedObject:
    """A tracked interface."""
    return TrackedObject(kind=TrackKind.INTERFACE, object=name, weight=weight)


def test_all_is_well() -> None:
    """Interface up, an address to send from: no fault, the configured priority."""
    assert stands() == Standing(None, True, packed("10.99.0.1"), 100)


def test_interface_missing() -> None:
    """A fact of the host is a fault of the router, never a refusal."""
    there = stands(interface="eth7", addresses=(vip(interface="eth7"),))
    assert (there.fault, there.reachable) == ("interface eth7 does not exist", False)


def test_interface_down() -> None:
    """Without carrier nobody hears us."""
    there = stands(link(up=False))
    assert (there.fault, there.reachable) == ("interface eth0 is down", False)


def test_interface_removed() -> None:
    """Its addresses go with it."""
    gone = host(link(gone=True))
    assert standing(router_spec(), gone, Known()).fault == "interface eth0 does not exist"
    assert list(gone.addresses()) == []


@pytest.mark.parametrize(
    ("event", "word"), [(link("eth1", up=False), "is down"), (link("eth1", gone=True), "does not exist")]
)
def test_a_vips_other_interface_is_needed_too(event: Link, word: str) -> None:
    """The adverts' interface is up all the same: the peers can be told, so this fault is a reachable one."""
    there = stands(event, addresses=(vip(), vip("10.99.1.100", interface="eth1")))
    assert (there.fault, there.reachable) == (f"interface eth1 {word}", True)


def test_no_address_to_send_from() -> None:
    """Named by family."""
    assert stands(address("10.99.0.1", gone=True)).fault == "interface eth0 has no IPv4 address to send from"
    six = stands(address("fe80::1", 64, gone=True), family=Family.IPV6, addresses=(vip(VIP6),))
    assert six.fault == "interface eth0 has no link-local address to send from"


def test_ipv6_sends_from_the_link_local_address() -> None:
    """RFC 9568 5.1.2.1: never from a global one, and not from one that is still being verified."""
    global_address = address("2001:db8::1", 64)
    assert stands(global_address, family=Family.IPV6, addresses=(vip(VIP6),)).source == packed("fe80::1")
    verifying = host(address("fe80::1", 64, tentative=True))
    assert standing(router_spec(family=Family.IPV6, addresses=(vip(VIP6),)), verifying, Known()).source == b""


def test_a_vip_is_no_source() -> None:
    """Neither ours nor an operator's; unless the owner has no other address."""
    assert stands(address(VIP4, 32, ours=True)).source == packed("10.99.0.1")
    assert stands(address(VIP4)).source == packed("10.99.0.1")
    assert stands(address(VIP4), address("10.99.0.1", gone=True)).source == packed(VIP4)


def test_a_configured_source_must_be_there() -> None:
    """`source: 10.99.0.9` waits for that address."""
    assert stands(source="10.99.0.9").fault == "interface eth0 has no address 10.99.0.9 to send from"
    assert stands(address("10.99.0.9"), source="10.99.0.9").source == packed("10.99.0.9")


def test_a_tracked_interface_without_weight_is_a_fault() -> None:
    """Down or missing; the peers can still hear us."""
    there = stands(track=(carrier("eth1"),))
    assert (there.fault, there.reachable) == ("tracked interface eth1 is down", True)
    assert stands(link("eth1"), track=(carrier("eth1"),)).fault is None


@pytest.mark.parametrize(
    ("weights", "priority"), [((-40,), 60), ((-40, -30), 30), ((-200,), 1), ((100, 100), 254)]
)
def test_weights_of_tracked_interfaces(weights: tuple[int, ...], priority: int) -> None:
    """Added while down, bounded to 1..254."""
    tracked = tuple(carrier(f"eth{n}", w) for n, w in enumerate(weights, 5))
    assert stands(track=tracked).priority == priority


def test_an_operators_vip_makes_an_owner() -> None:
    """RFC 9568 1.7: an unmarked VIP on its interface is the operator's, whatever its prefix; priority 255."""
    there = stands(address(VIP4))
    assert (there.priority, there.owned) == (OWNER, frozenset({VIP4}))


def test_ownership_survives_our_address_beside_it() -> None:
    """An operator adds the VIP with another prefix while ours is there: both are known, and each can go."""
    both = host(address(VIP4, 32, ours=True), address(VIP4, 24))
    assert standing(router_spec(), both, Known()).owned == {VIP4}
    both.apply(address(VIP4, 32, ours=True, gone=True))
    assert standing(router_spec(), both, Known()).owned == {VIP4}
    both.apply(address(VIP4, 24, gone=True))
    assert standing(router_spec(), both, Known()).owned == frozenset()


def test_inherited_vips() -> None:
    """Marked VIPs of a daemon before us; an operator's are none."""
    assert inherited(router_spec(), host(address(VIP4, 32, ours=True)))
    assert not inherited(router_spec(), host(address(VIP4, 32)))
    assert not inherited(router_spec(), host())


def test_strays() -> None:
    """Marked addresses that nobody wants any more, on the routers' own interfaces only; none that is held by hand."""
    left = address("10.99.0.200", 32, ours=True)
    found = strays(
        (router_spec(),),
        host(
            link("eth1"),
            left,
            address(VIP4, 32, ours=True),
            address("10.99.0.201", 32),
            address("10.99.0.202", 32, interface="eth1", ours=True),
            address("10.99.0.203", 32, ours=True, by_hand=True),
        ),
    )
    assert found == [left]


def test_applying_tells_whether_something_changed() -> None:
    """A renewal's event, equal to what is known, is no news."""
    known = host()
    assert not known.apply(link())
    assert not known.apply(address("10.99.0.1"))
    assert not known.apply(address("10.99.0.77", gone=True))
    assert not known.apply(link("eth5", gone=True))
    assert known.apply(address("10.99.0.1", tentative=True))
    assert known.apply(link(up=False))


@pytest.mark.parametrize(
    ("before", "news", "concerns_all"),
    [
        ((), address(VIP4, 32, ours=True), False),
        ((address(VIP4, 32, ours=True),), address(VIP4, 32, ours=True, gone=True), False),
        ((address(VIP4, 32),), address(VIP4, 32, ours=True), True),
        ((address(VIP4, 32, ours=True),), address(VIP4, 32), True),
        ((), address("10.99.0.7"), True),
        ((), link(up=False), True),
    ],
)
def test_whom_an_event_concerns(
    before: tuple[Link | Address, ...], news: Link | Address, concerns_all: bool
) -> None:
    """A VIP of ours concerns its own routers; an interface, or an address that is or was an operator's, may concern any."""
    assert host(*before).apply_all([news]) == ([news], concerns_all)


def test_nothing_new_concerns_nobody() -> None:
    """A renewal tells what was known; an operator's address that came before it in one read is not overlooked."""
    there = host(address(VIP4, 32, ours=True))
    assert there.apply_all([address(VIP4, 32, ours=True)]) == ([], False)
    assert there.apply_all([address("10.99.0.1")]) == ([], False)
    came = address("10.99.0.7")
    assert there.apply_all([came, address(VIP4, 32, ours=True)]) == ([came], True)


def test_an_interface_by_name() -> None:
    """A new name replaces the old one, a removed interface has none, and a name that was taken over stays."""
    there = Host()
    old, new, other = Link(3, "eth0", MAC, True), Link(3, "wan", MAC, True), Link(4, "eth0", MAC, True)
    for event in (old, other, new):
        there.apply(event)
    assert (there.link("eth0"), there.link("wan")) == (other, new)
    there.apply(Link(4, "eth0", MAC, True, gone=True))
    assert (there.link("eth0"), there.link("wan")) == (None, new)
