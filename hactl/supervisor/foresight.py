"""Asking the running daemon what a reload would do: the same steps as the reload, up to the one that changes something.

The law: workers are asked as well, for they have the last word in a reload, and none of them keeps anything of it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from failover.moves import State
from hactl.config.model import Config
from hactl.config.reading import Reading
from hactl.ipvs.model import ServiceCounters, ServiceKey, service_key
from hactl.plan import compose, reload
from hactl.plan.model import Plan, Refusal, RefusalReason, Running
from hactl.secrets.files import read_secrets
from hactl.services.state import destination

if TYPE_CHECKING:
    from hactl.supervisor.supervisor import Supervisor


async def plan(daemon: "Supervisor", path: str | None, *, force: bool) -> Plan:
    """What a reload with this file, or with the daemon's own, would change, and whatever would be said against it."""
    async with daemon.reloading:
        return await _plan(daemon, await daemon.load_file(path), force=force)


async def _plan(daemon: "Supervisor", loaded: Reading, *, force: bool) -> Plan:
    warnings = tuple(str(warning) for warning in loaded.warnings)
    config = loaded.config
    if config is None:
        return _unusable(loaded, warnings)
    refusals = reload.refusals(daemon.config, config)
    against = tuple(one for one in refusals if not (force and one.forceable))
    secrets = read_secrets(config)
    if not any(one.reason is RefusalReason.FIXED for one in against):
        said = await daemon.crew.generations.trial(config, secrets)
        if said is not None:
            against += (Refusal(reason=RefusalReason.WORKER, text=said),)
    return compose.plan(
        loaded.path,
        daemon.config,
        config,
        await _running(daemon),
        refused=against,
        warnings=(*warnings, *reload.later(daemon.config, config)),
        secrets=compose.secrets_changed(daemon.crew.generations.secrets, secrets),
    )


def _unusable(loaded: Reading, warnings: tuple[str, ...]) -> Plan:
    """The plan of a file with faults, or of one in which this host is no director."""
    faults = tuple(str(fault) for fault in loaded.faults)
    reason = RefusalReason.STRANGER if loaded.stranger else RefusalReason.FAULTY
    count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''} in {loaded.path}"
    refused = Refusal(reason=reason, text=loaded.stranger or count)
    return Plan(file=loaded.path, ok=False, refused=(refused,), faults=faults, warnings=warnings)


async def _running(daemon: "Supervisor") -> Running:
    masters = frozenset(name for name, report in daemon.heard.routers.items() if report.state is State.MASTER)
    counters = await daemon.balancer.counters()
    return Running(masters=masters, connections=_connections(daemon.config, counters))


def _connections(config: Config, counters: Mapping[ServiceKey, ServiceCounters]) -> dict[str, int]:
    """Connections now of every server, those that are being closed among them."""
    found = {}
    for service in config.services:
        counted = counters.get(service_key(service))
        for server in service.servers:
            each = counted.servers.get(destination(server)) if counted else None
            if each is not None:
                found[f"{server.name}@{service.name}"] = each.active + each.inactive
    return found
