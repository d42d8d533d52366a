"""What the verbs share: options, the way to the daemon, and how an operator is told of trouble.

The law: an operator's mistake and a daemon that is not there are one sentence on standard error and an exit
status, never a traceback.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

DEFAULT_CONFIG = "/etc/hactl/hactl.yaml"
F = TypeVar("F", bound=Callable[..., Any])

_CONTROL = re.compile(r"^control:(.*(?:\n(?:[ \t].*|#.*|))*)", re.MULTILINE)
_SOCKET = re.compile(r"(?:^|[{,\s])socket:\s*['\"]?(/[^\s,}'\"]+)", re.MULTILINE)


class Settings:
    """The options that may stand before or after the verb; the one after it wins."""

    config: str | None = None
    node: str | None = None
    socket: str | None = None

    @property
    def config_path(self) -> str:
        """The configuration file that is meant."""
        return self.config or DEFAULT_CONFIG


class Fault(click.ClickException):
    """The answer is no, or a fault was found."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        """Say it on standard error, in the form `hactl: sentence`."""
        click.echo(f"hactl: {self.format_message()}", file=file or sys.stderr)


class Unreachable(Fault):
    """The daemon cannot be reached."""

    exit_code = 3


def settings() -> Settings:
    """The options of the present command line."""
    return click.get_current_context().ensure_object(Settings)


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None and parameter.name is not None:
        setattr(context.ensure_object(Settings), parameter.name, value)


def config_option(function: F) -> F:
    """`-c/--config FILE`."""
    return click.option(
        "-c", "--config", metavar="FILE", expose_value=False, callback=_remember,
        help=f"Configuration file. Default: {DEFAULT_CONFIG}",
    )(function)  # fmt: skip


def node_option(function: F) -> F:
    """`--node NAME`."""
    return click.option(
        "--node", metavar="NAME", expose_value=False, callback=_remember,
        help="Be this director of the file. Default: by host name",
    )(function)  # fmt: skip


def socket_option(function: F) -> F:
    """`--socket PATH`."""
    return click.option(
        "--socket", metavar="PATH", expose_value=False, callback=_remember,
        help="Control socket of the daemon. Default: HACTL_SOCKET, else control.socket of the configuration",
    )(function)  # fmt: skip


def daemon_options(function: F) -> F:
    """The options of every verb that talks to the daemon."""
    return socket_option(config_option(function))


def json_option(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def socket_path() -> str:
    """Where the daemon listens: `--socket`, HACTL_SOCKET, the configuration's control.socket, the default."""
    from hactl.control.client import DEFAULT_SOCKET

    chosen = settings()
    return (
        chosen.socket or os.environ.get("HACTL_SOCKET") or _configured(chosen.config_path) or DEFAULT_SOCKET
    )


def _configured(path: str) -> str | None:
    """`control.socket` of a readable file. To parse it as YAML would take longer than all of `status`."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return socket_in(file.read())
    except OSError:
        return None


def socket_in(text: str) -> str | None:
    """The path at `control.socket` in a configuration's text, None where it is absent or not written out."""
    section = _CONTROL.search(text)
    lines = re.sub(r"(?m)(^|\s)#.*$", "", section[1]) if section else ""
    found = _SOCKET.search(lines)
    return found[1] if found and "$" not in found[1] else None


@contextmanager
def daemon() -> Iterator[Any]:
    """A client of the daemon; what goes wrong with it becomes a sentence and an exit status."""
    from hactl.control.client import Client, DeclinedError, UnreachableError

    try:
        yield Client(socket_path())
    except UnreachableError as error:
        raise Unreachable(str(error)) from error
    except DeclinedError as error:
        raise Fault(str(error)) from error


def sound_document() -> Any:
    """The configuration file as a document, on any host; its faults are listed and end the command with status 1."""
    return sound().document


def sound() -> Any:
    """The configuration file as loaded, without a fault; its faults are listed and end the command with status 1."""
    from hactl.config.load import load

    loaded = load(settings().config_path, settings().node)
    if loaded.document is None:
        for fault in loaded.faults:
            click.echo(fault, err=True)
        count = len(loaded.faults)
        raise Fault(f"{loaded.path} has {count} fault{'s' if count != 1 else ''}; nothing was done")
    return loaded


def echo_json(content: object, indent: int | None = 2) -> None:
    """Print one JSON document for people and programs; it stays one where standard output cannot have every letter."""
    every = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    click.echo(json.dumps(content, indent=indent, ensure_ascii=not every))


def warn(sentences: Any) -> None:
    """Say what should be known besides the answer, on standard error."""
    for sentence in sentences:
        click.echo(f"warning: {sentence}", err=True)


def colours() -> bool:
    """Whether standard output is a terminal whose user has not asked for plain text (NO_COLOR)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain
