"""`hactl realserver apply` for tunnels, judged by packets that the kernel's IPVS put into them.

The real server begins with a strict reverse path filter everywhere, as distributions ship it.
"""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from hactl.lab import net as namespaces
from support.daemon import HACTL
from support.netns import Lan, lan

pytestmark = pytest.mark.timeout(300)

TEXT = """
cluster: web
directors: {lb1: {address: 10.99.0.1}}
checks: {port: {type: tcp}}
services:
  ipip: {address: 10.99.0.101, port: 80, forward: tun, check: port, servers: {rs1: 10.99.0.3}}
  gue:
    {address: 10.99.0.102, port: 80, forward: tun, tun: {type: gue, port: 6080}, check: port, servers: {rs1: 10.99.0.3}}
  gre: {address: 10.99.0.103, port: 80, forward: tun, tun: {type: gre}, check: port, servers: {rs1: 10.99.0.3}}
  six: {address: '2001:db8::101', port: 80, forward: tun, check: port, servers: {rs1: '2001:db8::3'}}
"""
VIPS = ("10.99.0.101", "10.99.0.102", "10.99.0.103", "2001:db8::101")
TABLE = """
-A -t 10.99.0.101:80 -s rr
-a -t 10.99.0.101:80 -r 10.99.0.3 -i
-A -t 10.99.0.102:80 -s rr
-a -t 10.99.0.102:80 -r 10.99.0.3 -i --tun-type gue --tun-port 6080
-A -t 10.99.0.103:80 -s rr
-a -t 10.99.0.103:80 -r 10.99.0.3 -i --tun-type gre
-A -t [2001:db8::101]:80 -s rr
-a -t [2001:db8::101]:80 -r [2001:db8::3]:80 -i
"""
CONF = "/proc/sys/net/ipv4/conf"


def prepare(net: Lan) -> None:
    """The director's table and VIPs, and the real server's strictness."""
    for number, name in enumerate(net.names, 1):
        net.ip(name, f"address add 2001:db8::{number}/64 dev eth0 nodad")
    # As the daemon puts it: an IPv6 VIP that could be a source would be that of the tunnel's packets, and the real server,
    # which has it as well, would drop them.
    manner = {True: " nodad preferred_lft 0", False: ""}
    net.ip("lb1", *(f"address add {vip} dev eth0{manner[':' in vip]}" for vip in VIPS))
    namespaces.write_switches(net.namespace("lb1"), {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"})
    strict = {f"ipv4/conf/{name}/rp_filter": "1" for name in ("all", "default")}
    namespaces.write_switches(net.namespace("rs1"), strict)
    with net.inside("lb1"):
        subprocess.run(["ipvsadm", "--restore"], input=TABLE, text=True, check=True, timeout=60)


def reached(net: Lan, vip: str) -> bool:
    """Whether a client's connection to the VIP arrives at the real server, which answers by itself."""
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with net.inside("rs1"):
        listening = socket.create_server(("::" if ":" in vip else "0.0.0.0", 80), family=family)
    with listening, net.inside("client"):
        try:
            socket.create_connection((vip, 80), timeout=15).close()
        except OSError:
            return False
    return True


def test_every_tunnel_is_opened_and_closed_again(tmp_path: Path) -> None:
    """Before apply nothing arrives; after it every kind does; after remove the host is as it was."""
    config = tmp_path / "hactl.yaml"
    config.write_text(f"{TEXT}state_dir: {tmp_path}/state\n")

    def hactl(verb: str, *words: str) -> subprocess.CompletedProcess[str]:
        done = net.run("rs1", HACTL, "realserver", verb, "-c", str(config), *words, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    with lan("lb1", "client", "rs1") as net:
        prepare(net)
        applied = hactl("apply")
        assert applied.returncode == 0, applied.stderr
        assert {vip: reached(net, vip) for vip in VIPS} == dict.fromkeys(VIPS, True), applied.stdout
        assert net.run("rs1", "cat", f"{CONF}/eth0/rp_filter").stdout.strip() == "1", (
            "the LAN keeps its filter"
        )
        checked = hactl("check", "--json")
        assert json.loads(checked.stdout)["findings"] == []
        assert hactl("apply").stdout == "nothing to do: all is there\n"
        net.ip("rs1", "link set tunl0 down")
        namespaces.write_switches(net.namespace("rs1"), {"ipv4/conf/gre0/rp_filter": "1"})
        ids = {one["id"] for one in json.loads(hactl("check", "--json").stdout)["findings"]}
        assert {"tunnel-closed", "tunnel-filtered"} <= ids
        removed = hactl("remove")
        assert removed.returncode == 0, removed.stderr
        shown = net.run("rs1", "ip", "-j", "address").stdout
        assert not any(vip in shown for vip in VIPS)
        assert net.run("rs1", "cat", f"{CONF}/all/rp_filter").stdout.strip() == "1"
        assert net.run("rs1", "ip", "fou", "show").stdout.strip() == ""
        assert hactl("remove").stdout == "nothing to do: nothing of hactl's is there\n"
