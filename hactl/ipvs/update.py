"""The step from the state that was to the state that is, after verdicts, overrides or the configuration changed.

The law: what did not change stays the same object, so that everything after this costs only what changed;
each change is told once.
"""

from collections.abc import Collection

import msgspec

from hactl.ipvs import panic, ramp
from hactl.ipvs.admission import Inputs, next_server
from hactl.ipvs.inherit import new_service
from hactl.ipvs.quorum import judge_service, next_quorum
from hactl.ipvs.spec import ServiceSpec
from hactl.services.state import (
    Change,
    Outcomes,
    Overrides,
    ServerChange,
    ServiceChange,
    Services,
    ServiceState,
    State,
    Update,
)
from health.result import Health


def update(
    state: State,
    services: Services,
    outcomes: Outcomes,
    overrides: Overrides,
    now: float,
    *,
    checks: Collection[str] | None = None,
    names: Collection[str] = (),
) -> Update:
    """The next state after the outcomes of `checks` changed, or time passed for the services `names`; without checks
    everything is examined, overrides too."""
    affected = _affected(services, checks) | dict.fromkeys(name for name in names if name in services.specs)
    result = dict(state.services)
    changes: list[Change] = []
    touched = []
    for name, servers in affected.items():
        old = result.get(name) or new_service(services.specs[name], None, now)
        new = _next_service(old, services.specs[name], Inputs(outcomes, overrides, now, servers))
        if new is not old or name not in result or (new.told is None and not new.unsettled):
            touched.append(name)
            told, said = _tell(name, new)
            panicked = panic.changed(name, old, new, services.specs[name].panic)
            changes.extend([*said, *([panicked] if panicked else [])])
            result[name] = told
    return Update(state=State(result) if touched else state, changes=tuple(changes), touched=tuple(touched))


def due(state: ServiceState, spec: ServiceSpec) -> float | None:
    """When time alone changes something about a service (monotonic seconds), None for never."""
    times = [ramp.next_step(server, spec.slow_start) for server in state.servers.values()]
    if spec.panic is not None:
        times.append(panic.next_look(state, spec.panic))
    return min((time for time in times if time is not None), default=None)


def _affected(services: Services, checks: Collection[str] | None) -> dict[str, Collection[str] | None]:
    """The services to be examined, with the names of their servers to be examined, None for all."""
    if checks is None:
        return dict.fromkeys(services.specs)
    found: dict[str, set[str]] = {}
    for check in checks:
        for service, server in services.by_check.get(check, ()):
            found.setdefault(service, set()).add(server)
    return {**found}


def _next_service(old: ServiceState, spec: ServiceSpec, inputs: Inputs) -> ServiceState:
    """The service after its servers were judged; `old` itself when nothing changed."""
    servers = {
        server.name: next_server(old.servers.get(server.name), server, spec, inputs)
        for server in spec.servers
    }
    servers, panic_until = panic.settle(old, servers, spec, inputs.outcomes, inputs.now)
    sorry = None if spec.sorry is None else next_server(old.sorry, spec.sorry, spec, inputs)
    weight = sum(server.weight for server in spec.servers if servers[server.name].counted)
    waiting = any(server.awaited for server in servers.values())
    quorum = next_quorum(old.quorum, weight, waiting=waiting, spec=spec)
    new = msgspec.structs.replace(old, servers=servers, sorry=sorry, quorum=quorum, panic_until=panic_until)
    availability, reason = judge_service(new, spec, weight)
    new = msgspec.structs.replace(
        new,
        availability=availability,
        reason=reason,
        since=old.since if availability is old.availability else inputs.now,
    )
    return old if new == old else new


def _tell(name: str, new: ServiceState) -> tuple[ServiceState, list[Change]]:
    """The changes to make known, and the state that remembers them as told.

    A degradation by servers that merely have no verdict yet is not told.
    """
    said: list[Change] = []
    servers = dict(new.servers)
    for server_name, server in new.servers.items():
        if server.health not in (Health.UNKNOWN, server.told):
            said.append(
                ServerChange(
                    service=name, server=server_name, old=server.told, new=server.health, reason=server.reason
                )
            )
            servers[server_name] = msgspec.structs.replace(server, told=server.health)
    told = new.told
    if new.availability is not told and not new.unsettled:
        said.append(ServiceChange(service=name, old=told, new=new.availability, reason=new.reason))
        told = new.availability
    return msgspec.structs.replace(new, servers=servers, told=told), said
