"""`hactl doctor` on a kernel with IPVS: its switches, its table, its modules, and answers that never come."""

import contextlib
import ctypes
import socket
import subprocess
from pathlib import Path

import pytest

from support.doctor import HEAD, VIP, Ward, ward

pytestmark = pytest.mark.timeout(300)

SERVICES = """
services:
  dns: {address: 10.99.0.100, port: 53, protocol: udp, forward: nat, check: none, servers: {rs1: 10.99.0.3}}
  sticky:
    {address: 10.99.0.100, port: 81, persistence: 5m, on_down: quiesce, forward: nat, check: none,
     servers: {rs1: 10.99.0.3}}
  odd: {address: 10.99.0.100, port: 82, scheduler: twos, forward: nat, check: none, servers: {rs1: 10.99.0.3}}
"""
WWW = """
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: none, servers: {rs1: 10.99.0.3}}
"""
FOREIGN = "10.99.0.200:99"
WITH_MODULES = (
    "unshare",
    "--mount",
    "sh",
    "-ec",
    'mkdir -p /lib/modules; mount --bind /usr/lib/uml/modules /lib/modules; exec "$@"',
    "sh",
)
"""The guest's modules are where every other kernel has its own."""
_ADJ_MAXERROR, _ADJ_STATUS, _UNSYNCHRONISED = 0x0004, 0x0010, 0x0040
"""linux/timex.h. The error begins anew with the status: the kernel trusts no clock whose error is above 16 s."""


def test_switches_table_and_modules(tmp_path: Path) -> None:
    """Each is found with the kernel's own values, and gone when it is mended."""
    with ward(tmp_path) as hosts:
        hosts.write(SERVICES + "ipvs: {conntrack: true}\n")
        hosts.net.run("lb1", "ipvsadm", "-A", "-t", FOREIGN, "-s", "rr")
        found = hosts.found("lb1", wrapper=WITH_MODULES)
        provoked = {
            ("ipvs-switch", "conntrack"), ("ipvs-expiry", "dns"), ("ipvs-expiry", "sticky"),
            ("ipvs-foreign", f"tcp {FOREIGN}"), ("module-missing", "ip_vs_twos"),
        }  # fmt: skip
        assert provoked <= set(found)
        assert ("ipvs-missing", "ip_vs") not in found
        hosts.mend("lb1", found["ipvs-switch", "conntrack"])
        hosts.mend("lb1", found["ipvs-foreign", f"tcp {FOREIGN}"])
        for name in ("expire_nodest_conn", "expire_quiescent_template"):
            hosts.switch("lb1", f"ipv4/vs/{name}", "1")
        hosts.write(SERVICES.replace("twos", "rr") + "ipvs: {conntrack: true}\n", HEAD)
        assert not provoked & set(hosts.found("lb1", wrapper=WITH_MODULES))


def test_answers_that_never_come(tmp_path: Path) -> None:
    """The real server answers the client past the director, so no connection ever is one; through it all is well."""
    with ward(tmp_path) as hosts:
        hosts.write(WWW)
        hosts.switch("lb1", "ipv4/ip_forward", "1")
        hosts.net.ip("lb1", f"address add {VIP}/32 dev eth0")
        hosts.net.run("lb1", "ipvsadm", "-A", "-t", f"{VIP}:80", "-s", "rr")
        hosts.net.run("lb1", "ipvsadm", "-a", "-t", f"{VIP}:80", "-r", "10.99.0.3:80", "-m")
        with hosts.net.inside("rs1"):
            listening = socket.create_server(("0.0.0.0", 80))
        with listening:
            assert not any(connects(hosts) for _ in range(3))
            evidence = hosts.found("lb1")["nat-route", "rs1"]["evidence"]
            assert "3 connections to 10.99.0.3 wait for its answer" in evidence
            hosts.net.ip("rs1", "route add 10.99.0.4 via 10.99.0.1")
            assert connects(hosts, 20.0)
            assert ("nat-route", "rs1") not in hosts.found("lb1")


def connects(hosts: Ward, timeout: float = 0.8) -> bool:
    """Whether the client gets a connection through the VIP. It gives up before it would ask a second time."""
    with hosts.net.inside("client"):
        calling = socket.socket()
    with calling, contextlib.suppress(OSError):
        calling.settimeout(timeout)
        calling.connect((VIP, 80))
        return True
    return False


def test_connection_tracking_that_is_almost_full(tmp_path: Path) -> None:
    """The limit is the whole kernel's: it is lowered beside the namespaces, and raised again."""
    with ward(tmp_path) as hosts:
        hosts.write(WWW)
        for port in range(9000, 9020):
            entry = f"-p udp -s 10.99.0.1 -d 10.99.0.4 --sport 999 --dport {port} -t 300".split()
            hosts.net.run("lb1", "conntrack", "-I", *entry)
        assert ("conntrack-full", "conntrack") not in hosts.found("lb1")
        before = kernel_wide("net.netfilter.nf_conntrack_max")
        try:
            kernel_wide("net.netfilter.nf_conntrack_max", "20")
            found = hosts.found("lb1")["conntrack-full", "conntrack"]
            assert found["mend"].startswith("sysctl -w net.netfilter.nf_conntrack_max=80")
        finally:
            kernel_wide("net.netfilter.nf_conntrack_max", before)


def kernel_wide(name: str, value: str | None = None) -> str:
    """A switch of the first namespace, set or read."""
    words = ["sysctl", "-n", name] if value is None else ["sysctl", "-w", f"{name}={value}"]
    done = subprocess.run(
        ["nsenter", "--net=/proc/1/ns/net", *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


class _Timex(ctypes.Structure):
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("before", ctypes.c_long * 4),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def test_the_clock(tmp_path: Path) -> None:
    """The guest's own clock, said to be kept and then not; nothing but this kernel's mark is changed."""
    libc = ctypes.CDLL(None, use_errno=True)
    with ward(tmp_path) as hosts:
        hosts.write(WWW)
        for status, unkept in ((0, False), (_UNSYNCHRONISED, True)):
            assert libc.adjtimex(ctypes.byref(_Timex(modes=_ADJ_STATUS | _ADJ_MAXERROR, status=status))) >= 0
            assert (("clock", "clock") in hosts.found("lb1")) is unkept
