"""The verbs that act on the running cluster: `drain disable enable weight`, `handover standby resume`."""

import re
import sys
from typing import Any

import click

from hactl.cli import waiting
from hactl.cli.common import F, daemon, daemon_options, echo_json, json_option, warn
from hactl.cli.durations import Duration
from hactl.cli.names import NAME, Named
from hactl.cli.text import span
from hactl.control.patience import HANDOVER
from hactl.printable import printable

_HEAVIEST = 65535
_SCOPE = re.compile(rf"({NAME})(?:@({NAME}))?", re.ASCII)


class _Scope(click.ParamType[tuple[str, str | None]]):
    """SERVER or SERVER@SERVICE on the command line."""

    name = "server"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """(server, service or None); wrong usage for what cannot be a name."""
        found = _SCOPE.fullmatch(value)
        if found is None:
            self.fail(f"'{value}' is neither SERVER nor SERVER@SERVICE", param, ctx)
        return found[1], found[2]


class _Weight(click.ParamType[int]):
    """A weight on the command line."""

    name = "weight"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; wrong usage for what the kernel cannot hold."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= _HEAVIEST):
            self.fail(f"'{text}' is no weight, which is a whole number from 0 to {_HEAVIEST}", param, ctx)
        return int(text)


def _scope_argument(function: F) -> F:
    return click.argument("scope", type=_Scope(), metavar="SERVER[@SERVICE]")(function)


def _deadline_option(function: F) -> F:
    return click.option("--for", "seconds", type=Duration(), help="End by itself after, for example, 2h.")(
        function
    )


def _reason_option(function: F) -> F:
    return click.option("--reason", default="", help="Why; shown in status and kept in the history.")(
        function
    )


def _override_options(function: F) -> F:
    """What every override takes, after its own arguments."""
    return _reason_option(json_option(daemon_options(function)))


@click.command()
@_scope_argument
@_deadline_option
@click.option("--wait", is_flag=True, help="Wait for its connections to end, then remove it from the table.")
@_override_options
def drain(
    scope: tuple[str, str | None], seconds: float | None, wait: bool, reason: str, as_json: bool
) -> None:
    """Send no new connections to a server; existing ones stay.

    SERVER means the server of that name in every service. The override is kept over restarts, until `hactl
    enable` or the end of --for.

    With --wait the server leaves the table of each director once that has no connection to it any more, after
    --for at the latest, and stays out until `hactl enable`. The command returns when it is out here; the
    directors finish it also when the command is interrupted.
    """
    if not wait:
        _override("drain", scope, reason, as_json, seconds=seconds)
        return
    answer = _ask("drain", scope, reason, seconds=seconds, remove=True)
    with daemon() as client:
        end = waiting.until_out(client, answer["servers"], quiet=as_json)
    answer = answer | {"removed": list(end.removed), "warnings": [*answer.get("warnings", []), *end.warnings]}
    _report(answer, [f"{server}: drained and removed" for server in end.removed], as_json)
    sys.exit(0 if len(end.removed) == len(answer["servers"]) else 1)


@click.command()
@_scope_argument
@_deadline_option
@_override_options
def disable(scope: tuple[str, str | None], seconds: float | None, reason: str, as_json: bool) -> None:
    """Take a server out of service, whatever its checks say.

    SERVER means the server of that name in every service. The override is kept over restarts, until `hactl
    enable` or the end of --for.
    """
    _override("disable", scope, reason, as_json, seconds=seconds)


@click.command()
@_scope_argument
@_override_options
def enable(scope: tuple[str, str | None], reason: str, as_json: bool) -> None:
    """End drain, disable and weight of a server: it is as configured again, in service when its checks pass.

    SERVER alone ends what was said of it in single services too.
    """
    _override("enable", scope, reason, as_json)


@click.command()
@_scope_argument
@click.argument("number", type=_Weight(), metavar="WEIGHT")
@_deadline_option
@_override_options
def weight(
    scope: tuple[str, str | None], number: int, seconds: float | None, reason: str, as_json: bool
) -> None:
    """Give a server another weight than the configured one.

    SERVER means the server of that name in every service. The override is kept over restarts, until `hactl
    enable` or the end of --for.
    """
    _override("weight", scope, reason, as_json, seconds=seconds, number=number)


def _override(
    action: str,
    scope: tuple[str, str | None],
    reason: str,
    as_json: bool,
    *,
    seconds: float | None = None,
    number: int | None = None,
) -> None:
    """Ask for an override and say what it touched."""
    answer = _ask(action, scope, reason, seconds=seconds, number=number)
    done = {"enable": "enabled", "drain": "drained", "disable": "disabled", "weight": f"weight {number}"}
    deadline = f", for {span(seconds)}" if seconds is not None else ""
    lines = [f"{server}: {done[action]}{deadline}" for server in answer["servers"]]
    _report(answer, lines, as_json)


def _ask(
    action: str,
    scope: tuple[str, str | None],
    reason: str,
    *,
    seconds: float | None = None,
    number: int | None = None,
    remove: bool | None = None,
) -> dict[str, Any]:
    request: dict[str, Any] = {"action": action, "server": scope[0], "reason": reason}
    optional = {"service": scope[1], "for_seconds": seconds, "weight": number, "remove": remove}
    request.update({key: value for key, value in optional.items() if value is not None})
    with daemon() as client:
        answer: dict[str, Any] = client.post("overrides", request)
    return answer


@click.command()
@click.argument("router", type=Named("router"), required=False)
@click.option("--for", "seconds", type=Duration(), show_default="1h", help="Hold back so long.")
@json_option
@daemon_options
def handover(router: str | None, seconds: float | None, as_json: bool) -> None:
    """Give mastership of ROUTER and all that move with it, or of all, to the peer.

    The peer puts the addresses up and announces them before this director lets go. Afterwards nobody preempts
    it until it releases or fails, `hactl resume` on any director, or the end of --for.
    """
    held = {} if seconds is None else {"hold_seconds": seconds}
    _routers("handover", {"router": router, **held}, as_json)


@click.command()
@click.option("--hard", is_flag=True, help="Take over never, not even when no other director lives.")
@json_option
@daemon_options
def standby(hard: bool, as_json: bool) -> None:
    """Take this director out: give all mastership away and stand aside.

    From then on it advertises nothing, and takes over only when no master is heard for twice the time after
    which others do. It stays so over restarts of the daemon, until `hactl resume`. Servers are checked and the
    IPVS table is kept as before.
    """
    _routers("standby", {"hard": hard}, as_json)


@click.command()
@click.argument("router", type=Named("router"), required=False)
@json_option
@daemon_options
def resume(router: str | None, as_json: bool) -> None:
    """Take part in the election of ROUTER, or of all, again after a handover.

    Without ROUTER it ends `hactl standby` too.
    """
    _routers("resume", {"router": router}, as_json)


def _routers(verb: str, request: dict[str, Any], as_json: bool) -> None:
    """Ask for something about routers and say what became of each."""
    with daemon() as client:
        answer = client.post(verb, request, timeout=HANDOVER)
    _report(answer, [f"{item['router']}: {item['text']}" for item in answer["routers"]], as_json)
    sys.exit(0 if all(item["done"] for item in answer["routers"]) else 1)


def _report(answer: dict[str, Any], lines: list[str], as_json: bool) -> None:
    """The answer as JSON, or as lines with the warnings apart."""
    if as_json:
        echo_json(answer)
        return
    for line in lines:
        click.echo(printable(line))
    warn(answer.get("warnings", []))
