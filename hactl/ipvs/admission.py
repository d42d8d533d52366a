"""One server: what its checks say together, and whether it may get connections.

The law: only a passed check admits, only a failed one dismisses; unknown changes nothing.
"""

from collections.abc import Collection

import msgspec

from hactl.ipvs import panic, ramp
from hactl.ipvs.schedulers import allows_zero, keeps_places
from hactl.ipvs.spec import OnDown, ServerSpec, ServiceSpec
from hactl.services.state import Outcomes, Overrides, ServerState
from hactl.wishes.overrides import Admin
from health.result import Advice, Health, Mode, Outcome, merged


class Inputs(msgspec.Struct, frozen=True):
    """What a step of one service looks at."""

    outcomes: Outcomes
    overrides: Overrides
    now: float
    affected: Collection[str] | None
    """Names of the servers to be examined; None means all."""


def next_server(
    old: ServerState | None, server: ServerSpec, service: ServiceSpec, inputs: Inputs
) -> ServerState:
    """The server after its checks and overrides were read; `old` itself when nothing changed."""
    if old is not None and inputs.affected is not None and server.name not in inputs.affected:
        return old
    old = old or ServerState(since=inputs.now)
    admin, weight = (
        (Admin.ENABLED, None) if server is service.sorry else inputs.overrides(service.name, server.name)
    )
    advice = None if server is service.sorry else _advice(server, inputs.outcomes)
    if advice is not None and admin == Admin.ENABLED:
        admin = _wanted(advice)
    health, reason = judge_server(server, inputs.outcomes)
    admitted, listed = _admission(old, health, service)
    kept = server is not service.sorry and panic.keeps(old, health, admin, service)
    returned = (
        old.told is Health.DOWN and health is Health.UP and not old.kept
    ) or old.admin is Admin.DISABLED
    fit = admitted and admin is not Admin.DISABLED and server is not service.sorry
    rising, step = ramp.rise(old, returned=returned, fit=fit, spec=service, now=inputs.now)
    new = ServerState(
        health=health,
        reason=reason,
        since=old.since if health is old.health else inputs.now,
        told=old.told,
        admitted=admitted,
        listed=listed,
        admin=Admin(admin),
        weight=server.weight if weight is None else weight,
        rising=rising,
        step=step,
        kept=kept,
        advice=advice,
        percent=_percent(advice, service) if weight is None else 100,
        fell=old.fell if kept is old.kept else _began(server, inputs.outcomes, inputs.now),
    )
    return old if new == old else new


def _advice(server: ServerSpec, outcomes: Outcomes) -> Advice | None:
    """What the server says of itself, by all its checks."""
    advice = None
    for check in server.checks:
        outcome = outcomes.get(check.id)
        if outcome is not None:
            advice = merged(advice, outcome.result.advice)
    return advice


def _wanted(advice: Advice) -> Admin:
    """What the server itself wants to be; a share of nothing is to be drained."""
    if advice.mode is Mode.MAINT:
        return Admin.DISABLED
    return Admin.DRAIN if advice.mode is Mode.DRAIN or advice.percent == 0 else Admin.ENABLED


def _percent(advice: Advice | None, service: ServiceSpec) -> int:
    """The share of its weight that it gets; where weights are no shares, or places follow from them, the whole."""
    if advice is None or not advice.percent or service.scheduler not in ramp.SHARING:
        return 100
    return advice.percent


def _began(server: ServerSpec, outcomes: Outcomes, now: float) -> float:
    """When the failures of a server that is down began."""
    found = (outcomes.get(check.id) for check in server.checks)
    return min((each.since or each.at for each in found if each and each.health is Health.DOWN), default=now)


def _admission(old: ServerState, health: Health, service: ServiceSpec) -> tuple[bool, bool]:
    if health is Health.UP:
        return True, True
    if health is Health.DOWN:
        return False, old.listed and stands_when_down(service)
    return old.admitted, old.listed


def stands_when_down(service: ServiceSpec) -> bool:
    """Whether a server that is down stays in the table at weight 0."""
    if keeps_places(service.scheduler):
        return True
    return service.on_down is OnDown.QUIESCE and allows_zero(service.scheduler)


def judge_server(server: ServerSpec, outcomes: Outcomes) -> tuple[Health, str]:
    """What all its checks together say: down when one is, up when all are, else unknown."""
    if not server.checks:
        return Health.UP, "no check is configured"
    waiting = ""
    for check in server.checks:
        outcome = outcomes.get(check.id)
        if outcome is None or outcome.health is Health.UNKNOWN:
            waiting = waiting or f"{check.name}: no verdict yet"
        elif outcome.health is Health.DOWN:
            return Health.DOWN, f"{check.name}: {_down_text(outcome)}"
    return (Health.UNKNOWN, waiting) if waiting else (Health.UP, "all checks pass")


def _down_text(outcome: Outcome) -> str:
    """Why a check is down, also while it passes again and that is not enough yet."""
    damped = "; it fell too often and must pass for a while" if outcome.damped else ""
    if outcome.held:
        return f"{outcome.result.reason.text}; what it depends on is down"
    if outcome.result.passed:
        return f"passes again, not yet often enough{damped}"
    detail = f" ({outcome.result.detail})" if outcome.result.detail else ""
    return f"{outcome.result.reason.text}{detail}{damped}"
