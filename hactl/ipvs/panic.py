"""The panic threshold: when most servers seem to fail together, the fault is likelier to be ours than theirs.

The law: a server that falls goes on getting connections until so many others were seen passing since its failures began
that the threshold cannot be exceeded, at most for the window; when it is exceeded, none is removed until the hold is over.
Health, quorum, events and tracking never hear of this: they use the true verdicts.
"""

import math
from collections.abc import Mapping

import msgspec

from hactl.ipvs.spec import PanicSpec, ServerSpec, ServiceSpec
from hactl.services.state import Outcomes, PanicChange, ServerState, ServiceState
from hactl.wishes.overrides import Admin
from health.result import Health

Servers = dict[str, ServerState]


def settle(
    old: ServiceState, servers: Servers, spec: ServiceSpec, outcomes: Outcomes, now: float
) -> tuple[Servers, float | None]:
    """The servers of a service after it was decided which of those that are down stay, and until when there is panic."""
    kept = [name for name, server in servers.items() if server.kept]
    panic = spec.panic
    if not kept:
        return servers, None
    if panic is None:
        return _released(servers, kept), None
    until = old.panic_until
    together = len(kept) + sum(server.counted for server in servers.values())
    if until is None and together >= panic.at_least and len(kept) > panic.share * together:
        until = now + panic.hold
    if until is not None:
        return (servers, until) if now < until else (_released(servers, kept), None)
    clear = [name for name in kept if _is_alone(servers[name], servers, spec, together, outcomes, now)]
    return _released(servers, clear), None


def _is_alone(
    fallen: ServerState, servers: Servers, spec: ServiceSpec, together: int, outcomes: Outcomes, now: float
) -> bool:
    """Whether it is certain, or time is up, that no more than the share fails with this server."""
    panic = spec.panic
    if panic is None or together < panic.at_least or now >= fallen.since + panic.window:
        return True
    well = sum(
        servers[server.name].counted and _passed_at(server, outcomes) > fallen.fell for server in spec.servers
    )
    return together - well <= panic.share * together


def _passed_at(server: ServerSpec, outcomes: Outcomes) -> float:
    """Since when at the latest every check of the server is known to pass."""
    latest = math.inf
    for check in server.checks:
        outcome = outcomes.get(check.id)
        if outcome is None or outcome.health is not Health.UP or not outcome.result.passed:
            return -math.inf
        latest = min(latest, outcome.at)
    return latest


def _released(servers: Servers, names: list[str]) -> Servers:
    return servers | {name: msgspec.structs.replace(servers[name], kept=False) for name in names}


def keeps(old: ServerState, health: Health, admin: Admin, spec: ServiceSpec) -> bool:
    """Whether a server that is down now may have fallen together with others."""
    if spec.panic is None or admin is not Admin.ENABLED:
        return False
    return old.admitted or old.kept if health is Health.DOWN else old.kept and health is Health.UNKNOWN


def next_look(state: ServiceState, panic: PanicSpec) -> float | None:
    """When a service with kept servers is to be looked at again, monotonic seconds."""
    falls = [server.since + panic.window for server in state.servers.values() if server.kept]
    return state.panic_until if state.panic_until is not None else min(falls, default=None)


def changed(name: str, old: ServiceState, new: ServiceState, panic: PanicSpec | None) -> PanicChange | None:
    """What is told: one alarm when it begins, one word when it is over."""
    if (old.panic_until is None) is (new.panic_until is None):
        return None
    down = [server for server in new.servers.values() if server.health is Health.DOWN]
    if new.panic_until is None or panic is None:
        words = (
            f"{len(down)} servers that are still down leave the table"
            if down
            else "no server is down any more"
        )
        return PanicChange(service=name, began=False, reason=words)
    failing = _names(new.servers)
    return PanicChange(
        service=name,
        began=True,
        reason=f"more than {panic.share:.0%} of the servers fail together ({failing}); none leaves the table for "
        f"{panic.hold:g} s: look for a fault of this director or its network",
    )


def _names(servers: Mapping[str, ServerState], limit: int = 5) -> str:
    kept = [name for name, server in servers.items() if server.kept]
    more = f" and {len(kept) - limit} more" if len(kept) > limit else ""
    return ", ".join(kept[:limit]) + more
