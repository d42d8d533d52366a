"""A pair of whole daemons whose addresses a program moves: told of each role, and in fault where it fails for good."""

from pathlib import Path

from support.daemon import Director, await_master, daemons, wait_until
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}, lb2: {{address: 10.99.0.2}}}}
routers:
  web:
    vrid: 51
    interface: eth0
    advert_interval: 300ms
    addresses: [10.99.0.100]
    takeover: {{command: [{folder}/move], attempts: 2, every: 100ms, rest: 3s}}
health: {{user: nobody}}
"""
MOVE = """#!/bin/sh
echo "$HACTL_ROLE $HACTL_ADDRESSES $(id -un)" >> {folder}/told-$HACTL_NODE
[ -e {folder}/refuse-$HACTL_NODE ] && [ $HACTL_ROLE = master ] && echo no quota && exit 1
exit 0
"""


def told(folder: Path, director: Director) -> list[str]:
    """The roles that its program was run for."""
    file = folder / f"told-{director.name}"
    lines = file.read_text().splitlines() if file.exists() else []
    assert {line.partition(" ")[2] for line in lines} <= {"10.99.0.100 nobody"}
    return [line.partition(" ")[0] for line in lines]


def test_a_program_moves_the_address(folder: Path) -> None:
    """The program that fails on the better director costs it the router, until it is well and tried again."""
    (folder / "move").write_text(MOVE.format(folder=folder))
    (folder / "move").chmod(0o755)
    with lan("lb1", "lb2") as net, daemons(net, TEXT.format(folder=folder), "lb1", "lb2") as (lb1, lb2):
        lb1.start()
        wait_until(lambda: lb1.is_state("master") and told(folder, lb1)[-1:] == ["master"], 15.0)
        lb2.start()
        wait_until(lambda: lb2.is_state("backup") and told(folder, lb2)[-1:] == ["backup"], 15.0)
        assert lb1.hactl("handover").returncode == 0
        await_master(lb2)
        wait_until(lambda: told(folder, lb2)[-1] == "master" and told(folder, lb1)[-1] == "backup")
        (folder / "refuse-lb1").touch()
        assert lb1.hactl("resume").returncode == 0
        wait_until(lambda: lb1.is_state("fault"), 15.0)
        assert "exit status 1: no quota (2 attempts)" in lb1.router()["reason"]
        await_master(lb2)
        wait_until(lambda: told(folder, lb1)[-3:] == ["master", "master", "backup"])
        (folder / "refuse-lb1").unlink()
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("backup"), 15.0)
        lb1.stop()
        wait_until(lambda: told(folder, lb1)[-1] == "backup" and lb2.is_state("master"))
