"""Starting a whole daemon where something is missing, taken or wrong: a clear sentence, or a daemon that says so."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.daemon import BARE, HACTL, VIP, Director, await_master, daemons, pair, wait_until
from support.disk import fill, small_disk
from support.netns import AS_NOBODY, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

ALONE = BARE.replace("  lb2: {address: 10.99.0.2}\n", "")

SERVICE = (
    ALONE
    + """
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: {type: tcp}, servers: {rs1: 10.99.0.9}}
"""
)
EXTRA = (
    "link add extra7 type veth peer name extra8",
    "address add 10.98.0.1/24 dev extra7",
    "link set extra8 up",
    "link set extra7 up",
)


def refused(director: Director, *prefix: str) -> list[str]:
    """What a daemon that does not start says, line by line; its exit status must be 1."""
    director.launch(*prefix)
    assert director.process is not None
    assert director.process.wait(20.0) == 1, director.log_text()
    return director.log_text().splitlines()


def test_no_root() -> None:
    """Without root the daemon does not start, and says in one sentence why."""
    with lan("lb1") as net, daemons(net, BARE, "lb1") as (lb1,):
        lines = refused(lb1, *AS_NOBODY)
        assert lines == [
            "hactl: root is needed: addresses, IPVS and raw sockets are changed (the workers give that up)"
        ]


def test_control_socket_taken() -> None:
    """A second daemon leaves the first one alone and says whose socket it is."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        done = subprocess.run(
            [HACTL, "run", "-c", str(lb1.config), "--node", "lb1"],
            env=lb1.environment, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert (
            done.stderr.splitlines()[-1] == f"hactl: another hactl daemon has the control socket {lb1.socket}"
        )
        await_master(lb1)


def test_state_directory_taken() -> None:
    """A second daemon with another control socket leaves the first one's workers alone as well."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        await_master(lb1)
        words = (HACTL, "run", "-c", str(lb1.config), "--node", "lb1", "--socket", f"{lb1.socket}2")
        with net.inside("lb1"):
            done = subprocess.run(
                words, env=lb1.environment, capture_output=True, text=True, timeout=30, check=False
            )
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"hactl: another hactl daemon has the state_dir {lb1.state}"
        assert all(worker["restarts"] == 0 for worker in lb1.status()["workers"].values())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("user: nobody", "user: nosuchuser", "health.user: there is no user 'nosuchuser' on this host"),
        ("lb1: {", "lbx: {", "there is no director 'lb1' in the file"),
    ],
    ids=["user", "stranger"],
)
def test_wrong_for_this_host(old: str, new: str, sentence: str) -> None:
    """A file that is sound but not for this host: one sentence."""
    with lan("lb1") as net, daemons(net, BARE.replace(old, new), "lb1") as (lb1,):
        assert sentence in refused(lb1)[-1]


def test_faults_are_listed() -> None:
    """A file with faults lists each with its place and ends with a sentence."""
    with lan("lb1") as net, daemons(net, BARE.replace("vrid: 51", "vrid: 0, vird: 1"), "lb1") as (lb1,):
        lines = refused(lb1)
        assert len([line for line in lines if line.startswith(f"{lb1.config}:")]) == 2
        assert lines[-1].startswith(f"hactl: {lb1.config} has 2 faults")


UNREADABLE = f"""#!{sys.executable}
import asyncio
from hactl.cli import main
from hactl.ipvs.errors import IpvsError
from hactl.services import balancer

async def unreadable(kernel):
    await asyncio.sleep(1.0)
    raise IpvsError("the kernel's answer about IPVS cannot be read: too short")

balancer.read_at_start = unreadable
main()
"""


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    """Whoever has IPVS and does not say what is in it: a sentence, no traceback."""
    program = tmp_path / "hactl"
    program.write_text(UNREADABLE)
    program.chmod(0o755)
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.program = str(program)
        lines = refused(lb1)
        sentence = (
            "hactl: the kernel's answer about IPVS cannot be read: too short; without its table, servers"
        )
        assert [line for line in lines if line.startswith(sentence)], lines
        assert not [line for line in lines if "Traceback" in line], lines


def test_no_such_file() -> None:
    """A file that is not there is a sentence as well."""
    with lan("lb1") as net, daemons(net, BARE, "lb1") as (lb1,):
        lb1.config.unlink()
        assert "No such file" in "\n".join(refused(lb1))


def test_missing_interface_is_a_fault_that_mends() -> None:
    """A router on an interface that is not there yet is in fault and says so; it takes part when the interface comes."""
    text = ALONE.replace("interface: eth0", "interface: extra7")
    with lan("lb1") as net, daemons(net, text, "lb1") as (lb1,):
        lb1.start()
        wait_until(lambda: lb1.is_state("fault"))
        assert lb1.router()["reason"] == "fault: interface extra7 does not exist"
        assert lb1.hactl("status").returncode == 1
        fault = wait_until(lambda: lb1.events("router.fault", "web"))
        assert fault[0]["severity"] == "critical"
        net.ip("lb1", *EXTRA)
        wait_until(lambda: lb1.is_state("master"))
        assert VIP in net.run("lb1", "ip", "-4", "address", "show", "dev", "extra7").stdout
        net.ip("lb1", "link delete extra7")
        wait_until(lambda: lb1.is_state("fault"))


def test_a_missing_password_is_a_fault_that_mends() -> None:
    """The router waits in fault and names the file; when the file is there a reload of the same text is enough."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        password = lb1.folder / "vrrp.password"
        version_2 = f"vrid: 51, version: 2, authentication: {{type: password, password_file: {password}}}"
        lb1.write(ALONE.replace("vrid: 51", version_2))
        lb1.start()
        wait_until(lambda: lb1.is_state("fault"))
        assert f"password file {password} cannot be read" in lb1.router()["reason"]
        password.write_text("not shown\n")
        assert lb1.hactl("reload").returncode == 0
        wait_until(lambda: "longer than VRRPv2's 8 bytes" in lb1.router()["reason"])
        password.write_text("1234\n")
        assert lb1.hactl("reload").returncode == 0
        await_master(lb1)
        assert "not shown" not in lb1.log_text()


def test_peer_of_another_vrid() -> None:
    """Directors that disagree about the VRID are both master of their own; the other's adverts are counted and shown."""
    with lan("lb1", "lb2") as net, daemons(net, BARE, "lb1", "lb2") as (lb1, lb2):
        lb2.write(BARE.replace("vrid: 51", "vrid: 52").replace("10.99.0.100", "10.99.0.101"))
        lb1.launch()
        lb2.start()
        lb1.await_up()
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("master"))
        for director in (lb1, lb2):
            wait_until(lambda d=director: d.router()["drops"].get("unknown_vrid", 0) > 3)  # type: ignore[misc]


def test_full_disk() -> None:
    """A state directory without a free byte keeps no director from serving, also after a death and at the next start."""
    with lan("lb1") as net, daemons(net, SERVICE, "lb1") as (lb1,), small_disk(lb1.state) as disk:
        lb1.start()
        await_master(lb1)
        lb1.hactl("drain", "rs1", "--for", "3s", check=True)
        fill(disk / "filler")
        refused = lb1.hactl("disable", "rs1")
        assert refused.returncode == 1
        assert "the override cannot be kept: No space left on device" in refused.stderr
        for name in ("failover", "notify"):
            lb1.signal(signal.SIGKILL, name)
            wait_until(lambda name=name: lb1.status()["workers"][name]["restarts"] == 1)  # type: ignore[misc]
        lb1.await_up()
        await_master(lb1)
        wait_until(lambda: lb1.status()["overrides"] == [])
        assert lb1.server("rs1@www")["admin"] == "enabled"
        assert "overrides cannot be kept" in lb1.log_text()
        assert lb1.stop() == 0
        lb1.start()
        await_master(lb1)
        assert "No space left on device" in "\n".join(lb1.status()["warnings"])
        wait_until(lambda: lb1.events("director.started"))
        assert lb1.stop() == 0


def test_a_file_in_the_place_of_the_history() -> None:
    """The history is then held in memory, which is said; alerts and events go on."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.state.mkdir(mode=0o711)
        (lb1.state / "history").touch()
        lb1.start()
        wait_until(lambda: lb1.events("director.started"))
        assert "history cannot be made or used: File exists" in lb1.log_text()
        assert lb1.status()["workers"]["notify"]["restarts"] == 0


def test_read_only_state_directory() -> None:
    """A file system that became read-only keeps no director from serving either."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        assert lb1.stop() == 0
        subprocess.run(["mount", "--bind", lb1.state, lb1.state], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", lb1.state], check=True)
            lb1.launch()
            await_master(lb1)
            assert "Read-only file system" in "\n".join(lb1.status()["warnings"])
            lb1.await_up()
            assert lb1.stop() == 0
        finally:
            subprocess.run(["umount", "-l", lb1.state], check=True)


def test_log_that_nobody_reads() -> None:
    """A daemon whose standard error is a broken pipe goes on: the log is lost, nothing else."""
    with pair() as two, Recorder(two.net) as record:
        lb1 = two.lb1
        assert lb1.stop() == 0
        reader, writer = os.pipe()
        lb1.process = two.net.start(
            "lb1", HACTL, "run", "-c", str(lb1.config), "--node", "lb1",
            stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=lb1.environment,
        )  # fmt: skip
        os.close(writer)
        os.close(reader)
        lb1.await_up()
        wait_until(lambda: lb1.is_state("master"))
        lb1.signal(9, "supervisor")
        lb1.process.wait()
        wait_until(lambda: two.lb2.is_state("master"))
        wait_until(lambda: not record.changes(VIP, "lb1")[-1].there)


def test_peer_port_taken(tmp_path: Path) -> None:
    """Another program has the port of the peer channel: the daemon serves, status says what is wrong, and it mends."""
    key = tmp_path / "key"
    key.write_text("a key of more than sixteen characters\n")
    key.chmod(0o600)
    text = BARE + f"peer: {{key_file: {key}}}\n"
    with lan("lb1", "lb2") as net, daemons(net, text, "lb1") as (lb1,):
        with net.inside("lb1"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("10.99.0.1", 6940))
            lb1.start()
            await_master(lb1)
            reason = "no link to it works here: 10.99.0.1: Address already in use"
            wait_until(lambda: lb1.status()["peers"]["lb2"]["reason"] == reason)
            assert lb1.status()["peers"]["lb2"]["state"] == "unknown"
        wait_until(lambda: "Address already" not in lb1.status()["peers"]["lb2"]["reason"])
