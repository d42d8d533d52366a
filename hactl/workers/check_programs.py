"""Runs the programs of checks: what their ends mean to `health`, which knows nothing of how programs are run."""

from collections.abc import Mapping

from hactl.process import ExitReason
from hactl.workers.program_client import Programs
from hactl.workers.programs import Ended
from health.dialogue import Ran
from health.errors import scarcity
from health.probes.program import RunProgram
from health.result import PASSED, End, Reason

_REASONS = {
    ExitReason.STATUS: Reason.PROGRAM_FAILED,
    ExitReason.SIGNAL: Reason.PROGRAM_FAILED,
    ExitReason.TIMEOUT: Reason.PROGRAM_TIMEOUT,
}


def runner(programs: Programs) -> RunProgram:
    """What a pool runs programs with."""

    async def run(
        command: tuple[str, ...],
        user: str,
        environment: Mapping[str, str],
        within: float,
        hosts: tuple[str, ...],
    ) -> Ran:
        return ran(await programs.attend(command, user, environment, b"", within, hosts), command[0])

    return run


def ran(ended: Ended, program: str) -> Ran:
    """How a program ended, as checks are told."""
    if ended.reason is ExitReason.OK:
        return Ran(PASSED, 0, ended.output)
    if ended.reason is ExitReason.SCARCE:
        return Ran(scarcity(f"{program}: {ended.failure}"))
    reason = _REASONS.get(ended.reason, Reason.CANNOT_RUN) if ended.reason else Reason.CANNOT_RUN
    by_itself = ended.reason is ExitReason.STATUS
    return Ran(End(reason, f"{program}: {ended.failure}"), ended.status if by_itself else None, ended.output)
