"""One probe, now, for a person who asks: its result and what happened when.

Its law: it goes the same way as a probe of the pool.
"""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from health.blots import blotted
from health.errors import internal_error
from health.probes.calls import Calls
from health.probes.local import Looks
from health.probes.ping import Pings, PingSocket
from health.probes.poller import Poller
from health.probes.program import RunProgram
from health.probes.registry import Carriers, kit, plan
from health.probes.steps import Step, Steps
from health.probes.tls import Contexts
from health.result import End, Health, Result
from health.spec import AgentProbe, CheckSpec
from health.wire.agent import standing


class Report(NamedTuple):
    """A result with the steps to it; each step's time is seconds since the start."""

    result: Result
    steps: tuple[Step, ...]


async def run_once(
    check: CheckSpec,
    agent: str,
    secrets: Mapping[str, str] | None = None,
    *,
    run_program: RunProgram | None = None,
    ping_sockets: Mapping[int, PingSocket | str] = MappingProxyType({}),
) -> Report:
    """Run this check once; `secrets` maps secret files to their content. Raises ProbeError when its spec makes no probe."""
    loop = asyncio.get_running_loop()
    poller = Poller(loop)
    steps = Steps(secrets)
    ended: asyncio.Future[End] = loop.create_future()
    tools = kit(agent, {})._replace(secret=steps.secret)
    pings, calls = Pings(poller, ping_sockets), Calls(loop, run_program)
    carriers = Carriers(poller, Contexts(), Looks(loop), pings, calls, run_program)
    probe = carriers.probe(plan(check, tools), ended.set_result, steps, check.origin)
    start = time.monotonic()
    try:
        try:
            end = probe.start()
        except Exception as error:  # noqa: BLE001 - contained and shown in the result
            end = internal_error(error)
        if end is None:
            done, _ = await asyncio.wait([ended], timeout=check.timeout)
            end = ended.result() if done else probe.expire()
    finally:
        probe.cancel()
        poller.close()
    if isinstance(check.probe, AgentProbe):
        end = standing(end, Health.UNKNOWN)
    steps.mark("end")
    result = blotted(end, (secrets or {}).values()).result(time.monotonic() - start)
    return Report(result, tuple(step._replace(at=step.at - start) for step in steps.taken))
