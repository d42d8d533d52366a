"""The verbs of the daemon itself: `run` and `reload`."""

import os
import sys
from typing import Any

import click

from hactl.cli.common import (
    Fault,
    config_option,
    daemon,
    echo_json,
    json_option,
    node_option,
    settings,
    socket_option,
    warn,
)
from hactl.control.patience import RELOAD


@click.command()
@config_option
@node_option
@socket_option
def run() -> None:
    """Run the daemon in the foreground.

    SIGHUP reloads the configuration; SIGTERM hands the addresses over to a peer and stops.
    """
    from hactl.supervisor import start

    chosen = settings()
    override = chosen.socket or os.environ.get("HACTL_SOCKET") or None
    sys.exit(start.run(chosen.config_path, chosen.node, override))


@click.command()
@click.option("--force", is_flag=True, help="Allow what removes more than half of all servers.")
@json_option
@config_option
@socket_option
def reload(force: bool, as_json: bool) -> None:
    """Apply the configuration to the running daemon.

    The daemon reads its own file again, or the one given with --config (root only). A file with faults
    changes nothing; the faults are listed, and the exit status is 1.
    """
    from hactl.control.client import DeclinedError

    request: dict[str, Any] = {"force": force}
    if settings().config is not None:
        request["path"] = os.path.abspath(settings().config_path)
    with daemon() as client:
        try:
            answer = client.post("reload", request, timeout=RELOAD)
        except DeclinedError as error:
            if "ok" not in error.answer:
                raise
            answer = error.answer
    if as_json:
        echo_json(answer)
        sys.exit(0 if answer["ok"] else 1)
    warn(answer.get("warnings", []))
    if not answer["ok"]:
        _say_refused(answer)
    for change in answer["changes"] or ["nothing changed"]:
        click.echo(change)


def _say_refused(answer: dict[str, Any]) -> None:
    """List the faults and end with why nothing was changed."""
    for fault in answer["faults"]:
        click.echo(fault, err=True)
    raise Fault(f"not reloaded, nothing changed: {answer['error']['message']}")
