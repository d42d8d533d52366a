"""Weights in parts: slow start, where the weight of a returning server rises in steps, and servers that ask for a share.

The law: only a server that was out of service rises, and one whose scheduler shares connections out by weight. Weights are
whole numbers, so while one is a part all weights of its service are multiplied by one factor that gives it parts enough.
"""

from collections.abc import Iterable

from hactl.ipvs.spec import ServiceSpec
from hactl.services.state import WHOLE, ServerState
from hactl.wishes.overrides import MAX_WEIGHT, Admin

PERCENTS = 100
SHARING = frozenset({"wrr", "wlc", "lblc", "lblcr", "sed", "nq", "twos"})
"""Schedulers that share out by weight and remember no places. rr and lc know no weight; to fo and ovf it means another."""


def rise(
    old: ServerState, *, returned: bool, fit: bool, spec: ServiceSpec, now: float
) -> tuple[float | None, int]:
    """Since when the server rises (None: it does not), and the step it has reached at `now`."""
    if not (fit and spec.slow_start and spec.scheduler in SHARING):
        return None, WHOLE
    began = now if returned else old.rising
    if began is None or now >= began + spec.slow_start:
        return None, WHOLE
    return began, min(WHOLE - 1, int((now - began) / spec.slow_start * WHOLE))


def next_step(server: ServerState, slow_start: float) -> float | None:
    """When the weight of the server is to be looked at again, monotonic seconds."""
    return None if server.rising is None else server.rising + (server.step + 1) * slow_start / WHOLE


def factor(servers: Iterable[ServerState]) -> int:
    """What all weights are multiplied by, so that the least of those in parts has parts enough, if there is room."""
    fit = [server for server in servers if server.weight and (server.admitted or server.kept)]
    serving = [server for server in fit if server.admin == Admin.ENABLED]
    wanted = [-(-_parts(server) // server.weight) for server in serving if _parts(server) > 1]
    if not wanted:
        return 1
    largest = max(server.weight * max(100, server.percent) // 100 for server in fit)
    return max(1, min(max(wanted), MAX_WEIGHT // largest))


def _parts(server: ServerState) -> int:
    """How many parts its weight must have."""
    return PERCENTS if server.percent != PERCENTS else WHOLE if server.step < WHOLE else 1


def share(server: ServerState, times: int) -> int:
    """The weight for the table; never 0 for one that has a weight."""
    whole = server.weight * times
    part = whole * server.percent * min(server.step, WHOLE) // (PERCENTS * WHOLE)
    return min(max(1, part), MAX_WEIGHT) if whole else 0
