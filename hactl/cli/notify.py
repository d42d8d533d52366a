"""The verb `notify`: trying the channels of notification."""

import sys

import click

from hactl.cli.common import daemon, daemon_options, echo_json, json_option
from hactl.cli.names import Named
from hactl.printable import printable

_PATIENCE = 600.0
"""Seconds; the daemon answers earlier, by the channel's own time limit."""


@click.group()
def notify() -> None:
    """The channels that operators are told by."""


@notify.command()
@click.argument("channel", type=Named("channel"))
@json_option
@daemon_options
def test(channel: str, as_json: bool) -> None:
    """Have CHANNEL deliver a test alert now, whatever its filter lets through.

    Exit status 1 when the receiver did not take it.
    """
    with daemon() as client:
        answer = client.post("notify/test", {"channel": channel}, timeout=_PATIENCE)
    if as_json:
        echo_json(answer)
    elif answer["delivered"]:
        click.echo(f"{channel}: delivered")
    else:
        click.echo(f"{channel}: not delivered: {printable(answer['failure'])}")
    sys.exit(0 if answer["delivered"] else 1)
