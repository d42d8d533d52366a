"""``hactl lab``: a whole cluster on this machine, to see it work and to play with.

Its law: nothing of the lab is imported before a command runs.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import click


@click.group()
def lab() -> None:
    """A cluster in network namespaces: client, two directors, three real servers."""


def _end(status: int) -> NoReturn:
    sys.exit(status)


def _fail(error: Exception) -> NoReturn:
    click.echo(f"hactl lab: {error}", err=True)
    sys.exit(1)


@lab.command()
def demo() -> None:
    """Play every failure under real traffic, and print what a client saw of it."""
    from hactl.lab import demo as play

    _end(play.main())


@lab.command()
def up() -> None:
    """Build the cluster and keep it until Ctrl-C or `hactl lab down`."""
    from hactl.lab import guest, machine
    from hactl.lab import up as playground
    from hactl.lab.cluster import LabError
    from hactl.lab.kernel import NoKernelError
    from hactl.lab.net import NetError

    try:
        _end(playground.up())
    except guest.Interrupted:
        _end(0)
    except (LabError, NetError, NoKernelError, machine.GuestError) as error:
        _fail(error)


@lab.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(node: str, command: tuple[str, ...]) -> None:
    """Run COMMAND on NODE (client, lb1, lb2, rs1, rs2, rs3) of the cluster that is up.

    Output and exit status are handed through. In a user-mode Linux guest there is no input and no terminal.
    """
    from hactl.lab import up as playground
    from hactl.lab.cluster import LabError

    try:
        _end(playground.execute(node, command))
    except (LabError, OSError) as error:
        _fail(error)


@lab.command()
def down() -> None:
    """End the cluster that is up, and remove what a killed lab left."""
    from hactl.lab import up as playground
    from hactl.lab.cluster import LabError
    from hactl.lab.net import NetError

    try:
        _end(playground.down())
    except (LabError, NetError, OSError) as error:
        _fail(error)
