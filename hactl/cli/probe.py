"""The verb `probe`: one check, now, with every step explained."""

import os
import sys
from typing import Any

import click

from hactl.cli.common import (
    DEFAULT_CONFIG,
    Fault,
    colours,
    config_option,
    echo_json,
    json_option,
    node_option,
    settings,
    sound,
)
from hactl.cli.durations import Duration


@click.command()
@click.argument("check")
@click.argument("server")
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="Probe this port.")
@click.option(
    "--timeout",
    type=Duration(),
    metavar="TIME",
    help="Wait so long: 500ms, 5s. Default: the check's own timeout.",
)
@json_option
@config_option
@node_option
def probe(check: str, server: str, port: int | None, timeout: float | None, as_json: bool) -> None:
    """Run one check of one server now, and explain each step with its time.

    CHECK is a check's name as in the configuration and in `status`, or a type of check (ssh), or a check in place
    ('{type: http, path: /health}'). SERVER is a server's name (NAME or NAME@SERVICE), or an address or host name, with
    :PORT if need be. The daemon is not asked, and its counters do not change. Exit status 0 when all passed, else 1.
    """
    from hactl.cli.probe_view import probes_json, probes_text
    from hactl.probing.aim import AimError, aims
    from hactl.probing.run import run

    loaded = _loaded()
    document = None if loaded is None else loaded.document
    node = loaded.config.node if loaded is not None and loaded.config is not None else ""
    try:
        probes = [
            each for aim in aims(document, check, server, port) for each in run(aim, document, timeout, node)
        ]
    except AimError as error:
        raise Fault(str(error)) from error
    if as_json:
        echo_json(probes_json(probes))
    else:
        click.echo("\n".join(probes_text(probes, colours())))
    sys.exit(0 if all(probed.result.passed for probed in probes) else 1)


def _loaded() -> Any:
    """The configuration, None where there is none at the usual place and none was named."""
    if settings().config is None and not os.path.exists(DEFAULT_CONFIG):
        return None
    return sound()
