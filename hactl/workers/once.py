"""One probe for a person who asks, in a process of its own: what a probed server answers is hostile input.

Its law: it is given a probe on standard input, becomes the health workers' user, and says what happened on standard
output; it has no other way in or out.
"""

import asyncio
import sys

import msgspec

from hactl import __version__
from hactl.workers import base
from health.dialogue import ProbeError
from health.once import Report, run_once
from health.result import Result
from health.spec import CheckSpec


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


def main() -> None:
    """Probe once."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    base.drop_privileges(order.user)
    try:
        report: Report = asyncio.run(run_once(order.check, f"hactl/{__version__}", order.secrets))
        told = Told(report.result, tuple((step.name, step.at, step.lines) for step in report.steps))
    except ProbeError as error:
        told = Told(refused=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(told))


if __name__ == "__main__":
    main()
