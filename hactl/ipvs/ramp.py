"""Slow start: the weight of a returning server rises in steps.

The law: only a server that was out of service rises, and one whose scheduler shares connections out by weight. Weights are
whole numbers, so while one rises all weights of its service are multiplied by one factor that gives it steps enough.
"""

from collections.abc import Iterable

from hactl.ipvs.spec import ServiceSpec
from hactl.overrides import MAX_WEIGHT
from hactl.state import WHOLE, ServerState

RAMPS = frozenset({"wrr", "wlc", "lblc", "lblcr", "sed", "nq", "twos"})
"""Schedulers that share out by weight and remember no places. rr and lc know no weight; to fo and ovf it means another."""


def rise(
    old: ServerState, *, returned: bool, fit: bool, spec: ServiceSpec, now: float
) -> tuple[float | None, int]:
    """Since when the server rises (None: it does not), and the step it has reached at `now`."""
    if not (fit and spec.slow_start and spec.scheduler in RAMPS):
        return None, WHOLE
    began = now if returned else old.rising
    if began is None or now >= began + spec.slow_start:
        return None, WHOLE
    return began, min(WHOLE - 1, int((now - began) / spec.slow_start * WHOLE))


def next_step(server: ServerState, slow_start: float) -> float | None:
    """When the weight of the server is to be looked at again, monotonic seconds."""
    return None if server.rising is None else server.rising + (server.step + 1) * slow_start / WHOLE


def factor(servers: Iterable[ServerState]) -> int:
    """What all weights are multiplied by, so that the least of those that rise has WHOLE steps if there is room."""
    fit = [server for server in servers if server.weight and (server.admitted or server.kept)]
    rising = [server.weight for server in fit if server.step < WHOLE]
    if not rising:
        return 1
    wanted = -(-WHOLE // min(rising))
    return max(1, min(wanted, MAX_WEIGHT // max(server.weight for server in fit)))


def share(server: ServerState, times: int) -> int:
    """The weight for the table; never 0 for one that has a weight."""
    weight = server.weight * times
    return weight if server.step >= WHOLE or not weight else max(1, weight * server.step // WHOLE)
