"""The verb `plan`: what a reload would change, as text or JSON."""

import os
import sys
from typing import Any

import click

from hactl.cli.common import (
    Fault,
    colours,
    config_option,
    daemon,
    echo_json,
    json_option,
    settings,
    socket_option,
    warn,
)
from hactl.control.patience import RELOAD


@click.command()
@click.argument("file", required=False)
@click.option("--force", is_flag=True, help="Plan a reload with --force.")
@json_option
@config_option
@socket_option
def plan(file: str | None, force: bool, as_json: bool) -> None:
    """Show what a reload of FILE would change on the running daemon, without changing anything.

    Without FILE it is the daemon's own file, as it is on disk now; another one is for root only. Each change stands with
    its effect: what starts, ends, moves in the table, or waits for the next start. Exit status 0 when the reload would be
    applied, also when it would change nothing; 1 when the file is faulty or the reload would be refused.
    """
    from hactl.cli.plan_view import plan_text

    request: dict[str, Any] = {"force": force}
    other = file or settings().config
    if other is not None:
        request["path"] = os.path.abspath(other)
    with daemon() as client:
        answer = client.post("plan", request, timeout=RELOAD)
    if as_json:
        echo_json(answer)
        sys.exit(0 if answer["ok"] else 1)
    warn(answer["warnings"])
    click.echo("\n".join(plan_text(answer, colours())))
    _say_refused(answer)


def _say_refused(answer: dict[str, Any]) -> None:
    """List the faults and every reason why the reload would be refused."""
    for fault in answer["faults"]:
        click.echo(fault, err=True)
    *others, last = [one["text"] for one in answer["refused"]] or [""]
    for text in others:
        click.echo(f"hactl: a reload would be refused: {text}", err=True)
    if last:
        raise Fault(f"a reload would be refused: {last}")
