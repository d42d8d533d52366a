"""`hactl doctor` on the link: strangers with the VRID or the VIP, and real servers that answer for it."""

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from failover.packet import GROUP4, GROUP6, Advert, encode
from failover.spec import Family
from failover.transport import AdvertSocket
from support.doctor import DR, HEAD, VIP, Ward, ward
from support.netns import AS_NOBODY, needs_namespaces

pytestmark = needs_namespaces

LISTEN = ("--listen", "2s")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Ward]:
    """A cluster by direct routing; lb2 has the VIP, as a master has it."""
    with ward(tmp_path, DR) as made:
        made.net.ip("lb2", f"address add {VIP}/32 dev eth0")
        yield made


@contextlib.contextmanager
def advertising(hosts: Ward, host: str, vrid: int, vip: str) -> Iterator[str]:
    """A host advertises this VIP ten times a second; yields its source."""
    family = Family.IPV6 if ":" in vip else Family.IPV4
    source = link_local(hosts, host) if family is Family.IPV6 else hosts.net.address(host)
    packed, group = ipaddress.ip_address(source).packed, GROUP6 if family is Family.IPV6 else GROUP4
    vips = (ipaddress.ip_address(vip).packed,)
    message = encode(Advert(version=3, vrid=vrid, priority=200, interval=0.1, addresses=vips), packed, group)
    with hosts.net.inside(host):
        speaks = AdvertSocket(family, "eth0", socket.if_nametoindex("eth0"))
    over = threading.Event()

    def speak() -> None:
        while not over.wait(0.1):
            speaks.send(message, packed, group, 255)

    with contextlib.closing(speaks):
        thread = threading.Thread(target=speak)
        thread.start()
        try:
            yield source
        finally:
            over.set()
            thread.join()


def link_local(hosts: Ward, host: str) -> str:
    """The address that IPv6 adverts come from."""
    shown = json.loads(hosts.net.run(host, "ip", "-j", "-6", "address", "show", "dev", "eth0").stdout)
    return next(str(one["local"]) for one in shown[0]["addr_info"] if one["scope"] == "link")


def strangers(hosts: Ward, *words: str) -> dict[tuple[str, str], str]:
    """What is found on lb1 about others, with the evidence."""
    kinds = ("vrid-taken", "vip-taken", "server-answers")
    found = hosts.found("lb1", *(words or LISTEN))
    return {key: one["evidence"] for key, one in found.items() if key[0] in kinds}


def test_another_cluster_with_our_vrid(hosts: Ward) -> None:
    """A peer that advertises what we do is none; whoever has other addresses under the number is found."""
    with advertising(hosts, "lb2", 51, VIP):
        assert strangers(hosts) == {}
    with advertising(hosts, "client", 51, "10.99.0.77"):
        (evidence,) = strangers(hosts).values()
    assert evidence.startswith("10.99.0.4 advertises VRID 51 on eth0 without 10.99.0.100 and with 10.99.0.77")


def test_another_cluster_over_ipv6(hosts: Ward) -> None:
    """The same number is another router there."""
    hosts.write("", f"{HEAD}  six: {{vrid: 51, interface: eth0, addresses: ['2001:db8::100']}}\n")
    with advertising(hosts, "client", 51, "2001:db8::77") as source:
        found = strangers(hosts)
    assert list(found) == [("vrid-taken", "six")]
    assert found["vrid-taken", "six"].startswith(f"{source} advertises VRID 51 on eth0")


def test_another_router_with_our_vip(hosts: Ward) -> None:
    """The same address under another number."""
    with advertising(hosts, "client", 60, VIP):
        assert strangers(hosts) == {("vip-taken", VIP): f"10.99.0.4 advertises {VIP} with VRID 60 on eth0"}


def test_a_stranger_that_has_the_vip(hosts: Ward) -> None:
    """It answers ARP beside the master; offline nobody is asked."""
    hosts.net.ip("client", f"address add {VIP}/32 dev eth0")
    (key,) = strangers(hosts)
    assert key == ("vip-taken", VIP)
    assert strangers(hosts, "--offline") == {}


def test_a_real_server_that_answers(hosts: Ward) -> None:
    """It is named, on the director as on itself, and silent after the command that is given."""
    hosts.net.ip("rs1", f"address add {VIP}/32 dev lo")
    (key,) = strangers(hosts)
    assert key == ("server-answers", "rs1")
    there = hosts.found("rs1")["arp-not-hidden", "net.ipv4.conf.all.arp_ignore"]
    assert there["mend"] == f"hactl realserver apply -c {hosts.config}"
    hosts.realserver("rs1", "apply")
    assert strangers(hosts) == {}
    assert hosts.found("rs1", *LISTEN) == {}


def test_vips_of_a_real_server(hosts: Ward) -> None:
    """One that is not there yet, and one that hactl put there for a service that has another since."""
    assert hosts.found("rs1")["vip-missing", VIP]["mend"] == f"hactl realserver apply -c {hosts.config}"
    hosts.realserver("rs1", "apply")
    assert hosts.found("rs1") == {}
    hosts.write(DR.replace(VIP, "10.99.0.101"))
    assert {("vip-missing", "10.99.0.101"), ("vip-left", VIP)} == set(hosts.found("rs1"))
    hosts.realserver("rs1", "apply")
    assert hosts.found("rs1") == {}


def test_without_rights_nobody_is_asked(hosts: Ward) -> None:
    """That the network was not heard is said."""
    unseen = hosts.doctor("lb1", *LISTEN, wrapper=AS_NOBODY)["unseen"]
    assert "adverts of others: for root only" in unseen
    assert "who answers for VIPs on eth0: for root only" in unseen
