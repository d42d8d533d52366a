"""Kernel switches of a director, judged without a host."""

from hactl.doctor.model import Host, Way
from hactl.doctor.switches import judge
from hactl.realserver.model import DISTANT
from support.doctor import HEAD, configured

FAR = Way(interface="eth0", gateway="10.99.0.254")
NAT = "www: {address: 10.99.0.100, port: 80, forward: nat, check: none, servers: {rs1: 10.99.0.3}}"


def kinds(services: str, host: Host, more: str = "") -> list[tuple[str, str]]:
    """What is found, as (id, subject)."""
    return [(one.id.value, one.subject) for one in judge(configured(services, more), host)]


def host(switches: dict[str, str], **ways: Way) -> Host:
    """A host whose way to distant clients leaves by eth0."""
    return Host(switches=switches, ways={DISTANT["ipv4"]: FAR, **ways})


def test_forwarding_is_needed_by_nat_alone_and_by_family() -> None:
    """IPv6's own switch counts for IPv6; what cannot be read is no finding."""
    off = host({"ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "0"})
    assert kinds(NAT, off) == [("forwarding-off", "www")]
    assert kinds(NAT.replace("nat", "dr"), off) == []
    six = "six: {address: 'fd00::100', port: 80, forward: nat, check: none, servers: {rs1: 'fd00::3'}}"
    assert kinds(six, off) == [("forwarding-off", "six")]
    assert kinds(six, host({"ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "1"})) == []
    assert kinds(NAT, host({})) == []


def test_redirects_matter_through_one_interface_only() -> None:
    """Two-armed nat tells nobody of a shorter way: there is none."""
    switches = {"ipv4/conf/all/send_redirects": "1", "ipv4/conf/eth0/send_redirects": "0"}
    assert kinds(NAT, host(switches, **{"10.99.0.3": Way(interface="eth0")})) == [("send-redirects", "eth0")]
    assert kinds(NAT, host(switches, **{"10.99.0.3": Way(interface="eth1")})) == []


def test_the_larger_of_two_filters_holds() -> None:
    """Loose on one of both is loose; strict on one and off on the other is strict."""
    away = {DISTANT["ipv4"]: Way(interface="eth1")}
    for everywhere, here, found in (("1", "0", True), ("0", "1", True), ("1", "2", False), ("2", "1", False)):
        switches = {"ipv4/conf/all/rp_filter": everywhere, "ipv4/conf/eth0/rp_filter": here}
        strict = Host(switches=switches, ways=away)
        assert (("rp-filter", "eth0") in kinds(NAT, strict)) is found, switches


def test_switches_of_ipvs() -> None:
    """One that differs, one that this kernel lacks; nothing at all where there is no IPVS."""
    more = "ipvs: {conntrack: true, sloppy_tcp: false, sync_threshold: [3, 50]}"
    held = {"ipv4/vs/conntrack": "0", "ipv4/vs/sync_threshold": "3\t50"}
    assert kinds(NAT, host(held), more) == [("ipvs-switch", "sloppy_tcp"), ("ipvs-switch", "conntrack")]
    assert kinds(NAT, host({}), more) == []


def test_the_table_of_connection_tracking() -> None:
    """From four fifths on; without netfilter's tracking there is nothing to read."""
    for count, found in (("799", []), ("800", [("conntrack-full", "conntrack")])):
        full = {"netfilter/nf_conntrack_count": count, "netfilter/nf_conntrack_max": "1000"}
        assert kinds(NAT, host(full)) == found


def test_what_stays_with_a_server_that_is_gone() -> None:
    """UDP without expire_nodest_conn, persistence beside weight 0 without expire_quiescent_template."""
    off = host({"ipv4/vs/expire_nodest_conn": "0", "ipv4/vs/expire_quiescent_template": "0"})
    udp = NAT.replace("forward", "protocol: udp, forward")
    sticky = NAT.replace("forward", "persistence: 5m, on_down: quiesce, forward")
    assert kinds(udp, off) == kinds(sticky, off) == [("ipvs-expiry", "www")]
    assert kinds(NAT, off) == []
    assert kinds(udp, off, "ipvs: {expire_nodest_conn: true}") == [("ipvs-switch", "expire_nodest_conn")]


def test_a_vip_with_its_network_may_take_others_with_it() -> None:
    """The default, without a network, does not; nor where the kernel promotes another address, here or everywhere."""
    for prefix, everywhere, here, found in (
        ("/24", "0", "0", [("promote-secondaries", "eth0")]),
        ("/24", "1", "0", []),
        ("/24", "0", "1", []),
        ("/32", "0", "0", []),
        ("", "0", "0", []),
    ):
        where = {"all": everywhere, "eth0": here}
        switches = {f"ipv4/conf/{name}/promote_secondaries": value for name, value in where.items()}
        config = configured(NAT, head=HEAD.replace("[10.99.0.100]", f"[10.99.0.100{prefix}]"))
        assert [(one.id.value, one.subject) for one in judge(config, host(switches))] == found
