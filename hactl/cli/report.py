"""The verb `report`: availability and downtimes, from the history."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from hactl.cli import report_view
from hactl.cli.common import Fault, colours, daemon, daemon_options, echo_json, json_option
from hactl.cli.durations import Duration
from hactl.cli.text import moment

_PAGE = 10_000
_MONTH = 30 * 86400.0


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--since", type=Duration(), default=_MONTH, help="How far back: 24h, 7d, 90d. Default: 30d")
@click.option("--downtimes", is_flag=True, help="List each downtime with its reason.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(),
    help="Write a page with charts to FILE (- for standard output).",
)
@json_option
@daemon_options
def report(
    names: tuple[str, ...], since: float, downtimes: bool, as_csv: bool, html: str | None, as_json: bool
) -> None:
    """How available services, servers and directors were, and each downtime.

    With NAME only these: a service, SERVER@SERVICE, or a director. It is what this director's history knows: the time in
    which its daemon did not run counts as not watched. A degraded service serves.
    """
    if sum((as_csv, html is not None, as_json)) > 1:
        raise click.UsageError("choose one of --csv, --html and --json")
    until = time.time()
    with daemon() as client:
        found = gather(client, until - since, until)
    chosen = _chosen(found, names)
    if as_json:
        echo_json(report_view.as_json(chosen))
    elif as_csv:
        click.echo(report_view.as_csv(chosen), nl=False)
    elif html is not None:
        _write(html, chosen)
    else:
        click.echo(report_view.as_text(chosen, colours(), downtimes=downtimes), nl=False)


def gather(client: Any, since: float, until: float) -> report_view.Report:
    """The report of this time, from the daemon's history and its status. Times are wall-clock seconds."""
    from hactl.history.availability import lines

    status = client.get("status")
    found = lines(map(_event, _rows(client, since)), _present(status), status["node"], since, until)
    return report_view.Report(
        cluster=status["cluster"], node=status["node"], since=since, until=until, lines=found
    )


def _rows(client: Any, since: float) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    after = 0
    while True:
        page = client.get("events", since=since, after=after, limit=_PAGE)["events"]
        rows += page
        if len(page) < _PAGE:
            return rows
        after = page[-1]["row"]


def _event(row: Mapping[str, Any]) -> Any:
    from notify.event import Event

    fields = {name: value for name, value in row.items() if name != "row"}
    return msgspec.convert({**fields, "at": moment(row["at"])}, Event)


def _present(status: Mapping[str, Any]) -> dict[Any, Any]:
    """What is there now, by its name in the events."""
    from hactl.history.availability import Present, Subject

    def now(shown: Mapping[str, Any], state: str) -> Present:
        return Present(state, moment(shown.get("since")) or 0.0, shown.get("reason", ""))

    found = {}
    for name, service in status.get("services", {}).items():
        found[Subject.SERVICE, name] = now(service, service.get("state", ""))
        for server, shown in service.get("servers", {}).items():
            found[Subject.SERVER, f"{server}@{name}"] = now(shown, shown["health"])
    for name, peer in status.get("peers", {}).items():
        found[Subject.DIRECTOR, name] = now(peer, peer["state"])
    return found


def _chosen(found: report_view.Report, names: tuple[str, ...]) -> report_view.Report:
    if not names:
        return found
    known = {line.name for line in found.lines}
    for name in names:
        if name not in known:
            from hactl.config.fault import suggestion

            raise Fault(f"the history knows no '{name}' in that time{suggestion(name, known)}")
    return msgspec.structs.replace(found, lines=tuple(line for line in found.lines if line.name in names))


def _write(path: str, chosen: report_view.Report) -> None:
    from hactl.cli.report_page import page

    text = page(chosen)
    if path == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Fault(f"{path} cannot be written: {error.strerror}") from None
