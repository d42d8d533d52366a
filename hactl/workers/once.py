"""One probe for a person who asks, in a process of its own: what a probed server answers is hostile input.

Its law: it is given a probe on standard input, becomes the health workers' user, and says what happened on standard
output; it has no other way in or out.
"""

import asyncio
import sys

import msgspec

from hactl import __version__
from hactl.workers import base
from hactl.workers.check_programs import runner
from hactl.workers.program_client import Programs
from hactl.workers.programs import CAP_KILL, CAP_SETGID, CAP_SETUID
from health.dialogue import ProbeError
from health.once import Report, run_once
from health.probes.ping import open_sockets
from health.result import Result
from health.spec import CheckSpec, PingProbe, ScriptProbe

_RUN = (CAP_KILL, CAP_SETGID, CAP_SETUID)
_MARK = (base.CAP_NET_RAW,)


class Order(msgspec.Struct, frozen=True):
    """What to probe, the secrets for it by their files, and who to be (empty: stay)."""

    check: CheckSpec
    secrets: dict[str, str]
    user: str = ""


class Told(msgspec.Struct, frozen=True):
    """What happened; `refused` says why no probe can be made from the check."""

    result: Result | None = None
    steps: tuple[tuple[str, float, tuple[str, ...]], ...] = ()
    refused: str = ""


def _marked(check: CheckSpec) -> bool:
    return check.origin is not None and check.origin.mark != 0


def main() -> None:
    """Probe once."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    ping_sockets = open_sockets() if isinstance(order.check.probe, PingProbe) else {}
    # Of what a program writes only the text is looked at; the program becomes its own user, which needs rights.
    is_script = isinstance(order.check.probe, ScriptProbe)
    base.drop_privileges(order.user, keep=_RUN if is_script else _MARK if _marked(order.check) else ())
    programs = Programs(None, lambda reason: None)
    try:
        report: Report = asyncio.run(
            run_once(
                order.check,
                f"hactl/{__version__}",
                order.secrets,
                run_program=runner(programs),
                ping_sockets=ping_sockets,
            )
        )
        told = Told(report.result, tuple((step.name, step.at, step.lines) for step in report.steps))
    except ProbeError as error:
        told = Told(refused=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
