"""What a host serves by the file, and what it must have for that."""

from hactl.ipvs.spec import Forward
from hactl.realserver.model import Kind, Listener
from hactl.realserver.wish import served_here, server_names, wish
from support.realserver import FARM, HOST, document_of

OWN = ("10.99.0.3", "2001:db8::3")
DOCUMENT = document_of()


def test_by_own_addresses() -> None:
    """A host serves what names one of its addresses, whatever it is called there."""
    served = served_here(DOCUMENT, OWN, None)
    assert [one.service for one in served] == ["www", "tun", "gue", "nat", "six"]
    assert served_here(DOCUMENT, ["10.99.0.77"], None) == ()


def test_by_name() -> None:
    """The name decides where it is given."""
    assert [one.service for one in served_here(DOCUMENT, OWN, "rs2")] == ["www", "tun", "gre"]
    assert server_names(DOCUMENT) == ("rs1", "rs2", "rs9")


def test_sorry_server_of_another_method() -> None:
    """A sorry server is a real server as well, by its own method."""
    text = FARM.replace("servers: {rs9: 10.99.0.99}", "servers: {rs9: 10.99.0.99}, sorry: 10.99.0.3")
    (*_, sorry) = served_here(document_of(text), OWN, None)
    assert (sorry.service, sorry.server, sorry.forward) == ("away", "sorry", Forward.DR)


def test_what_a_host_must_have() -> None:
    """VIPs of dr and tun, the tunnels by family and type, the GUE port, the interface with the address, ARP hidden."""
    found = wish(DOCUMENT, served_here(DOCUMENT, OWN, None), HOST)
    assert found.vips == ("10.99.0.100", "10.99.0.101", "10.99.0.102", "2001:db8::100")
    assert found.tunnelled == {"10.99.0.101": Kind.IPIP, "10.99.0.102": Kind.IPIP}
    assert found.kinds == (Kind.IPIP,)
    assert found.listeners == (Listener(6080),)
    assert found.lan == ("eth0",)
    assert found.hide
    assert len(found.hints) == 1
    assert "nat" in found.hints[0]


def test_a_vip_by_both_methods_is_on_lo() -> None:
    """Direct routing and a tunnel for one VIP: it is there once, and the tunnel is open all the same."""
    text = FARM.replace("tun: {address: 10.99.0.101, port: 80", "tun: {address: 10.99.0.100, port: 90")
    found = wish(document_of(text), served_here(document_of(text), OWN, "rs1"), HOST)
    assert "10.99.0.100" not in found.tunnelled
    assert Kind.IPIP in found.kinds


def test_families_of_tunnels() -> None:
    """Each pair of inner and outer family has its device; IPv4 in IPv6 is left to the operator, and said."""
    text = FARM + (
        "  t66: {address: '2001:db8::100', port: 1, forward: tun, check: port, servers: {rs1: '2001:db8::3'}}\n"
        "  t64: {address: '2001:db8::100', port: 2, forward: tun, check: port, servers: {rs1: 10.99.0.3}}\n"
        "  t46: {address: 10.99.0.100, port: 3, forward: tun, check: port, servers: {rs1: '2001:db8::3'}}\n"
    )
    document = document_of(text)
    found = wish(document, served_here(document, OWN, None), HOST)
    assert found.kinds == (Kind.IPIP, Kind.IP6TNL, Kind.SIT)
    assert any(hint.startswith("t46: ") and "ip6tnl0 mode any" in hint for hint in found.hints)
    assert "2001:db8::100" not in found.tunnelled, "IPv6 VIPs are on lo"


def test_services_by_mark_are_told() -> None:
    """Nothing in a service by firewall mark says which VIPs it means."""
    text = (
        FARM
        + "  mark: {fwmark: 7, family: ipv4, forward: dr, check: {type: tcp, port: 80}, servers: {rs1: 10.99.0.3}}\n"
    )
    document = document_of(text)
    found = wish(document, served_here(document, OWN, None), HOST)
    assert any("firewall mark 7" in hint for hint in found.hints)


def test_nat_alone_changes_nothing() -> None:
    """A host that serves by nat only needs no VIP and no switch."""
    nat = tuple(one for one in served_here(DOCUMENT, OWN, None) if one.forward is Forward.NAT)
    found = wish(DOCUMENT, nat, HOST)
    assert (found.vips, found.kinds, found.hide) == ((), (), False)
    assert found.hints
