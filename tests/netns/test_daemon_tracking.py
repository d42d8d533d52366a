"""Whole daemons that track ping targets, scripts, files and programs: the priority follows, and a fault is named."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from support.daemon import BARE, VIP, Director, Pair, await_master, daemons, pair, wait_until
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces

ALONE = BARE.replace("  lb2: {address: 10.99.0.2}\n", "")
GATEWAY = "10.99.0.3"
LOST = 8.0
"""Generous bound in seconds for the loss of a ping target: three pings, one a second, take 3.5 s."""


def tracking(text: str, *tracked: str) -> str:
    """The configuration with these lines under `track`."""
    lines = "".join(f"\n      {line}" for line in tracked)
    return text.replace(
        "  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}",
        f"  web:\n    vrid: 51\n    interface: eth0\n    addresses: [10.99.0.100]\n    track:{lines}",
    )


@contextlib.contextmanager
def gone(two: Pair, address: str) -> Iterator[None]:
    """The gateway cannot answer this director."""
    two.net.ip("gw", f"route add blackhole {address}/32")
    try:
        yield
    finally:
        two.net.ip("gw", f"route del blackhole {address}/32")


def test_a_ping_target_that_goes_away_moves_the_vip() -> None:
    """Weights: the director that still reaches the gateway serves; when none does, the preferred one serves again."""
    text = tracking(BARE, f"ping: {{{GATEWAY}: -60}}")
    with pair(text, "gw") as two:
        assert two.net.address("gw") == GATEWAY
        wait_until(lambda: tracked(two.lb1)["state"] == tracked(two.lb2)["state"] == "up")
        began = time.monotonic()
        with gone(two, "10.99.0.1"):
            wait_until(lambda: two.lb2.is_state("master"), LOST)
            assert time.monotonic() - began < LOST
            wait_until(lambda: two.lb1.is_state("backup"))
            router = two.lb1.router()
            assert (router["priority"], router["base_priority"]) == (90, 150)
            assert tracked(two.lb1) == {
                "kind": "ping",
                "state": "down",
                "reason": "no reply to the ping in time",
                "weight": -60,
                "adds": -60,
            }
            wait_until(lambda: VIP not in two.net.run("lb1", "ip", "-4", "address").stdout)
            assert two.record.longest_absence(VIP, since=began) == 0.0
            with gone(two, "10.99.0.2"):
                wait_until(lambda: two.lb1.is_state("master"), 2 * LOST)
                assert two.lb1.router()["priority"] == 90
        wait_until(lambda: two.lb1.router()["priority"] == 150 and two.lb1.is_state("master"))


def tracked(director: Director, name: str = f"ping {GATEWAY}") -> dict[str, object]:
    """One tracked object as status shows it."""
    shown: dict[str, object] = director.router()["track"][name]
    return shown


def test_a_ping_target_of_weight_0_is_a_fault() -> None:
    """And the fault names it."""
    with pair(tracking(BARE, f"ping: [{GATEWAY}]"), "gw") as two:
        wait_until(lambda: tracked(two.lb1)["state"] == "up")
        with gone(two, "10.99.0.1"):
            wait_until(lambda: two.lb1.is_state("fault"), LOST)
            reason = f"fault: tracked ping {GATEWAY} is down: no reply to the ping in time"
            assert two.lb1.router()["reason"] == reason
            wait_until(lambda: two.lb2.is_state("master"))
        wait_until(lambda: two.lb1.is_state("master"))


def test_a_tracked_link_that_flaps_moves_the_vip_once() -> None:
    """Its weight counts at once when it goes, and again only when the link has stayed up for `link_delay.up`."""
    text = tracking(BARE, "interfaces: {eth1: -60}").replace(
        "    track:", "    link_delay: {up: 3s}\n    track:"
    )
    with pair(text) as two:
        for name in ("lb1", "lb2"):
            two.net.ip(
                name, "link add eth1 type veth peer name eth1-end", "link set eth1 up", "link set eth1-end up"
            )
        wait_until(lambda: (two.lb1.router()["priority"], two.lb2.router()["priority"]) == (150, 140))
        began = time.monotonic()
        for _ in range(3):
            two.net.ip("lb1", "link set eth1-end down")
            wait_until(lambda: two.lb2.is_state("master"))
            assert tracked(two.lb1, "interface eth1")["adds"] == -60
            two.net.ip("lb1", "link set eth1-end up")
            time.sleep(1.0)
        up = time.monotonic()
        wait_until(lambda: two.lb1.is_state("master"))
        came, went, back = two.record.changes(VIP, "lb1")
        assert (came.there, went.there, back.there) == (True, False, True)
        assert back.at - up > 3.0 - 1.0 - 0.1, "the last flap ended a second before"
        assert two.record.longest_absence(VIP, since=began) == 0.0
        assert two.lb1.router()["priority"] == 150


def test_nobody_preempts_before_the_first_round_of_checks() -> None:
    """lb1, the better one, joins and does not know yet whether it reaches the server: until it does lb2 goes on serving."""
    services = """
services:
  www:
    {address: 10.99.0.100, port: 80, forward: nat, servers: {rs1: 10.99.0.9},
     check: {type: tcp, interval: 1s, fast_interval: 1s, timeout: 900ms, fall: 4}}
"""
    with lan("lb1", "lb2") as net, daemons(net, BARE + services, "lb1", "lb2") as (lb1, lb2):
        lb2.start()
        await_master(lb2)
        wait_until(lambda: lb2.server("rs1@www")["health"] == "down")
        lb1.start()
        unknown = 0.0
        while (status := lb1.status())["services"]["www"]["servers"]["rs1"]["health"] == "unknown":
            assert status["routers"]["web"]["state"] == "backup"
            unknown = time.monotonic()
            time.sleep(0.05)
        assert unknown, "it was asked too late"
        wait_until(lambda: lb1.is_state("master"))


def test_scripts() -> None:
    """Missing, not executable, hanging, failing: each is a fault that status names; mended, the director serves again."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        script = lb1.folder / "check-disk"
        lb1.write(
            tracking(
                ALONE, f"scripts: {{disk: {{command: [{script}, -v], interval: 500ms, timeout: 400ms}}}}"
            )
        )
        lb1.start()
        for text, mode, said in (
            (None, 0, "this director cannot run the check ({}: no such program"),
            ("#!/bin/sh\nexit 0\n", 0o644, "this director cannot run the check ({}: not executable"),
            ("#!/bin/sh\nsleep 600\n", 0o755, "the program did not end in time ({}"),
            (
                "#!/bin/sh\necho disk full; exit 2\n",
                0o755,
                "the program failed ({}: exit status 2: disk full)",
            ),
        ):
            if text is not None:
                replace(script, text, mode)
            fault = f"fault: tracked script disk is down: {said.format(script)}"
            wait_until(lambda fault=fault: lb1.router()["reason"].startswith(fault))  # type: ignore[misc]
            assert lb1.is_state("fault")
            assert lb1.hactl("status").returncode == 1
            replace(script, '#!/bin/sh\n[ "$1" = -v ] && [ "$(id -un)" = nobody ]\n', 0o755)
            wait_until(lambda: lb1.is_state("master"))
        assert not [line for line in sleepers(net.namespace("lb1")) if "600" in line], "what hung was killed"


def replace(script: Path, text: str, mode: int) -> None:
    """Another program in this place, at once: one that is being written cannot be executed."""
    new = script.with_suffix(".new")
    new.write_text(text)
    new.chmod(mode)
    new.rename(script)


def sleepers(namespace: str) -> list[str]:
    """Command lines of sleep(1) in a namespace."""
    pids = subprocess.run(
        ["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True
    ).stdout.split()
    lines = []
    for pid in pids:
        with contextlib.suppress(OSError):
            lines.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
    return [line for line in lines if line.startswith("sleep")]


def test_files_and_processes_change_the_priority() -> None:
    """A file's number times its weight, a program that is gone; no file, and no number in it, are faults."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        load = lb1.folder / "load"
        program = lb1.folder / "hactl-tracked"
        program.symlink_to("/bin/sleep")
        replace(load, "7\n", 0o644)
        lb1.write(
            tracking(
                ALONE,
                f"files: {{load: {{path: {load}, weight: 2}}}}",
                f"processes: {{sleeper: {{command: {program}, weight: -30}}}}",
            )
        )
        with sleeping(program):
            lb1.start()
            wait_until(lambda: lb1.router()["priority"] == 164)
            await_master(lb1)
            assert tracked(lb1, "file load")["reason"] == "says 7"
            replace(load, "-20\n", 0o644)
            wait_until(lambda: lb1.router()["priority"] == 110)
        wait_until(lambda: lb1.router()["priority"] == 80)
        assert tracked(lb1, "process sleeper")["reason"] == f"not enough of it runs (0 of 1 {program})"
        with sleeping(program):
            wait_until(lambda: lb1.router()["priority"] == 110)
            replace(load, "many\n", 0o644)
            wait_until(lambda: lb1.is_state("fault"))
            assert "tracked file load is down: " in lb1.router()["reason"]
            assert "holds 'many'" in lb1.router()["reason"]
            load.unlink()
            wait_until(lambda: "No such file" in lb1.router()["reason"])
            replace(load, "0\n", 0o644)
            wait_until(lambda: lb1.is_state("master") and lb1.router()["priority"] == 150)


@contextlib.contextmanager
def sleeping(program: Path) -> Iterator[None]:
    """A program that runs."""
    process = subprocess.Popen([program, "600"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_a_reload_adds_and_takes_away() -> None:
    """What is tracked by a reload is run at once; what is no longer tracked is no fault any more."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        await_master(lb1)
        lb1.write(tracking(ALONE, "scripts: {no: {command: [/bin/false], interval: 500ms}}"))
        assert lb1.hactl("reload").returncode == 0
        wait_until(lambda: lb1.is_state("fault"))
        assert "tracked script no is down: the program failed (/bin/false: exit status 1)" in str(
            lb1.router()
        )
        lb1.write(ALONE)
        assert lb1.hactl("reload").returncode == 0
        await_master(lb1)
