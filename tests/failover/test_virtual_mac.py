"""Virtual MACs: names, when a macvlan is still, its requests judged by pyroute2, its adverts by scapy, its switches."""

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from failover import ip, link_wire, outgoing, switches, virtual_mac, wire
from failover.election import Election
from failover.host import Host
from failover.place import Bearer, Bearing
from failover.spec import Family, Transport
from failover.switches import Switch
from failover.wire import Link
from support.failover import (
    HIGHER,
    OURS,
    VIP4,
    VIP6,
    advert,
    as_master,
    packed,
    router_spec,
    vip,
    with_virtual_mac,
)

MAC4, MAC6 = bytes.fromhex("00005e000133"), bytes.fromhex("00005e000233")
IFF_UP, IFF_NOARP = 0x1, 0x80


@pytest.mark.parametrize(
    ("vrid", "version", "parent", "name"),
    [
        (51, 4, "eth0", "hv4.51.eth0"),
        (255, 6, "enp0s31", "hv6.255.enp0s31"),
        (255, 6, "enp0s31f6", "hv6.255.1631f68"),
        (7, 4, "enp0s31f6", "hv4.7.enp0s31f6"),
    ],
)
def test_a_name_for_each_vrid_family_and_interface(vrid: int, version: int, parent: str, name: str) -> None:
    """Readable as far as it fits; the kernel takes 15 characters."""
    assert virtual_mac.device_name(vrid, version, parent) == name
    assert len(name) <= 15


def test_both_families_of_one_router() -> None:
    """The silent VIPs of the other family have a MAC of theirs; adverts come from that of the router's family."""
    spec = with_virtual_mac(router_spec(addresses=(vip(VIP4), vip(VIP6, advertise=False))))
    assert [(d.name, d.parent, d.mac) for d in virtual_mac.devices((spec,))] == [
        ("hv4.51.eth0", "eth0", MAC4),
        ("hv6.51.eth0", "eth0", MAC6),
    ]
    assert virtual_mac.source_mac(spec) == MAC4
    assert virtual_mac.source_mac(router_spec()) == b""
    assert virtual_mac.source_mac(router_spec(virtual_mac=True, family=Family.IPV6)) == MAC6
    assert virtual_mac.source_mac(router_spec(virtual_mac=True, transport=Transport.UNICAST)) == b""


def test_announced_from_the_interface_with_the_virtual_mac() -> None:
    """So that frames of all routers on it are paced together."""
    host = Host()
    host.apply(Link(2, "eth0", bytes(6), True))
    spec = with_virtual_mac(router_spec(addresses=(vip(VIP4), vip(VIP6, advertise=False))))
    found = list(outgoing.announcements(spec, host))
    assert [interface for interface, _ in found] == ["eth0", "eth0"]
    assert [{frame[6:12] for frame in frames} for _, frames in found] == [{MAC4}, {MAC6}]


def test_still_once_a_successor_is_heard() -> None:
    """A release alone leaves nobody else who could answer; a successor's advert ends that, and so does being outranked."""
    master = as_master(0.0)
    assert virtual_mac.bearing(master.router) is Bearing.UP
    master.receive(advert(200), HIGHER, 0.05)
    assert virtual_mac.bearing(master.router) is Bearing.SILENT
    giver = as_master(0.0)
    giver.release(0.0, hold=60.0, within=1.0)
    assert virtual_mac.bearing(giver.router) is Bearing.UP
    giver.receive(advert(100), HIGHER, 0.01)
    assert virtual_mac.bearing(giver.router) is Bearing.SILENT
    stopping = as_master(0.0)
    stopping.stop(0.0)
    assert virtual_mac.bearing(stopping.router) is Bearing.UP
    stopping.receive(advert(100), HIGHER, 0.01)
    assert virtual_mac.bearing(stopping.router) is Bearing.SILENT
    inherited = Election(router_spec(), OURS)
    inherited.start(0.0, inherited=True)
    assert virtual_mac.bearing(inherited.router) is Bearing.UP, "nobody else is there yet"


def read(data: bytes) -> ifinfmsg:
    """A request as pyroute2 reads it."""
    message = ifinfmsg(data)
    message.decode()
    return message


def test_a_macvlan_is_made_down_and_marked() -> None:
    """In bridge mode, with its MAC, and without an IPv6 address of its own."""
    made = read(link_wire.make(1, 4, "hv4.51.eth0", MAC4))
    assert made["header"]["flags"] == 0x605
    assert (made["flags"], made["change"]) == (0, 0)
    assert made.get_attr("IFLA_LINK") == 4
    assert made.get_attr("IFLA_ADDRESS") == "00:00:5e:00:01:33"
    info = made.get_attr("IFLA_LINKINFO")
    assert info.get_attr("IFLA_INFO_KIND") == "macvlan"
    assert info.get_attr("IFLA_INFO_DATA").get_attr("IFLA_MACVLAN_MODE") == "bridge"
    marked = read(link_wire.mark(2, "hv4.51.eth0", "hactl web"))
    assert marked.get_attr("IFLA_IFNAME") == "hv4.51.eth0"
    assert marked.get_attr("IFLA_IFALIAS") == "hactl web"
    six = marked.get_attr("IFLA_AF_SPEC").get_attr("AF_INET6")
    assert six.get_attr("IFLA_INET6_ADDR_GEN_MODE") == 1


@pytest.mark.parametrize(
    ("bearing", "flags", "change"),
    [
        (Bearing.UP, IFF_UP, IFF_UP | IFF_NOARP),
        (Bearing.SILENT, IFF_UP | IFF_NOARP, IFF_UP | IFF_NOARP),
        (Bearing.DOWN, 0, IFF_UP),
    ],
)
def test_a_macvlan_is_set(bearing: Bearing, flags: int, change: int) -> None:
    """Only the flags that are meant are touched."""
    message = read(link_wire.bear(3, Bearer(9, bearing)))
    assert message["header"]["type"] == wire.NEWLINK
    assert (message["index"], message["flags"], message["change"]) == (9, flags, change)


def test_a_macvlan_is_removed() -> None:
    """By its index."""
    message = read(link_wire.bear(3, Bearer(9, Bearing.GONE)))
    assert (message["header"]["type"], message["index"]) == (wire.DELLINK, 9)


def test_an_ipv4_advert_as_a_frame() -> None:
    """As the kernel would have made it, but for the source MAC: scapy reads the same and finds its checksum right."""
    data = ip.frame(MAC4, b"message", packed("10.99.0.1"), 255)
    frame = Ether(data)
    assert (frame.dst, frame.src, frame.type) == ("01:00:5e:00:00:12", "00:00:5e:00:01:33", 0x800)
    head = frame[IP]
    assert (head.src, head.dst, head.ttl, head.proto) == ("10.99.0.1", "224.0.0.18", 255, 112)
    assert (head.tos, str(head.flags), bytes(head.payload)) == (0xC0, "DF", b"message")
    right = head.chksum
    del head.chksum
    assert IP(bytes(head)).chksum == right
    assert ip.read_ipv4(data[14:]) == ip.Received(packed("10.99.0.1"), packed("224.0.0.18"), 255, b"message")


def test_an_ipv6_advert_as_a_frame() -> None:
    """To the group, from the link-local address."""
    frame = Ether(ip.frame(MAC6, b"message", packed("fe80::1"), 255))
    assert (frame.dst, frame.src, frame.type) == ("33:33:00:00:00:12", "00:00:5e:00:02:33", 0x86DD)
    head = frame[IPv6]
    assert (head.src, head.dst, head.hlim, head.nh) == ("fe80::1", "ff02::12", 255, 112)
    assert (head.tc, head.plen) == (0xC0, 7)


def wanted(now: dict[str, str], *, ipv6: bool = False) -> dict[str, str]:
    """What is written, given what there is; a switch that is not named is 0."""
    found = switches.wanted("hv", "eth0", ipv6=ipv6, read=lambda path: now.get(path, "0"))
    return {switch.path: switch.value for switch in found}


def test_switches() -> None:
    """Only what is not so yet; an operator's higher value stays, and `all` counts."""
    assert wanted({}) == {
        "ipv4/conf/hv/arp_ignore": "1",
        "ipv6/conf/hv/disable_ipv6": "1",
        "ipv4/conf/eth0/arp_ignore": "1",
        "ipv4/conf/eth0/arp_announce": "2",
    }
    strict = wanted({"ipv4/conf/all/rp_filter": "1"})
    assert strict["ipv4/conf/hv/rp_filter"] == "2", "the larger value holds, and loose is larger than strict"
    own = {"ipv4/conf/eth0/arp_ignore": "8", "ipv4/conf/all/arp_announce": "2"}
    assert not [path for path in wanted(own) if "eth0" in path]
    assert wanted({"ipv6/conf/hv/accept_ra": "1"}, ipv6=True) == {"ipv6/conf/hv/accept_ra": "0"}
    without_ipv6 = switches.wanted("hv", "eth0", ipv6=False, read=lambda path: "" if "ipv6" in path else "2")
    assert Switch("ipv6/conf/hv/disable_ipv6", "1") not in list(without_ipv6)


def promoting(now: dict[str, str]) -> list[Switch]:
    """What is written for eth0, given what there is."""
    return list(switches.promoting("eth0", lambda path: now.get(path, "0")))


def test_the_switch_beside_a_vip_with_its_network() -> None:
    """Of IPv4 alone, on the interface itself, where it is off here and everywhere."""
    vips = (vip(prefix=24), vip("10.99.0.101", interface="eth1"), vip(VIP6, prefix=64, interface="eth2"))
    assert set(switches.written_with_network([router_spec(addresses=vips)])) == {"eth0"}
    assert switches.written_with_network([with_virtual_mac(router_spec(addresses=vips))]) == {}
    path = "ipv4/conf/{}/promote_secondaries"
    for there, written in (
        ({}, [path.format("eth0")]),
        ({"eth0": "1"}, []),
        ({"all": "1"}, []),
    ):
        now = {path.format(name): value for name, value in there.items()}
        assert [switch.path for switch in promoting(now)] == written
