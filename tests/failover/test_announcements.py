"""Gratuitous ARP and unsolicited neighbour advertisements, judged by scapy."""

from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from failover import arp, ndp
from support.failover import packed

MAC = bytes.fromhex("02005e001122")
MAC_TEXT = "02:00:5e:00:11:22"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def test_arp_request_form() -> None:
    """RFC 5227 3: a broadcast request whose sender and target address are the VIP."""
    request, _ = arp.gratuitous(packed("10.99.0.100"), MAC)
    wanted = Ether(src=MAC_TEXT, dst=BROADCAST) / ARP(
        op="who-has",
        hwsrc=MAC_TEXT,
        psrc="10.99.0.100",
        hwdst="00:00:00:00:00:00",
        pdst="10.99.0.100",
    )
    assert request == bytes(wanted)


def test_arp_reply_form() -> None:
    """The reply form, for stacks that learn from replies only: target hardware is the sender's."""
    _, reply = arp.gratuitous(packed("10.99.0.100"), MAC)
    wanted = Ether(src=MAC_TEXT, dst=BROADCAST) / ARP(
        op="is-at", hwsrc=MAC_TEXT, psrc="10.99.0.100", hwdst=MAC_TEXT, pdst="10.99.0.100"
    )
    assert reply == bytes(wanted)


def test_unsolicited_neighbour_advertisement() -> None:
    """RFC 4861 7.2.6: from the VIP to all nodes, hop limit 255, override set, solicited clear, our MAC as option."""
    for router in (False, True):
        frame = ndp.unsolicited(packed("2001:db8::100"), MAC, router=router)
        wanted = (
            Ether(src=MAC_TEXT, dst="33:33:00:00:00:01")
            / IPv6(src="2001:db8::100", dst="ff02::1", hlim=255)
            / ICMPv6ND_NA(R=int(router), S=0, O=1, tgt="2001:db8::100")
            / ICMPv6NDOptDstLLAddr(lladdr=MAC_TEXT)
        )
        assert frame == bytes(wanted)
