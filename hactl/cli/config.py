"""The verbs of the configuration file: `check` and `schema`."""

import sys
from typing import TYPE_CHECKING, Any

import click

from hactl.cli.common import config_option, echo_json, json_option, node_option, settings, warn

if TYPE_CHECKING:
    from hactl.config.load import Loaded


@click.command()
@click.argument("file", required=False)
@click.option("--strict", is_flag=True, help="Warnings count as faults.")
@click.option(
    "--show", is_flag=True, help="Print the effective configuration: defaults filled in, secrets masked."
)
@json_option
@config_option
@node_option
def check(file: str | None, strict: bool, show: bool, as_json: bool) -> None:
    """Validate FILE, or the one given with --config. Every fault is listed with its place.

    Exit status 0 when the file is sound, 1 with faults. A sound file may be checked on any host; a director that is
    named with --node must be in it.
    """
    from hactl.config.load import load

    loaded = load(file or settings().config_path, settings().node)
    faults = [str(fault) for fault in loaded.faults]
    warnings = [str(warning) for warning in loaded.warnings]
    if settings().node is not None and loaded.stranger:
        faults.append(loaded.stranger)
    if strict:
        faults, warnings = faults + warnings, []
    if as_json:
        echo_json(_as_json(loaded, not faults, show))
    else:
        _say(loaded, faults, warnings, show)
    sys.exit(1 if faults else 0)


def _say(loaded: "Loaded", faults: list[str], warnings: list[str], show: bool) -> None:
    """Faults and warnings on standard error, the verdict or the effective configuration on standard output."""
    for fault in faults:
        click.echo(fault, err=True)
    warn(warnings)
    if faults:
        click.echo(f"{loaded.path}: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}")
    elif show:
        click.echo(_shown(loaded), nl=False)
    else:
        who = f" for director {loaded.config.node}" if loaded.config else f"; {loaded.stranger}"
        click.echo(f"{loaded.path}: sound{who}")


def _shown(loaded: "Loaded") -> str:
    """The effective configuration as YAML, in the file's own order."""
    import yaml

    from hactl.config.load import effective

    text: str = yaml.safe_dump(effective(loaded), sort_keys=False, allow_unicode=True)
    return text


def _as_json(loaded: "Loaded", sound: bool, show: bool) -> dict[str, Any]:
    from msgspec import to_builtins

    from hactl.config.load import effective

    answer: dict[str, Any] = {
        "file": loaded.path,
        "ok": sound,
        "faults": to_builtins(loaded.faults),
        "warnings": to_builtins(loaded.warnings),
        "node": loaded.config.node if loaded.config else None,
        "note": loaded.stranger,
    }
    return {**answer, "effective": effective(loaded)} if show and not loaded.faults else answer


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from hactl.config.load import json_schema

    echo_json(json_schema())
