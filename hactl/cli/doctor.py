"""The verb `doctor`: what is wrong with this host or cluster, and the command that mends it."""

import os
import sys
from typing import TYPE_CHECKING

import click

from hactl.cli.common import (
    Fault,
    colours,
    config_option,
    echo_json,
    json_option,
    node_option,
    settings,
    socket_option,
    sound,
    warn,
)
from hactl.cli.durations import Duration
from hactl.printable import printable

if TYPE_CHECKING:
    from hactl.doctor.examine import Diagnosis


@click.command()
@click.option(
    "--as", "name", metavar="NAME", help="Be this real server of the file. Default: by this host's addresses"
)
@click.option(
    "--listen",
    type=Duration(),
    default="3s",
    show_default=True,
    help="Listen for other directors' adverts so long.",
)
@click.option("--offline", is_flag=True, help="Neither listen to the network nor ask it.")
@json_option
@config_option
@node_option
@socket_option
def doctor(name: str | None, listen: float, offline: bool, as_json: bool) -> None:
    """Look for what is wrong with this host or its cluster, and say how to mend it. Nothing is changed;
    links are asked who has the VIPs.

    A host is examined as the director and as the real server that it is in the file; the daemon need not run. Without
    root's rights less can be seen, and what that is is said.

    Exit status 0 when nothing was found, 1 with findings.
    """
    loaded = sound()
    import msgspec

    from hactl.cli.findings_view import findings_text
    from hactl.doctor.director import Ground
    from hactl.doctor.examine import Question, Stranger, examine

    ground = Ground(
        file=os.path.abspath(loaded.path),
        socket=settings().socket or os.environ.get("HACTL_SOCKET") or loaded.document.control.socket,
        usual=settings().config is None,
        listen=0.0 if offline else listen,
    )
    question = Question(
        ground=ground,
        document=loaded.document,
        config=loaded.config,
        stranger=loaded.stranger,
        server=name,
    )
    try:
        found = examine(question)
    except Stranger as error:
        raise Fault(printable(str(error))) from error
    if as_json:
        echo_json({"ok": not found.findings, **msgspec.to_builtins(found)})
    else:
        warn(printable(f"not seen: {sentence}") for sentence in found.unseen)
        warn(map(printable, found.hints))
        click.echo("\n".join(findings_text(found.findings, f"nothing found on {_who(found)}", colours())))
    sys.exit(1 if found.findings else 0)


def _who(found: "Diagnosis") -> str:
    """This host in the file's words."""
    director = [f"director {found.node}"] if found.node else []
    servers = [f"real server {name}" for name in found.servers]
    return " and ".join([*director, *servers])
