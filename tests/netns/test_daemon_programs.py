"""Real servers of a whole daemon checked by ping and by programs: exit status, Nagios, and Mon with one call for all."""

from pathlib import Path

from support.daemon import Director, daemons, wait_until
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  alive: {{type: ping, interval: 500ms, fast_interval: 200ms, timeout: 400ms}}
  plugin:
    {{type: script, command: [{folder}/plugin, '{{address}}'], convention: nagios, interval: 500ms, fast_interval: 200ms}}
  monitor:
    {{type: script, command: [{folder}/monitor], convention: mon, interval: 500ms, fast_interval: 200ms, user: daemon}}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: [alive, plugin, monitor]
    servers: {{rs1: 10.99.0.2, rs2: 10.99.0.3}}
health: {{user: nobody}}
"""
PLUGIN = """#!/bin/sh
[ -e {folder}/critical-$1 ] && echo "LOAD CRITICAL - 99|load=99;5;10" && exit 2
echo "LOAD OK - 1|load=1;5;10"
"""
MONITOR = """#!/bin/sh
echo "$(id -un) $*" > {folder}/calls/last
[ -e {folder}/failed ] || exit 0
cat {folder}/failed
exit 1
"""


def program(folder: Path, name: str, text: str) -> None:
    """An executable file."""
    (folder / name).write_text(text.format(folder=folder))
    (folder / name).chmod(0o755)


def check(director: Director, server: str, name: str) -> dict[str, object]:
    """One check as status shows it."""
    shown: dict[str, object] = director.server(f"{server}@www")["checks"][name]
    return shown


def is_(director: Director, server: str, health: str) -> bool:
    """Whether the server's health is so."""
    return bool(director.server(f"{server}@www")["health"] == health)


def test_servers_checked_by_ping_and_programs() -> None:
    """Each of them takes its server down, with the reason and no other server."""
    with lan("lb1", "rs1", "rs2") as net, daemons(net, "", "lb1") as (lb1,):
        folder = lb1.folder
        (folder / "calls").mkdir()
        (folder / "calls").chmod(0o777)
        program(folder, "plugin", PLUGIN)
        program(folder, "monitor", MONITOR)
        lb1.write(TEXT.format(folder=folder))
        lb1.start()
        wait_until(lambda: is_(lb1, "rs1", "up") and is_(lb1, "rs2", "up"))
        assert check(lb1, "rs1", "plugin")["measures"] == {"load": {"value": 1.0, "unit": ""}}
        wait_until(lambda: called(folder) == {"daemon", "10.99.0.2", "10.99.0.3"})

        (folder / "critical-10.99.0.2").touch()
        wait_until(lambda: is_(lb1, "rs1", "down"))
        assert lb1.server("rs1@www")["reason"] == "plugin: the program failed (LOAD CRITICAL - 99)"
        assert is_(lb1, "rs2", "up")
        (folder / "critical-10.99.0.2").unlink()
        wait_until(lambda: is_(lb1, "rs1", "up"))

        (folder / "failed").write_text("10.99.0.3\n10.99.0.3 is slow\n")
        wait_until(lambda: is_(lb1, "rs2", "down"))
        assert lb1.server("rs2@www")["reason"] == "monitor: the program failed (10.99.0.3 is slow)"
        assert is_(lb1, "rs1", "up")
        (folder / "failed").unlink()
        wait_until(lambda: is_(lb1, "rs2", "up"))

        net.cut("rs1")
        wait_until(lambda: is_(lb1, "rs1", "down"))
        assert check(lb1, "rs1", "alive")["reason"] == "no_reply"
        assert is_(lb1, "rs2", "up")
        net.mend("rs1")
        wait_until(lambda: is_(lb1, "rs1", "up"))

        (folder / "plugin").unlink()
        wait_until(lambda: is_(lb1, "rs1", "down") and is_(lb1, "rs2", "down"))
        assert check(lb1, "rs1", "plugin")["reason"] == "cannot_run"


def called(folder: Path) -> set[str]:
    """Who the monitor was at its last call, and with which hosts it was called."""
    last = folder / "calls" / "last"
    return set(last.read_text().split()) if last.exists() else set()
