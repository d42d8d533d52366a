"""`hactl realserver` on real hosts: who answers ARP, where packets for the VIP arrive, and what is left afterwards."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.daemon import HACTL, wait_until
from support.netns import AS_NOBODY, Lan, lan, needs_namespaces

pytestmark = needs_namespaces

VIP, VIP6 = "10.99.0.100", "2001:db8::100"
TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.9}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
  six: {vrid: 52, interface: eth0, addresses: ['2001:db8::100']}
services:
  www: {address: 10.99.0.100, port: 80, forward: dr, check: {type: tcp}, servers: {rs1: 10.99.0.3, rs2: 10.99.0.4}}
  six: {address: '2001:db8::100', port: 80, forward: dr, check: {type: tcp}, servers: {rs1: '2001:db8::3'}}
"""
SWITCHES = ("all/arp_ignore", "all/arp_announce", "eth0/arp_ignore", "eth0/arp_announce", "all/rp_filter")


ASK = """
import json, sys
from hactl.claims.claim import parse
from hactl.claims.duplicates import who_has
found = who_has("eth0", sys.argv[1], [parse(address) for address in sys.argv[2:]])
print(json.dumps({address: sorted(macs) for address, macs in found.items()}))
"""
"""Run in a process of its own: scapy remembers the interfaces of the first namespace that it saw."""


class Farm:
    """A director, a client and two real servers, with hactl's verbs on each."""

    def __init__(self, net: Lan, folder: Path) -> None:
        self.net, self.folder = net, folder
        for name in ("rs1", "rs2"):
            (folder / name).mkdir()
            (folder / name / "hactl.yaml").write_text(f"{TEXT}state_dir: {folder / name}/state\n")

    def hactl(self, host: str, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        """`hactl realserver VERB` there; never a traceback."""
        config = str(self.folder / host / "hactl.yaml")
        done = self.net.run(host, HACTL, "realserver", verb, "-c", config, *words, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def word(self, service: str = "") -> str:
        """What rs1's agent says to the director; nothing where none is there."""
        with (
            contextlib.suppress(OSError),
            self.net.inside("lb1"),
            socket.create_connection(("10.99.0.3", 9999), 5) as link,
        ):
            link.sendall(f"{service}\n".encode())
            return link.makefile().readline().strip()
        return ""

    def answers(self, *addresses: str) -> dict[str, set[str]]:
        """Who tells the client that it has these addresses: MACs."""
        done = self.net.run("client", sys.executable, "-c", ASK, self.mac("client"), *addresses)
        return {address: set(macs) for address, macs in json.loads(done.stdout).items()}

    def mac(self, host: str) -> str:
        """The MAC of a host's eth0."""
        shown = json.loads(self.net.run(host, "ip", "-j", "link", "show", "eth0").stdout)
        return str(shown[0]["address"])

    def state(self, host: str) -> dict[str, Any]:
        """What realserver may change on a host: addresses of lo, and switches."""
        shown = json.loads(self.net.run(host, "ip", "-j", "address", "show", "dev", "lo").stdout)
        values = self.net.run(host, "cat", *(f"/proc/sys/net/ipv4/conf/{name}" for name in SWITCHES)).stdout
        return {"lo": [a["local"] for a in shown[0]["addr_info"]], "switches": values.split()}

    def findings(self, host: str) -> list[tuple[str, str]]:
        """What check finds there, as (id, subject)."""
        done = self.hactl(host, "check", "--json")
        answer = json.loads(done.stdout)
        assert done.returncode == (1 if answer["findings"] else 0)
        return [(one["id"], one["subject"]) for one in answer["findings"]]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    """The hosts, the director with both VIPs, nothing prepared on the real servers."""
    with lan("lb1", "client", "rs1", "rs2") as net:
        for number, name in enumerate(net.names, 1):
            net.ip(name, f"address add 2001:db8::{number}/64 dev eth0 nodad")
        net.ip("lb1", f"address add {VIP}/32 dev eth0", f"address add {VIP6}/128 dev eth0 nodad")
        yield Farm(net, tmp_path)


def test_a_vip_that_the_kernel_refuses_holds_up_no_other(farm: Farm) -> None:
    """IPv6 is off on lo: that is said with what mends it, and IPv4 serves; once mended nothing is left."""
    file = farm.folder / "rs1" / "hactl.yaml"
    *head, www, six, state = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*head, six, www, state]))
    farm.net.run("rs1", "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=1")
    done = farm.hactl("rs1", "apply")
    assert done.returncode == 1
    assert f"{VIP}/32 on lo added" in done.stdout
    assert (
        f"{VIP6}/128 on lo added: IPv6 is switched off there: sysctl -w net.ipv6.conf.lo.disable_ipv6=0"
        in done.stderr
    )
    assert farm.findings("rs1") == [("vip-missing", VIP6)]
    farm.net.run("rs1", "sysctl", "-qw", "net.ipv6.conf.lo.disable_ipv6=0")
    assert farm.hactl("rs1", "apply").stdout == f"{VIP6}/128 on lo added\n"
    assert farm.findings("rs1") == []
    farm.hactl("rs1", "remove")
    assert VIP not in farm.state("rs1")["lo"]


def test_a_host_that_left_the_file_is_told_how_to_take_its_vips_off(farm: Farm) -> None:
    """Apply cannot know that it was ever meant; it changes nothing and names the command, which does it."""
    farm.hactl("rs1", "apply")
    file = farm.folder / "rs1" / "hactl.yaml"
    file.write_text(
        file.read_text().replace("10.99.0.3,", "10.99.0.33,").replace("2001:db8::3'", "2001:db8::33'")
    )
    done = farm.hactl("rs1", "apply")
    assert done.returncode == 1
    assert "what an earlier apply put here stays until `hactl realserver remove`" in done.stderr
    assert VIP in farm.state("rs1")["lo"]
    assert farm.hactl("rs1", "remove").returncode == 0
    assert VIP not in farm.state("rs1")["lo"]
    assert "stays" not in farm.hactl("rs1", "apply").stderr


def test_a_prepared_real_server_serves_and_does_not_answer(farm: Farm) -> None:
    """ARP and neighbour discovery name the director alone; what is sent to the real server's MAC arrives on the VIP."""
    before = farm.state("rs1")
    done = farm.hactl("rs1", "apply")
    assert done.returncode == 0, done.stderr
    assert f"{VIP}/32 on lo added" in done.stdout
    director = {farm.mac("lb1")}
    assert farm.answers(VIP, VIP6, "10.99.0.3") == {
        VIP: director, VIP6: director, "10.99.0.3": {farm.mac("rs1")},
    }  # fmt: skip
    assert farm.findings("rs1") == []
    _serve_and_ask(farm)
    again = farm.hactl("rs1", "apply")
    assert (again.returncode, again.stdout) == (0, "nothing to do: all is there\n")
    assert farm.hactl("rs1", "remove").returncode == 0
    assert farm.state("rs1") == before
    assert farm.hactl("rs1", "remove").stdout == "nothing to do: nothing of hactl's is there\n"


def _serve_and_ask(farm: Farm) -> None:
    """As the director forwards it: a frame to the real server's MAC with the VIP as its destination."""
    mac = farm.mac("rs1")
    farm.net.ip(
        "client", f"neigh replace {VIP} lladdr {mac} dev eth0", f"neigh replace {VIP6} lladdr {mac} dev eth0"
    )
    for family, vip in ((socket.AF_INET, VIP), (socket.AF_INET6, VIP6)):
        with farm.net.inside("rs1"):
            listening = socket.create_server((vip, 80), family=family)
        with farm.net.inside("client"):
            asking = socket.create_connection((vip, 80), timeout=10)
        with listening, asking:
            listening.settimeout(10)
            accepted, (address, *_) = listening.accept()
            accepted.close()
            assert address in ("10.99.0.2", "2001:db8::2")


def test_a_real_server_that_answers_is_found_by_another(farm: Farm) -> None:
    """rs2 has the VIP on lo and hides nothing: the network is asked, and rs1's check names it."""
    assert farm.hactl("rs1", "apply").returncode == 0
    farm.net.ip("rs2", f"address add {VIP}/32 dev lo")
    assert farm.answers(VIP)[VIP] == {farm.mac("lb1"), farm.mac("rs2")}
    assert farm.findings("rs1") == [("server-answers", "rs2")]
    assert ("arp-not-hidden", "net.ipv4.conf.all.arp_ignore") in farm.findings("rs2")
    assert farm.hactl("rs2", "apply").returncode == 0
    assert farm.findings("rs1") == farm.findings("rs2") == []
    assert farm.answers(VIP)[VIP] == {farm.mac("lb1")}
    assert farm.hactl("rs2", "remove").returncode == 0
    assert VIP in farm.state("rs2")["lo"], "what an operator put there stays"


def test_a_vip_on_the_lan_itself_is_found_by_its_host_and_by_others(farm: Farm) -> None:
    """No switch hides it there, least of all over IPv6; the command that is given takes it off."""
    for host in ("rs1", "rs2"):
        assert farm.hactl(host, "apply").returncode == 0
    farm.net.ip("rs1", f"address add {VIP}/32 dev eth0", f"address add {VIP6}/128 dev eth0 nodad")
    shown = json.loads(farm.hactl("rs1", "check", "--json").stdout)["findings"]
    assert {(one["id"], one["subject"]) for one in shown} == {
        ("server-answers", VIP),
        ("server-answers", VIP6),
    }
    assert farm.findings("rs2") == [("server-answers", "rs1")]
    for one in shown:
        farm.net.run("rs1", "sh", "-ec", one["mend"])
    assert farm.findings("rs1") == farm.findings("rs2") == []


def test_a_stranger_with_an_ipv6_vip_is_found(farm: Farm) -> None:
    """Neighbour solicitations tell of it; the director, known by its IPv4 address alone, is none."""
    assert farm.hactl("rs1", "apply").returncode == 0
    assert farm.findings("rs1") == []
    farm.net.ip("client", f"address add {VIP6}/128 dev eth0 nodad")
    assert farm.findings("rs1") == [("vip-taken", VIP6)]


def test_a_stranger_with_the_vip_is_found(farm: Farm) -> None:
    """The client has taken the VIP for itself."""
    assert farm.hactl("rs1", "apply").returncode == 0
    farm.net.ip("client", f"address add {VIP}/32 dev eth0")
    assert farm.findings("rs1") == [("vip-taken", VIP)]


def test_a_service_that_is_bound_to_its_own_address_is_found(farm: Farm) -> None:
    """It answers there and not at the VIP; one that answers nowhere is not this check's business."""
    assert farm.hactl("rs1", "apply").returncode == 0
    with farm.net.inside("rs1"):
        own = socket.create_server(("10.99.0.3", 80))
    with own:
        shown = json.loads(farm.hactl("rs1", "check", "--json").stdout)["findings"]
        assert [(one["id"], one["subject"]) for one in shown] == [("vip-unserved", "www")]
        assert "passes at 10.99.0.3 port 80; at 10.99.0.100: connection refused" in shown[0]["evidence"]
        with farm.net.inside("rs1"), socket.create_server((VIP, 80)):
            assert farm.findings("rs1") == []


def test_the_agent_tells_what_clients_would_see(farm: Farm) -> None:
    """Up; down for the service whose VIP is taken off or at which nothing answers; up for the other; needs no rights."""
    assert farm.hactl("rs1", "apply").returncode == 0
    config = str(farm.folder / "rs1" / "hactl.yaml")
    with farm.net.inside("rs1"):
        services = [
            socket.create_server(("10.99.0.3", 80)),
            socket.create_server(("2001:db8::3", 80), family=socket.AF_INET6),
        ]
        services += [socket.create_server((VIP6, 80), family=socket.AF_INET6)]
        vip = socket.create_server((VIP, 80))
    command = (*AS_NOBODY, HACTL, "realserver", "agent", "-c", config, "--every", "200ms")
    with contextlib.ExitStack() as stack:
        for each in (*services, vip):
            stack.enter_context(each)
        agent = stack.enter_context(farm.net.start("rs1", *command))
        wait_until(lambda: farm.word() == "up", 30.0)
        farm.net.ip("rs1", f"address del {VIP}/32 dev lo")
        wait_until(lambda: farm.word("www").startswith("down # 10.99.0.100: it is not on lo"), 30.0)
        assert farm.word("six") == "up"
        assert farm.word().startswith("down")
        assert farm.word("mail") == ""
        assert farm.hactl("rs1", "apply").returncode == 0
        wait_until(lambda: farm.word("www") == "up", 30.0)
        vip.close()
        wait_until(lambda: farm.word("www").startswith("down # www: check tcp passes at 10.99.0.3"), 30.0)
        agent.terminate()
        assert agent.wait(10) == 0


def test_refusals(farm: Farm) -> None:
    """A host that serves nothing, an unknown name, a faulty file, a user without rights: one sentence each."""
    farm.net.ip("rs1", "address del 10.99.0.3/24 dev eth0", "address del 2001:db8::3/64 dev eth0")
    nothing = farm.hactl("rs1", "apply")
    assert nothing.returncode == 1
    assert "name one with --as" in nothing.stderr
    assert (
        "there is no real server 'rs7' in the file; there are rs1, rs2"
        in farm.hactl("rs1", "check", "--as", "rs7").stderr
    )
    assert farm.hactl("rs1", "apply", "--as", "rs1").returncode == 0
    assert VIP in farm.state("rs1")["lo"]
    (farm.folder / "rs2" / "hactl.yaml").write_text("cluster: [\n")
    faulty = farm.hactl("rs2", "apply")
    assert faulty.returncode == 1
    assert "nothing was done" in faulty.stderr
