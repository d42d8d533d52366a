"""Kernel, limits, clock, tunnels and peers, judged without a host."""

import shlex
from typing import Any

import msgspec
import pytest

from hactl.doctor import kernel, limits, links, peers, programs, secrets
from hactl.doctor.kernel import Modules
from hactl.doctor.limits import ClockState, Limits, Worker
from hactl.doctor.model import Host, Link, Way
from hactl.doctor.peers import Daemon
from hactl.doctor.programs import ProgramFile
from hactl.doctor.secrets import SecretFile
from hactl.ipvs.spec import TunnelSpec, TunnelType
from support.doctor import configured

WWW = "www: {address: 10.99.0.100, port: 80, forward: nat, check: none, servers: {rs1: 10.99.0.3}}"
TUN = WWW.replace("nat", "tun")
CAN_LOAD = frozenset({"ip_vs", "ip_vs_wlc"})


@pytest.mark.parametrize(
    ("running", "modules", "found"),
    [
        (False, Modules(), ["ipvs-missing"]),
        (False, Modules(loadable=CAN_LOAD), []),
        (True, Modules(loadable=CAN_LOAD), ["ipvs-missing"]),
        (True, Modules(ipvs=True, loadable=CAN_LOAD), []),
        (True, Modules(ipvs=True, loadable=frozenset({"ip_vs"})), ["module-missing"]),
        (True, Modules(ipvs=True, loadable=frozenset(), there=CAN_LOAD), []),
        (True, Modules(ipvs=True), []),
        (True, Modules(ipvs=True, marks=False), ["kernel-old"]),
    ],
)
def test_kernel(running: bool, modules: Modules, found: list[str]) -> None:
    """What can be loaded is loaded by the daemon; where the folder of modules is missing nothing is concluded."""
    host = Host(release="6.1.0", running=running)
    assert [one.id.value for one in kernel.judge(configured(WWW), host, modules)] == found


ALLOWED = Limits(capabilities=1 << 23 | 1 << 14, rtprio=0, memlock=8192, share=950_000)
BARE = msgspec.structs.replace(ALLOWED, capabilities=0)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (ALLOWED, []),
        (BARE, ["realtime-limit", "memlock-limit"]),
        (msgspec.structs.replace(BARE, rtprio=50, memlock=-1), []),
        (msgspec.structs.replace(ALLOWED, share=0), ["realtime-limit"]),
        (msgspec.structs.replace(ALLOWED, share=-1), []),
        (msgspec.structs.replace(BARE, worker=Worker(pid=7, realtime=True, locked=4096)), []),
        (
            msgspec.structs.replace(ALLOWED, worker=Worker(pid=7, realtime=False, locked=0)),
            ["realtime-limit", "memlock-limit"],
        ),
    ],
)
def test_limits(given: Limits, found: list[str]) -> None:
    """Either the capability or the limit is enough; a worker that runs is its own evidence."""
    assert [one.id.value for one in limits.judge(given)] == found


def test_clock() -> None:
    """A kept clock is no finding; the evidence of another gives its error."""
    assert list(limits.judge_clock(ClockState(synchronised=True, error=0.1))) == []
    (found,) = limits.judge_clock(ClockState(synchronised=False, error=16.0))
    assert "16 s" in found.evidence


@pytest.mark.parametrize(
    ("tunnel", "server", "bytes_more"),
    [
        (TunnelSpec(), "10.99.0.3", 20),
        (TunnelSpec(), "2001:db8::3", 40),
        (TunnelSpec(type=TunnelType.GRE), "10.99.0.3", 24),
        (TunnelSpec(type=TunnelType.GUE, port=6080), "2001:db8::3", 52),
    ],
)
def test_what_a_tunnel_adds(tunnel: TunnelSpec, server: str, bytes_more: int) -> None:
    """By kind and outer family."""
    assert links.overhead(tunnel, server) == bytes_more


@pytest.mark.parametrize(
    ("outside", "inside", "found"),
    [(1500, 1500, True), (1500, 1520, False), (9000, 9000, False), (1480, 1500, False)],
)
def test_a_tunnel_is_wide_enough(outside: int, inside: int, found: bool) -> None:
    """Packets from afar have at most 1,500 bytes, or what the clients' interface takes."""
    each = {"eth0": outside, "eth1": inside}
    host = Host(
        links={name: Link(enabled=True, carrier=True, mtu=mtu) for name, mtu in each.items()},
        ways={"10.99.0.3": Way(interface="eth1", mtu=inside)},
    )
    assert [one.id.value for one in links.judge(configured(TUN), host)] == (["tunnel-mtu"] if found else [])


LINK = {"own": "10.99.0.1", "peer": "10.99.0.2", "state": "up", "reason": "heard"}


def status(**changes: Any) -> Daemon:
    """A daemon with one peer, running the file of `configured(WWW)`."""
    peer = {"state": "up", "address": "10.99.0.2", "config_matches": True, "reason": "heard"} | changes
    loaded = {"sha256": configured(WWW).sha256, "loaded": "2026-01-01T00:00:00Z"}
    return Daemon(status={"config": loaded, "peers": {"lb2": peer}, "workers": {}, "services": {}})


@pytest.mark.parametrize(
    ("daemon", "found"),
    [
        (status(), []),
        (status(config_matches=None, state="unknown"), []),
        (status(config_matches=False), ["config-drift"]),
        (status(state="down", config_matches=False), ["peer-down"]),
        (Daemon(why="no daemon"), ["daemon-down"]),
        (status(links=[LINK]), []),
        (status(links=[LINK, LINK | {"state": "down"}]), ["peer-link"]),
    ],
)
def test_peers(daemon: Daemon, found: list[str]) -> None:
    """What nobody knows is no finding; of a peer that is down nothing else is said."""
    assert [one.id.value for one in peers.judge(configured(WWW), "/etc/hactl/hactl.yaml", daemon)] == found


def test_another_file_than_the_daemon_has() -> None:
    """The file on disk was changed and not loaded."""
    (found,) = peers.judge(configured(TUN), "/etc/hactl/hactl.yaml", status())
    assert (found.id.value, found.mend) == ("config-unloaded", "hactl plan && hactl reload")


def test_workers() -> None:
    """One that is silent, with its process."""
    daemon = status()
    assert daemon.status is not None
    worker = {"state": "silent", "pid": 7, "restarts": 2}
    daemon = Daemon(status={**daemon.status, "workers": {"health-0": worker}})
    (found,) = peers.judge(configured(WWW), "/etc/hactl/hactl.yaml", daemon)
    assert (found.id.value, found.subject) == ("worker-down", "health-0")
    assert "(7) is silent" in found.evidence


def test_modes_of_secrets() -> None:
    """The owner's group may read; nobody else, and nobody else may write."""
    files = tuple(SecretFile(path=f"/{mode:o}", mode=mode) for mode in (0o600, 0o640, 0o660, 0o604, 0o400))
    assert [one.subject for one in secrets.judge(files)] == ["/660", "/604"]
    (missing,) = secrets.judge((SecretFile(path="/key", trouble="No such file or directory"),))
    assert missing.id.value == "secret-missing"


AWKWARD = "/etc/it's mine/hactl.yaml"


def test_commands_can_be_pasted_into_a_shell() -> None:
    """A file's name with a space and a quote stays one word, and a peer's IPv6 address is no host called `2001`."""
    (drift,) = peers.judge(configured(WWW), AWKWARD, status(config_matches=False, address="2001:db8::2"))
    scp, _, reload = drift.mend.partition(" && ")
    assert shlex.split(scp) == ["scp", AWKWARD, f"[2001:db8::2]:{AWKWARD}"]
    assert reload.startswith("ssh 2001:db8::2 hactl reload ")
    (open_to_all,) = secrets.judge((SecretFile(path=AWKWARD, mode=0o644),))
    assert shlex.split(open_to_all.mend) == ["chmod", "600", AWKWARD]
    (program,) = programs.judge((ProgramFile(path=AWKWARD, trouble="it is not executable"),))
    assert shlex.split(program.mend) == ["chmod", "755", AWKWARD]
    for found in (
        *secrets.judge((SecretFile(path=AWKWARD, trouble="No such file or directory"),)),
        *programs.judge((ProgramFile(path=AWKWARD, there=False, trouble="No such file or directory"),)),
    ):
        words = shlex.split(found.mend.partition(": ")[2])
        assert words[:3] == ["scp", f"DIRECTOR:{AWKWARD}", AWKWARD]
        assert words[-1] == AWKWARD


def test_programs_that_cannot_be_run() -> None:
    """Only what is wrong is told, with what was seen."""
    files = (ProgramFile(path="/well"), ProgramFile(path="/ill", trouble="it is not executable"))
    (found,) = programs.judge(files)
    assert (found.id.value, found.subject, found.evidence) == (
        "program-unusable",
        "/ill",
        "it is not executable",
    )
