"""Rights of a whole daemon that has no more than its unit gives it: each process as the kernel shows it in /proc."""

import grp
import os
import pwd
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl.workers.realtime import REALTIME_PRIORITY
from support.daemon import Director, daemons, wait_until
from support.netns import lan, needs_namespaces
from support.processes import children

pytestmark = [needs_namespaces, pytest.mark.timeout(180)]

UNIT = Path(__file__).parents[2] / "etc" / "hactl.service"
GROUP = "games"
NUMBERS = {
    "KILL": 5, "SETGID": 6, "SETUID": 7, "SETPCAP": 8, "NET_ADMIN": 12, "NET_RAW": 13, "IPC_LOCK": 14, "SYS_NICE": 23,
}  # fmt: skip
"""Capabilities by their numbers (linux/capability.h)."""
RUNNER = ("KILL", "SETGID", "SETUID")
"""What a helper needs that starts operators' programs as their users."""
TEXT = """
cluster: web
directors: {lb1: 10.99.0.1}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, servers: {rs1: 10.99.0.1},
    check: [{type: script, command: [/bin/true]}, {type: redis, password_file: SECRET}]}
notify:
  local: {type: exec, command: [/bin/true], severity: info}
health: {user: nobody}
control: {socket: '${SOCKET}', group: GROUP}
""".replace("GROUP", GROUP)


def given() -> set[str]:
    """The capabilities that the unit gives, without CAP_."""
    found = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found is not None
    return {name.removeprefix("CAP_") for name in found[1].split()}


def bits(*names: str) -> int:
    """These capabilities as the kernel writes them."""
    return sum(1 << NUMBERS[name] for name in names)


def status(pid: int | str) -> dict[str, list[str]]:
    """/proc/PID/status, each line as words."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: rest.split() for key, _, rest in (line.partition(":") for line in lines)}


def sets(pid: int | str) -> dict[str, int]:
    """The five sets of a process."""
    shown = status(pid)
    return {name: int(shown[name][0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


def exactly(*names: str) -> dict[str, int]:
    """These capabilities and no others, also to be gained."""
    held = bits(*names)
    return {"CapInh": 0, "CapPrm": held, "CapEff": held, "CapBnd": held, "CapAmb": 0}


def for_limits() -> tuple[str, ...]:
    """What the failover worker keeps where the limits that the unit sets cannot be had, as in some containers."""
    few = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY
    slow = resource.getrlimit(resource.RLIMIT_RTPRIO)[1] < REALTIME_PRIORITY
    return (*["IPC_LOCK"] * few, *["SYS_NICE"] * slow)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A secret that belongs to another user, in a folder that all may pass."""
    tmp_path.chmod(0o755)
    tmp_path.parent.chmod(0o755)
    path = tmp_path / "redis.password"
    path.write_text("a-secret\n")
    path.chmod(0o600)
    owner = pwd.getpwnam("games")
    os.chown(path, owner.pw_uid, owner.pw_gid)
    return path


@pytest.fixture
def lb1(secret: Path) -> Iterator[Director]:
    """A daemon with the unit's capabilities and no others."""
    some = ",".join(f"+{name.lower()}" for name in given())
    bounded = (
        "setpriv", f"--bounding-set=-all,{some}", "--inh-caps=-all", "--no-new-privs",
    )  # fmt: skip
    with lan("lb1") as net, daemons(net, TEXT.replace("SECRET", str(secret)), "lb1") as (director,):
        director.launch(*bounded)
        director.await_up()
        yield director


def test_each_process_has_what_it_needs_and_no_more(lb1: Director) -> None:
    """The table of DESIGN section 2, from /proc: users, groups, all five sets of capabilities, no_new_privs."""
    assert given() == set(NUMBERS)
    pids = lb1.pids()
    assert sets(pids["supervisor"]) == exactly(*given())
    nobody = pwd.getpwnam("nobody")
    wanted = {"failover": ("NET_ADMIN", "NET_RAW", *for_limits()), "health-0": (), "notify": ()}
    assert pids.keys() == {"supervisor", *wanted}
    for name, held in wanted.items():
        wait_until(lambda name=name, held=held: sets(pids[name]) == exactly(*held))  # type: ignore[misc]
        shown = status(pids[name])
        ids: tuple[list[str], ...] = [str(nobody.pw_uid)] * 4, [str(nobody.pw_gid)] * 4, []
        assert (shown["Uid"], shown["Gid"], shown["Groups"]) == ids, name
        assert shown["NoNewPrivs"] == ["1"], name
    helpers = [pid for name in ("health-0", "notify") for pid in children(pids[name])]
    assert len(helpers) == 2
    for pid in helpers:
        wait_until(lambda pid=pid: sets(pid) == exactly(*RUNNER))  # type: ignore[misc]
        assert status(pid)["NoNewPrivs"] == ["1"]


def test_it_works_with_them(lb1: Director) -> None:
    """The socket is its group's, the history is kept, secrets of others are read, programs are run."""
    found = Path(lb1.socket).stat()
    assert (grp.getgrgid(found.st_gid).gr_name, found.st_mode & 0o777) == (GROUP, 0o660)
    wait_until(lambda: lb1.events("director.started"))
    assert list((lb1.state / "history").iterdir())
    checks = wait_until(lambda: [c for c in lb1.server("rs1@www")["checks"].values() if c["at"]])
    wait_until(lambda: all(c["at"] for c in lb1.server("rs1@www")["checks"].values()))
    reasons = {c["reason"] for c in lb1.server("rs1@www")["checks"].values()}
    assert reasons == {"ok", "connect_refused"}, checks
    wait_until(lambda: lb1.is_state("master"))
    assert lb1.ask("POST", "notify/test", {"channel": "local"})["delivered"]
    for word in ("cannot", "not permitted"):
        assert word not in lb1.log_text().replace("IPVS cannot be used", "").replace("ip_vs", ""), (
            lb1.log_text()
        )
