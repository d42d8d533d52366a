"""`hactl doctor` about the host itself: each finding provoked on a real one, and gone when it is mended."""

import os
import shutil
from pathlib import Path

import pytest

from support.doctor import DR, HEAD, NAT, TUN, Ward
from support.netns import AS_NOBODY, needs_namespaces

pytestmark = needs_namespaces


def test_a_kernel_without_ipvs(hosts: Ward) -> None:
    """Services need it; a file without services does not. A kernel that has it is told from one that has not."""
    found = hosts.found("lb1")
    assert (("ipvs-missing", "ip_vs") in found) is not Path("/proc/net/ip_vs").exists()
    hosts.write("")
    assert ("ipvs-missing", "ip_vs") not in hosts.found("lb1")


def test_an_old_kernel(hosts: Ward) -> None:
    """A kernel that says it is 2.6 (personality(2)) cannot mark addresses, which routers need."""
    old = ("setarch", "--uname-2.6")
    findings = hosts.found("lb1", wrapper=old)
    assert [subject[:3] for kind, subject in findings if kind == "kernel-old"] == ["2.6"]
    assert "kernel-old" not in {kind for kind, _ in hosts.found("lb1")}


def test_another_program_that_holds_vips(hosts: Ward, tmp_path: Path) -> None:
    """It is found in this host's namespace, with its process id, and not in another's."""
    program = tmp_path / "keepalived"
    shutil.copy("/bin/sleep", program)
    with hosts.net.start("client", str(program), "60") as elsewhere:
        assert "rival-running" not in {kind for kind, _ in hosts.found("lb1")}
        with hosts.net.start("lb1", str(program), "60") as rival:
            finding = hosts.found("lb1")["rival-running", "keepalived"]
            assert str(rival.pid) in finding["evidence"]
            assert str(elsewhere.pid) not in finding["evidence"]
            assert finding["mend"] == "systemctl disable --now keepalived"
            rival.kill()
        elsewhere.kill()


def test_what_kube_proxy_leaves(hosts: Ward) -> None:
    """Its interface tells of it after it has ended."""
    hosts.net.ip("lb1", "link add kube-ipvs0 type veth peer name other0")
    finding = hosts.found("lb1")["rival-running", "kube-proxy"]
    hosts.mend("lb1", finding)
    assert ("rival-running", "kube-proxy") not in hosts.found("lb1")


def test_interfaces(hosts: Ward) -> None:
    """Set down, without a cable, and not there at all."""
    assert ("interface-missing", "eth0") not in hosts.found("lb1")
    hosts.net.cut("lb1")
    assert "no carrier" in hosts.found("lb1")["interface-missing", "eth0"]["evidence"]
    hosts.net.mend("lb1")
    hosts.net.ip("lb1", "link set eth0 down")
    finding = hosts.found("lb1")["interface-missing", "eth0"]
    assert "set down" in finding["evidence"]
    hosts.mend("lb1", finding)
    assert ("interface-missing", "eth0") not in hosts.found("lb1")
    hosts.write(NAT, HEAD.replace("eth0", "eth7"))
    assert "there are: eth0" in hosts.found("lb1")["interface-missing", "eth7"]["evidence"]


def test_tunnels_that_are_too_narrow(hosts: Ward) -> None:
    """The director's way takes 20 bytes more, or the real server asks for shorter segments."""
    hosts.write(TUN)
    hosts.net.ip("rs1", "route add default via 10.99.0.4")
    for host, subject in (("lb1", "www"), ("rs1", "www")):
        finding = hosts.found(host)["tunnel-mtu", subject]
        assert "in the tunnel" in finding["evidence"] or "into the tunnel" in finding["evidence"]
        hosts.mend(host, finding)
        assert ("tunnel-mtu", subject) not in hosts.found(host)


def test_a_real_server_that_drops_clients_by_its_strict_filter(hosts: Ward) -> None:
    """By dr clients' packets come in by the LAN, and the way back leaves elsewhere."""
    hosts.write(DR)
    hosts.switch("rs1", "ipv4/conf/eth0/rp_filter", "1")
    hosts.net.ip("rs1", "route add default via 10.99.0.4")
    assert ("rp-filter", "eth0") not in hosts.found("rs1")
    hosts.net.ip(
        "rs1",
        "link add eth1 type veth peer name eth2",
        "link set eth1 up",
        "link set eth2 up",
        "address add 10.98.0.1/24 dev eth1",
        "route replace default via 10.98.0.9",
    )
    finding = hosts.found("rs1")["rp-filter", "eth0"]
    hosts.mend("rs1", finding)
    assert ("rp-filter", "eth0") not in hosts.found("rs1")


def test_answers_by_nat_that_have_no_moving_gateway(hosts: Ward) -> None:
    """The inside network has no VIP of its own; with one in a second router all is well."""
    inside = NAT.replace("10.99.0.3", "10.98.0.3")
    hosts.net.ip(
        "lb1",
        "link add eth1 type veth peer name eth2",
        "link set eth1 up",
        "link set eth2 up",
        "address add 10.98.0.1/24 dev eth1",
    )
    assert ("nat-route", "www") not in hosts.found("lb1")
    hosts.write(inside)
    assert "10.98.0.0/24" in hosts.found("lb1")["nat-route", "www"]["evidence"]
    hosts.write(inside, f"{HEAD}  inside: {{vrid: 52, interface: eth1, addresses: [10.98.0.100]}}\n")
    assert ("nat-route", "www") not in hosts.found("lb1")


def test_a_real_server_whose_answers_go_past_the_directors(hosts: Ward) -> None:
    """Its default route leads elsewhere; the command that is given turns it to the VIP."""
    hosts.net.ip("rs1", "route add default via 10.99.0.4")
    finding = hosts.found("rs1")["nat-route", "www"]
    assert "10.99.0.4" in finding["evidence"]
    hosts.mend("rs1", finding)
    assert hosts.found("rs1") == {}
    assert hosts.run("rs1").stdout == "nothing found on real server rs1\n"


@pytest.mark.parametrize(
    ("what", "subject"), [("realtime-limit", "failover worker"), ("memlock-limit", "failover worker")]
)
def test_limits(hosts: Ward, what: str, subject: str) -> None:
    """Without the capability the limit counts; with the capability all is well."""
    bare = ("setpriv", "--bounding-set=-sys_nice,-ipc_lock", "--inh-caps=-sys_nice,-ipc_lock")
    low = ("prlimit", "--rtprio=0:0", "--memlock=65536:65536")
    assert (what, subject) in hosts.found("lb1", wrapper=(*low, *bare))
    assert (what, subject) not in hosts.found("lb1", wrapper=low)


def test_files_with_secrets(hosts: Ward, tmp_path: Path) -> None:
    """Missing, readable by everybody, and as it should be."""
    key = tmp_path / "peer.key"
    hosts.write(f"{NAT}peer: {{key_file: {key}}}\n")
    assert ("secret-missing", str(key)) in hosts.found("lb1")
    key.write_text("a key of more than sixteen characters\n")
    key.chmod(0o644)
    finding = hosts.found("lb1")["secret-mode", str(key)]
    hosts.mend("lb1", finding)
    assert os.stat(key).st_mode & 0o777 == 0o600
    assert not {kind for kind, _ in hosts.found("lb1")} & {"secret-mode", "secret-missing"}


def test_programs_of_routers(hosts: Ward, tmp_path: Path) -> None:
    """Missing, not executable, and as it should be."""
    program = tmp_path / "fence"
    hosts.write(NAT, HEAD.replace("vrid: 51,", f"vrid: 51, fence: {{command: [{program}]}},"))
    assert ("program-unusable", str(program)) in hosts.found("lb1")
    program.write_text("#!/bin/sh\n")
    hosts.mend("lb1", hosts.found("lb1")["program-unusable", str(program)])
    assert "program-unusable" not in {kind for kind, _ in hosts.found("lb1")}


def test_without_rights(hosts: Ward) -> None:
    """What needs none is found all the same, and what could not be seen is said."""
    answer = hosts.doctor("lb1", wrapper=AS_NOBODY)
    assert {"forwarding-off", "daemon-down"} <= {one["id"] for one in answer["findings"]}


def test_redirects_that_lead_answers_past_the_directors(hosts: Ward) -> None:
    """By nat over IPv6 on the clients' own link a real server must not listen to them; the given command sees to it."""
    six = NAT.replace("10.99.0.100", "'fd99::100'").replace("10.99.0.3", "'fd99::3'")
    hosts.write(six, HEAD.replace("10.99.0.100", "'fd99::100'"))
    hosts.net.ip("rs1", "address add fd99::3/64 dev eth0 nodad", "route add default via fd99::100")
    hosts.switch("rs1", "ipv6/conf/eth0/accept_redirects", "1")
    finding = hosts.found("rs1")["redirects-taken", "www"]
    assert "net.ipv6.conf.eth0.accept_redirects is 1" in finding["evidence"]
    hosts.mend("rs1", finding)
    assert ("redirects-taken", "www") not in hosts.found("rs1")
