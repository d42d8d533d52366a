"""The verbs of a real server: `realserver apply`, `remove`, `check`, `agent`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from hactl.cli.common import (
    Fault,
    colours,
    config_option,
    echo_json,
    json_option,
    settings,
    sound_document,
    warn,
)
from hactl.cli.durations import Duration
from hactl.printable import printable

if TYPE_CHECKING:
    from hactl.realserver.work import Done

_as_option = click.option(
    "--as", "name", metavar="NAME", help="Be this real server of the file. Default: by this host's addresses"
)


@click.group()
def realserver() -> None:
    """Prepare this host as a real server, from the directors' own file.

    Direct routing: VIPs on lo, and ARP hidden. Tunnels: VIPs on the tunnel's device, packets taken out of ipip, gue or
    gre. Nat needs nothing but the default route.
    """


@realserver.command()
@_as_option
@json_option
@config_option
def apply(name: str | None, as_json: bool) -> None:
    """Put the VIPs on that this host serves, hide them, and open its tunnels.

    Only what is missing is done, and what an earlier apply did for a service that is gone is undone. Values of kernel
    switches are remembered for `remove`. To have it done at each boot: etc/hactl-realserver.service.
    """
    document = sound_document()
    from hactl.realserver import work

    with _sentences():
        _say(work.apply(document, name), as_json, "nothing to do: all is there")


@realserver.command()
@json_option
@config_option
def remove(as_json: bool) -> None:
    """Take off what `apply` put on, and give kernel switches their former values.

    What somebody else put there, or has changed since, stays.
    """
    document = sound_document()
    from hactl.realserver import work

    with _sentences():
        _say(work.remove(document), as_json, "nothing to do: nothing of hactl's is there")


@realserver.command()
@_as_option
@json_option
@config_option
def check(name: str | None, as_json: bool) -> None:
    """Look whether this host is fit to serve, and ask the network whether anyone answers for a VIP who should not.

    Exit status 0 when all is well, 1 with findings.
    """
    document = sound_document()
    import msgspec

    from hactl.cli.findings_view import findings_text
    from hactl.realserver import work

    given = settings().config
    with _sentences():
        checked = work.check(document, name, given and os.path.abspath(given))
    if as_json:
        echo_json({"ok": not checked.findings, **msgspec.to_builtins(checked)})
    else:
        warn(map(printable, (*checked.unasked, *checked.hints)))
        services = ", ".join(dict.fromkeys(one.service for one in checked.served))
        click.echo("\n".join(findings_text(checked.findings, f"fit to serve {services}", colours())))
    sys.exit(1 if checked.findings else 0)


@realserver.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=9999, show_default=True, help="Port listened on"
)
@click.option(
    "--every", type=Duration(), default="5s", show_default=True, help="Time between looks at this host"
)
@_as_option
@config_option
def agent(port: int, every: float, name: str | None) -> None:
    """Answer the directors' agent checks, in the foreground: up while clients get answers at the VIPs, else down and why.

    A VIP that is missing here, a service that does not answer at it, a tunnel that is closed: what a check of the
    server's own address cannot see. Listens at the addresses that the file has of this host. A check of
    {type: agent, port: 9999, send: "www\\n"} asks about the service www, one without send about all that are here.
    """
    document = sound_document()
    import asyncio

    from hactl.realserver import work
    from hactl.realserver.agent import Agent

    with _sentences():
        places = [(address, port) for address in work.addresses(document, name)]
        answering = Agent(
            lambda: work.fitness(document, name), every, lambda said: click.echo(printable(said))
        )
        asyncio.run(answering.run(places))


@contextmanager
def _sentences() -> Iterator[None]:
    """Whatever the host says no to becomes a sentence and exit status 1."""
    from hactl.realserver.model import NothingServed

    try:
        yield
    except NothingServed as error:
        raise Fault(str(error)) from error
    except PermissionError as error:
        raise Fault("a host is changed, and its network asked, by root only") from error
    except OSError as error:
        raise Fault(f"the host refused: {printable(error.strerror or str(error))}") from error


def _say(done: "Done", as_json: bool, idle: str) -> None:
    import msgspec

    if as_json:
        answer: dict[str, Any] = {"ok": not done.failed, **msgspec.to_builtins(done)}
        echo_json(answer)
        sys.exit(1 if done.failed else 0)
    for step in done.steps:
        click.echo(step)
    warn(map(printable, done.hints))
    if done.failed:
        raise Fault(f"not all was done: {printable(done.failed)}")
    if not done.steps:
        click.echo(idle)
