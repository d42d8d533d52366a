"""`hactl doctor` about kernel switches: each finding provoked on a real host, and gone by the command that it gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.doctor import HEAD, NAT, Ward, ward
from support.netns import needs_namespaces

pytestmark = needs_namespaces


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Ward]:
    """A cluster by nat through one interface, with a gateway."""
    with ward(tmp_path) as made:
        made.net.ip("lb1", "route add default via 10.99.0.4")
        made.switch("lb1", "ipv4/ip_forward", "1")
        for where in ("all", "eth0"):
            made.switch("lb1", f"ipv4/conf/{where}/send_redirects", "0")
        yield made


@pytest.mark.parametrize(
    ("switches", "kind", "subject"),
    [
        ({"ipv4/ip_forward": "0"}, "forwarding-off", "www"),
        ({"ipv4/conf/eth0/send_redirects": "1"}, "send-redirects", "eth0"),
        ({"ipv4/conf/all/send_redirects": "1"}, "send-redirects", "eth0"),
    ],
)
def test_a_switch_is_found_and_mended(hosts: Ward, switches: dict[str, str], kind: str, subject: str) -> None:
    """It is no finding before, it is one with its evidence, and the given command ends it."""
    assert (kind, subject) not in hosts.found("lb1")
    for path, value in switches.items():
        hosts.switch("lb1", path, value)
    finding = hosts.found("lb1")[kind, subject]
    assert finding["evidence"]
    hosts.mend("lb1", finding)
    assert (kind, subject) not in hosts.found("lb1")


def test_the_strict_filter_where_clients_come_in_by_another_way(hosts: Ward) -> None:
    """Strict is well while answers leave by the same interface, and a finding once they leave by another."""
    hosts.switch("lb1", "ipv4/conf/eth0/rp_filter", "1")
    assert ("rp-filter", "eth0") not in hosts.found("lb1")
    hosts.net.ip(
        "lb1",
        "link add eth1 type veth peer name eth2",
        "link set eth1 up",
        "link set eth2 up",
        "address add 10.98.0.1/24 dev eth1",
        "route replace default via 10.98.0.9",
    )
    finding = hosts.found("lb1")["rp-filter", "eth0"]
    assert "leaves by eth1" in finding["evidence"]
    hosts.mend("lb1", finding)
    assert ("rp-filter", "eth0") not in hosts.found("lb1")


def test_an_interface_beside_a_virtual_mac(hosts: Ward) -> None:
    """What the daemon has set and somebody set back is found once the macvlan is there."""
    hosts.write(NAT, HEAD.replace("vrid", "virtual_mac: true, vrid"))
    assert ("virtual-mac-switch", "eth0") not in hosts.found("lb1")
    hosts.net.ip("lb1", "link add hv4.51.eth0 link eth0 address 00:00:5e:00:01:33 type macvlan mode bridge")
    seen = hosts.found("lb1")["virtual-mac-switch", "eth0"]["evidence"]
    assert seen == "eth0 answers for and asks its questions from VIPs that hv4.51.eth0 has"
    hosts.switch("lb1", "ipv4/conf/all/arp_ignore", "1")
    finding = hosts.found("lb1")["virtual-mac-switch", "eth0"]
    assert finding["evidence"] == "eth0 asks its questions from VIPs that hv4.51.eth0 has"
    hosts.mend("lb1", finding)
    assert ("virtual-mac-switch", "eth0") not in hosts.found("lb1")


def test_neither_director_nor_real_server(hosts: Ward) -> None:
    """One sentence, and exit status 1."""
    done = hosts.run("client")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is none of the directors" in done.stderr
    assert "no real server of the file" in done.stderr


def test_a_vip_that_may_take_other_addresses_with_it(hosts: Ward) -> None:
    """A VIP of the network of the host's own address, where the kernel promotes none."""
    for interface in ("all", "eth0"):
        hosts.switch("lb1", f"ipv4/conf/{interface}/promote_secondaries", "0")
    assert ("promote-secondaries", "eth0") not in hosts.found("lb1")
    hosts.write(NAT, HEAD.replace("10.99.0.100]", "10.99.0.100/24]"))
    finding = hosts.found("lb1")["promote-secondaries", "eth0"]
    assert "10.99.0.100/24" in finding["evidence"]
    hosts.mend("lb1", finding)
    assert ("promote-secondaries", "eth0") not in hosts.found("lb1")
