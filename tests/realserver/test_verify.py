"""What `check` finds: all that `apply` would do, and the way back of nat."""

import pytest

from hactl.doctor.finding import FindingId
from hactl.ipvs.spec import Forward
from hactl.realserver import verify
from hactl.realserver.model import Kind, Listener, SetSwitch, Wish
from hactl.realserver.wish import served_here, wish
from support.realserver import FARM, HOST, FakeHost, document_of, facts

FULL = Wish(
    vips=("10.99.0.100", "10.99.0.101"),
    tunnelled={"10.99.0.101": Kind.IPIP},
    kinds=(Kind.IPIP,),
    listeners=(Listener(6080),),
    lan=("eth0",),
    hide=True,
)


def found(host: FakeHost, wanted: Wish) -> set[tuple[FindingId, str]]:
    """Findings as (id, subject)."""
    return {(one.id, one.subject) for one in verify.findings(wanted, host.facts, host.record)}


def test_nothing_on_a_prepared_host() -> None:
    """After apply all is well."""
    host = FakeHost(facts())
    host.reach(FULL)
    assert found(host, FULL) == set()


def test_everything_on_a_bare_host() -> None:
    """Each thing that is missing is named, with the command that mends it."""
    host = FakeHost(facts("tunl0", rp_filter="1"))
    assert found(host, FULL) >= {
        (FindingId.VIP_MISSING, "10.99.0.100"),
        (FindingId.VIP_MISSING, "10.99.0.101"),
        (FindingId.ARP_NOT_HIDDEN, "net.ipv4.conf.all.arp_ignore"),
        (FindingId.ARP_NOT_HIDDEN, "net.ipv4.conf.eth0.arp_announce"),
        (FindingId.TUNNEL_FILTERED, "net.ipv4.conf.all.rp_filter"),
        (FindingId.TUNNEL_CLOSED, "tunl0"),
        (FindingId.TUNNEL_CLOSED, "GUE port 6080 over IPv4"),
    }
    assert {one.mend for one in verify.findings(FULL, host.facts, host.record)} == {"hactl realserver apply"}


def test_the_command_names_whom_and_which_file_the_question_named() -> None:
    """For a host that is not known by its addresses, and a file in another place, nothing less would mend it."""
    host = FakeHost(facts("tunl0", rp_filter="1"))
    command = verify.apply_as("rs1", "/etc/my own/hactl.yaml")
    assert command == "hactl realserver apply --as rs1 -c '/etc/my own/hactl.yaml'"
    assert {one.mend for one in verify.findings(FULL, host.facts, host.record, command)} == {command}
    assert verify.apply_as(None, None) == "hactl realserver apply"


def test_what_was_tampered_with() -> None:
    """One switch put back by somebody is one finding."""
    host = FakeHost(facts())
    host.reach(FULL)
    host.perform(SetSwitch("ipv4/conf/all/arp_ignore", "0"))
    assert found(host, FULL) == {(FindingId.ARP_NOT_HIDDEN, "net.ipv4.conf.all.arp_ignore")}
    assert found(host, Wish()) >= {(FindingId.VIP_LEFT, "10.99.0.100")}


@pytest.mark.parametrize(
    ("gateway", "evidence"),
    [
        ("10.99.0.100", None),
        ("10.99.0.254", "10.99.0.3 answers clients by 10.99.0.254"),
        ("10.99.0.1", "10.99.0.3 answers clients by 10.99.0.1"),
        ("", "10.99.0.3 has no way to distant clients"),
    ],
    ids=["vip", "another", "a-directors-own", "none"],
)
def test_way_back_of_nat(gateway: str, evidence: str | None) -> None:
    """The gateway must be an address that moves with the routers, not a director's own."""
    document = document_of()
    served = tuple(one for one in served_here(document, ["10.99.0.3"], None) if one.service == "nat")
    wanted = wish(document, served, HOST)
    seen = list(verify.ways_back(wanted, [("10.99.0.3", gateway)], ("10.99.0.100", "2001:db8::100")))
    assert [one.evidence for one in seen] == ([] if evidence is None else [evidence])
    assert all(one.mend == "ip route replace default via 10.99.0.100" for one in seen)


@pytest.mark.parametrize(
    ("switches", "moving", "is_found"),
    [
        ({}, {"2001:db8::100": "eth0"}, True),
        ({}, {"2001:db8::100": "eth0", "2001:db8:9::1": "eth1"}, True),
        ({}, {"2001:db8:9::100": "eth0", "2001:db8::1": "eth0"}, False),
        ({"accept_redirects": "0"}, {"2001:db8::100": "eth0"}, False),
        ({"forwarding": "1"}, {"2001:db8::100": "eth0"}, False),
        ({}, {"2001:db8::100": "eth0", "2001:db8::1": "eth1"}, True),
        ({}, {}, False),
    ],
    ids=[
        "one-armed",
        "and-another",
        "two-armed",
        "not-believed",
        "a-router",
        "two-on-the-link",
        "vip-of-nobody",
    ],
)
def test_redirects_of_ipv6(switches: dict[str, str], moving: dict[str, str], is_found: bool) -> None:
    """They matter by nat, over IPv6, where clients and real servers are on one interface of the directors."""
    text = FARM.replace(
        "port: 80, forward: dr, check: port, servers: {rs1: '2001",
        "port: 80, forward: nat, check: port, servers: {rs1: '2001",
    )
    document = document_of(text)
    served = tuple(one for one in served_here(document, ["2001:db8::3"], None) if one.forward is Forward.NAT)
    assert [one.service for one in served] == ["six"]
    held = {"accept_redirects": "1", "forwarding": "0", **switches}
    known = facts(switches={f"ipv6/conf/eth0/{name}": value for name, value in held.items()})
    seen = list(verify.shorter_ways(wish(document, served, HOST), known, moving))
    assert [(one.id, one.subject) for one in seen] == [(FindingId.REDIRECTS_TAKEN, "six")] * is_found
    assert all(one.mend.startswith("sysctl -w net.ipv6.conf.eth0.accept_redirects=0") for one in seen)
