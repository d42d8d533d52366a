"""The verbs that look: `status`, `events`, `version`."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from typing import Any

import click

import hactl
from hactl.cli.common import Fault, Unreachable, colours, daemon, daemon_options, echo_json, json_option, warn
from hactl.cli.durations import Duration
from hactl.cli.events_view import event_line
from hactl.cli.status_view import Status, is_well, only, screen

_PACKAGES = ("hactl", "health", "failover", "notify")
_REDRAW = 1.0
_CLEAR = "\x1b[H\x1b[2J"
_PAGE = 1000
_WAIT = 25.0
_RECENT = 50


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("-w", "--watch", is_flag=True, help="Draw again each second, until interrupted.")
@json_option
@daemon_options
def status(services: tuple[str, ...], watch: bool, as_json: bool) -> None:
    """Routers, services, servers and peers: state, since when, and why.

    With SERVICE only these services. WEIGHT and PRIORITY are the values in force, with the configured one in
    brackets where it differs; IPVS tells whether the kernel's table holds the server; CONNECTIONS are active
    + inactive. Exit status 1 when something shown is down or in fault.
    """
    if watch:
        with suppress(KeyboardInterrupt):
            _watch(services)
        return
    with daemon() as client:
        shown = _chosen(client.get("status"), services)
    if as_json:
        echo_json(shown)
    else:
        click.echo(screen(shown, time.time(), colours()), nl=False)
    sys.exit(0 if is_well(shown) else 1)


def _chosen(everything: Status, services: tuple[str, ...]) -> Status:
    """The status of what was asked for."""
    if not services:
        return everything
    try:
        return only(everything, services)
    except KeyError as error:
        from hactl.config.fault import suggestion

        known = everything.get("services", {})
        raise Fault(f"there is no service '{error.args[0]}'{suggestion(error.args[0], known)}") from None


def _watch(services: tuple[str, ...]) -> None:
    """Draw the status each second; a daemon that is gone for a while is said, not the end."""
    import shutil

    while True:
        try:
            with daemon() as client:
                text = screen(_chosen(client.get("status"), services), time.time(), colours())
        except Unreachable as error:
            text = f"{error.format_message()}\n"
        size = shutil.get_terminal_size()
        click.echo(_CLEAR + fitted(text, size.lines - 1, size.columns), nl=False)
        time.sleep(_REDRAW)


def fitted(text: str, rows: int, columns: int) -> str:
    """As much as fits on a screen of so many rows, and how much does not. A long line takes several rows."""
    every = text.splitlines()
    taken = list(accumulate(-(-max(1, len(click.unstyle(line))) // columns) for line in every))
    if taken[-1] <= rows:
        return text
    kept = max(1, sum(row < rows for row in taken))
    return "\n".join([*every[:kept], f"... and {len(every) - kept} lines more; name a service"])


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on and show each event as it happens.")
@click.option("--since", type=Duration(), help="Only events of the last, for example, 30m, 1h or 7d.")
@click.option("-n", "--last", type=click.IntRange(1, 10_000), metavar="N", help="Only the newest N.")
@json_option
@daemon_options
def events(follow: bool, since: float | None, last: int | None, as_json: bool) -> None:
    """What happened, one line an event, the newest 50 unless --since or -n ask for others.

    --json prints one JSON object a line.
    """
    with suppress(KeyboardInterrupt), daemon() as client:
        row = _newest(client) if follow else 0
        for event in _past(client, since, last):
            row = max(row, event["row"])
            _show_event(event, as_json)
        if follow:
            _follow(client, row, as_json)


def _newest(client: Any) -> int:
    """The row of the newest event of all, also where none is of the time that was asked for; 0 without any."""
    rows = client.get("events", last="true", limit=1)["events"]
    return rows[0]["row"] if rows else 0


def _past(client: Any, since: float | None, last: int | None) -> Iterator[Mapping[str, Any]]:
    """The events of the history that were asked for, in order of time."""
    start = 0.0 if since is None else time.time() - since
    if last is not None or since is None:
        yield from client.get("events", since=start, last="true", limit=last or _RECENT)["events"]
        return
    after = 0
    while True:
        page = client.get("events", since=start, after=after, limit=_PAGE)["events"]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]["row"]


def _follow(client: Any, row: int, as_json: bool) -> None:
    """Show each new event until interrupted; a daemon that restarts, or its history, is waited for."""
    from hactl.control.client import DeclinedError, UnreachableError

    gone = False
    while True:
        try:
            for event in client.get("events", timeout=_WAIT + client.timeout, after=row, wait=_WAIT)[
                "events"
            ]:
                row = event["row"]
                _show_event(event, as_json)
            gone = False
        except (UnreachableError, DeclinedError) as error:
            if isinstance(error, DeclinedError) and error.code != "unavailable":
                raise
            if not gone:
                warn([f"{error}; waiting for it"])
            gone = True
            time.sleep(_REDRAW)


def _show_event(event: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        echo_json(event, indent=None)
    else:
        click.echo(event_line(event, colours()))


@click.command()
@json_option
def version(as_json: bool) -> None:
    """The version of hactl; warns when a package of another program stands in for one of its own."""
    places = _package_places()
    strangers = [
        f"package '{name}' is taken from {place or 'nowhere'}, not from hactl's own installation"
        for name, place in places.items()
        if place is None or os.path.dirname(place) != os.path.dirname(places["hactl"] or "")
    ]
    if as_json:
        python = ".".join(str(part) for part in sys.version_info[:3])
        echo_json({"version": hactl.__version__, "python": python, "packages": places, "warnings": strangers})
    else:
        click.echo(f"hactl {hactl.__version__}")
        warn(strangers)


def _package_places() -> dict[str, str | None]:
    """The folder from which Python would take each of the four packages."""
    from importlib.util import find_spec

    specs = {name: find_spec(name) for name in _PACKAGES}
    return {
        name: os.path.dirname(spec.origin) if spec is not None and spec.origin else None
        for name, spec in specs.items()
    }
