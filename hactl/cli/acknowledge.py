"""The verb `ack`: saying that a problem is known."""

from typing import Any

import click

from hactl.cli.common import daemon, daemon_options, echo_json, json_option, warn
from hactl.control.patience import HANDOVER
from hactl.printable import printable

_SHOWN = 20


@click.command()
@click.argument("subjects", nargs=-1, metavar="[SUBJECT]...")
@click.option("--all", "everything", is_flag=True, help="All that is wrong now.")
@click.option("--undo", is_flag=True, help="Take it back: tell of it again.")
@click.option("--reason", default="", help="Why; shown in status and kept in the history.")
@json_option
@daemon_options
def ack(subjects: tuple[str, ...], everything: bool, undo: bool, reason: str, as_json: bool) -> None:
    """Say that what is wrong with SUBJECT is known: nobody is told of it again (`repeat` of a channel).

    SUBJECT is what `hactl status` lists under PROBLEM: a server in one service (rs1@www) or in all (rs1), a
    service with all its servers, a router with what it tracks, a director. It covers what is wrong now, on all
    directors, over restarts, and ends when that has ended, or becomes worse; what comes later is told anew.
    """
    if bool(subjects) == everything:
        raise click.UsageError("name what is known (SUBJECT...), or --all")
    for subject in subjects:
        if not (subject and subject.isascii() and subject.isprintable()):
            raise click.UsageError(f"'{subject}' cannot be the name of anything")
    request: dict[str, Any] = {"subjects": list(subjects) or ["*"], "reason": reason, "undo": undo}
    with daemon() as client:
        answer = client.post("acks", request, timeout=HANDOVER)
    if as_json:
        echo_json(answer)
        return
    done = "told of again" if undo else "acknowledged"
    for problem in answer["problems"][:_SHOWN]:
        click.echo(f"{printable(problem)}: {done}")
    if len(answer["problems"]) > _SHOWN:
        click.echo(f"and {len(answer['problems']) - _SHOWN} more")
    warn(answer.get("warnings", []))
