"""The lab's plan is consistent: unique addresses, short names, every cable with two ends."""

from hactl.lab import topology
from hactl.lab.topology import Role


def test_addresses_are_unique_and_never_a_vip() -> None:
    """No two nodes share an address, and none has one that moves."""
    plan = topology.plan("t")
    used = [address for node in plan.nodes for address in (node.lan, node.inside) if address]
    vips = {topology.NAT_VIP, topology.DR_VIP, topology.TUN_VIP, topology.GATEWAY}
    assert len(used) == len(set(used))
    assert not vips & set(used)


def test_interface_names_fit_the_kernel() -> None:
    """An interface name has at most 15 characters."""
    plan = topology.plan("t", servers=9)
    assert all(len(topology.port(lan, node)) <= 15 for lan, node, _ in topology.cables(plan))


def test_real_servers_hide_their_vips_and_answer_nat_through_the_directors() -> None:
    """A real server holds the VIPs and answers no ARP for them; NAT's answers go to the floating gateway."""
    server = topology.plan("t").of(Role.SERVER)[0]
    lines, switches = topology.node_batch(server), topology.switches(server)
    assert "address add 10.77.0.101/32 dev lo" in lines
    assert "address add 10.77.0.102/32 dev tunl0" in lines
    assert "route add default via 10.78.0.1 table 78" in lines
    assert switches["ipv4/conf/all/arp_ignore"] == "1"
    assert switches["ipv4/conf/eth0/arp_announce"] == "2"
    assert switches["ipv4/conf/tunl0/rp_filter"] == "0"


def test_directors_forward_and_never_redirect() -> None:
    """NAT needs forwarding, and a redirect would lead clients past the director."""
    switches = topology.switches(topology.plan("t").node("lb1"))
    assert switches["ipv4/ip_forward"] == "1"
    assert {switches[f"ipv4/conf/{name}/send_redirects"] for name in ("all", "eth0", "eth1")} == {"0"}


def test_namespaces_of_two_labs_differ() -> None:
    """Two labs never share a namespace."""
    assert not set(topology.plan("a").namespaces) & set(topology.plan("b").namespaces)
