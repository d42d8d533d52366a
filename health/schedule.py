"""When the next probe of a check starts.

Its law: start times lie on a grid of absolute times, so they never drift; a check that is late skips the grid
points it missed, so probes never pile up. Times are monotonic seconds.
"""

import math

from health.result import Health
from health.spec import CheckSpec
from health.verdict import Verdict

START_SPREAD = 10.0
"""Longest wait in seconds for the first probe of a check, however long its interval."""
START_RATE = 1000
"""First probes a second by their own clocks, of checks that begin together, where that is more than their intervals ask
for; who may begin before that is decided in `health.starts`."""
PATIENCE = 10
"""Failures in a row of a target that is down after which the interval doubles, and again after as many."""


def stagger(check: str) -> float:
    """A fraction in [0, 1) made from the check's id (hexadecimal), the same after each start."""
    return int(check[:8], 16) / 2**32


def start_spread(every: float, together: int) -> float:
    """Seconds over which the first probes of so many checks that begin together are spread, no longer than needed."""
    return min(every, START_SPREAD, max(1.0, together / START_RATE))


def first_due(check: str, spec: CheckSpec, now: float, within: float = START_SPREAD) -> float:
    """When a new check starts: spread evenly, by its id, over `within` seconds or its interval."""
    within = min(spec.interval, within)
    return common_due(spec.together, within, now) if spec.together else now + stagger(check) * within


def first_wait(check: str, every: float, within: float) -> float:
    """Seconds from the first start to the next, never more than `every`: from then on starts are spread over `every`."""
    within = min(every, within)
    return within + stagger(check) * (every - within)


def common_due(together: str, every: float, now: float) -> float:
    """The next start of all checks that have this in common, whatever each of them did before."""
    phase = stagger(together) * every
    return next_due(phase + math.floor((now - phase) / every) * every, every, now)


def interval(spec: CheckSpec, verdict: Verdict) -> float:
    """Seconds between probes: fast while the verdict is changing or not known yet, longer while down for long."""
    if not verdict.settled and not (verdict.damped and verdict.against > spec.rise):
        return min(spec.interval, spec.fast_interval)
    if spec.down_interval <= spec.interval or verdict.health is not Health.DOWN:
        return spec.interval
    return min(spec.interval * 2.0 ** (verdict.lasting // PATIENCE), spec.down_interval)


def again_due(due: float, every: float, now: float) -> float:
    """When a check that failed is repeated while its verdict is changing: at once where it took longer than `every`.

    A server that is silent uses up the whole timeout, and another wait would only keep it in service for longer.
    """
    return max(due + every, now)


def next_due(due: float, every: float, now: float) -> float:
    """The first grid point after both `due`, the start that has just been served, and `now`."""
    following = due + every
    if following > now:
        return following
    # Rounding can land the sum on `now` itself, which would start two probes at once.
    following = due + (math.floor((now - due) / every) + 1) * every
    return following if following > now else following + every
