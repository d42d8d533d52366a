"""One snapshot of everything, in the shape of `hactl status --json`; core.

What its keys mean stands in `hactl.status.form`.
"""

from collections.abc import Sequence

from failover.moves import State
from failover.priority import Seen
from failover.spec import RouterSpec
from failover.virtual_mac import devices
from hactl.ipvs.model import Counters, Entry, ServiceCounters, service_key
from hactl.ipvs.spec import ServerSpec, ServiceSpec, SyncSpec
from hactl.ipvs.sync import SyncView
from hactl.processes.messages import ChannelReport
from hactl.routers import pace
from hactl.services.state import WHOLE, Availability, ServerState, destination
from hactl.status.form import (
    ChannelView,
    CheckView,
    OverrideView,
    RouterView,
    ServerView,
    ServiceView,
    Status,
    SumsView,
    SyncStatus,
    TrackedView,
)
from hactl.status.peers import peers, standby
from hactl.status.picture import Clock, Picture, wall_text
from hactl.status.problems import counts, problems
from hactl.wishes.overrides import Override
from health.result import Health, Outcome


def snapshot(picture: Picture) -> Status:
    """The whole status."""
    config, clock = picture.config, picture.clock
    return {
        "cluster": config.cluster,
        "node": config.node,
        "version": picture.version,
        "since": clock.text(picture.started),
        "config": {"sha256": config.sha256, "loaded": wall_text(picture.loaded)},
        "routers": {router.name: _router(router, picture, clock) for router in config.failover.routers},
        "services": {spec.name: _service(spec, picture) for spec in config.services},
        "sync": _sync(config.sync, picture.sync, clock),
        "witness": picture.witnesses,
        "peers": peers(picture),
        "standby": standby(picture, config.node),
        "overrides": [override_view(override) for override in picture.overrides],
        "workers": dict(picture.workers),
        "channels": {name: _channel(report) for name, report in picture.channels.items()},
        "problems": problems(picture),
        "problem_counts": counts(picture),
        "splits": list(picture.splits),
        "lateness": pace.view(picture.lateness),
        "warnings": list(picture.warnings),
    }


def _router(spec: RouterSpec, picture: Picture, clock: Clock) -> RouterView:
    report = picture.reports.get(spec.name)
    shown: RouterView = {
        "vrid": spec.vrid,
        "interface": spec.interface,
        "state": State.INIT,
        "reason": picture.unreported,
        "since": clock.text(clock.monotonic),
        "priority": spec.priority,
        "base_priority": spec.priority,
        "addresses": [f"{vip.address}/{vip.prefix}" for vip in spec.addresses],
        "virtual_macs": {device.name: device.mac.hex(":") for device in devices((spec,))},
        "master": "",
    }
    if spec.name in picture.fencings:
        shown["fence"] = picture.fencings[spec.name]
    if report is None:
        return shown
    return shown | {
        "state": report.state,
        "reason": report.reason,
        "since": clock.text(report.since),
        "priority": report.priority,
        "master": report.master,
        "transitions": report.transitions,
        "drops": report.drops,
        "checksums": report.checksums,
        "lease": report.lease,
        "holding": list(report.holding),
        "hold_until": None if report.hold_until is None else clock.text(report.hold_until),
        "hold_for": report.hold_for,
        "track": {seen.name: _tracked(seen) for seen in report.track},
        "lateness_ms": round(report.lateness * 1000, 3),
        "renewal_ms": round(report.renewal * 1000, 3),
    }


def _tracked(seen: Seen) -> TrackedView:
    return {
        "kind": seen.kind,
        "state": seen.word,
        "reason": seen.reason,
        "weight": seen.weight,
        "adds": seen.adds if seen.weight else 0,
    }


def _service(spec: ServiceSpec, picture: Picture) -> ServiceView:
    state = picture.state.services.get(spec.name)
    key = service_key(spec)
    entry, counters = picture.held.get(key), picture.counters.get(key)
    shown: ServiceView = {
        "address": spec.address,
        "port": spec.port,
        "protocol": spec.protocol,
        "scheduler": spec.scheduler,
        "forward": spec.forward,
        "in_table": entry is not None,
    }
    if spec.fwmark is not None:
        shown |= {"fwmark": spec.fwmark, "family": spec.family}
    if state is not None:
        shown |= {
            "state": state.availability,
            "reason": state.reason,
            "since": picture.clock.text(state.since),
        }
        until = state.panic_until
        shown["panic_until"] = None if until is None else picture.clock.text(until)
        if entry is None and spec.name in picture.refused:
            shown |= {"state": Availability.DOWN, "reason": picture.refused[spec.name]}
        shown["servers"] = {
            server.name: _server(spec.name, server, state.servers[server.name], entry, counters, picture)
            for server in spec.servers
            if server.name in state.servers
        }
    if counters is not None:
        shown["counters"] = _sums(counters.total)
    if spec.sorry is not None:
        shown["sorry"] = {
            "address": spec.sorry.address,
            "port": spec.sorry.port,
            "serving": bool(state and state.sorry_serves),
        }
    return shown


def _server(
    service: str,
    spec: ServerSpec,
    state: ServerState,
    entry: Entry | None,
    counters: ServiceCounters | None,
    picture: Picture,
) -> ServerView:
    key = destination(spec)
    real = entry.servers.get(key) if entry else None
    counted = counters.servers.get(key) if counters else None
    return {
        "address": spec.address,
        "port": spec.port,
        "weight": real.weight if real else 0,
        "configured_weight": spec.weight,
        "health": state.health,
        "admin": state.admin,
        "agent": state.advice.text if state.advice is not None else None,
        "active": real is not None,
        "rising": round(state.step / WHOLE, 2) if state.step < WHOLE else None,
        "reason": state.reason,
        "since": picture.clock.text(state.since),
        "checks": {
            ref.name: _check(picture.outcomes.get(ref.id), picture.clock)
            | {"shared_with": _shared(picture.users.get(ref.id, ()), service, spec.name)}
            for ref in spec.checks
        },
        "connections": {
            "active": counted.active if counted else 0,
            "inactive": counted.inactive if counted else 0,
        },
        "counters": _sums(counted) if counted else None,
    }


def _shared(users: Sequence[tuple[str, str]], service: str, server: str) -> list[str]:
    """Who else uses the same probe."""
    return [f"{name}@{where}" for where, name in users if (where, name) != (service, server)]


def _check(outcome: Outcome | None, clock: Clock) -> CheckView:
    if outcome is None:
        return {"state": Health.UNKNOWN, "reason": "no result yet", "latency_ms": None, "at": None}
    return {
        "state": outcome.health,
        "held": outcome.held,
        "damped": outcome.damped,
        "reason": outcome.result.reason,
        "detail": outcome.result.detail,
        "latency_ms": round(outcome.result.elapsed * 1000, 2),
        "measures": {m.label: {"value": m.value, "unit": m.unit} for m in outcome.result.measures},
        "at": clock.text(outcome.at),
    }


def _sums(counters: Counters) -> SumsView:
    return {
        "connections": counters.connections,
        "packets_in": counters.packets_in,
        "packets_out": counters.packets_out,
        "bytes_in": counters.bytes_in,
        "bytes_out": counters.bytes_out,
    }


def _sync(spec: SyncSpec | None, view: SyncView | None, clock: Clock) -> SyncStatus | None:
    """Connection synchronisation; None where it is off."""
    if spec is None:
        return None
    view = view or SyncView(since=clock.monotonic)
    return {
        "interface": spec.interface,
        "id": spec.id,
        "router": spec.router,
        "roles": list(view.roles),
        "state": view.state,
        "reason": view.reason,
        "since": clock.text(view.since),
    }


def _channel(report: ChannelReport) -> ChannelView:
    return {
        "delivered": report.delivered,
        "failed": report.failed,
        "waiting": report.waiting,
        "held": report.held,
        "error": report.error,
    }


def override_view(override: Override) -> OverrideView:
    """An override as clients see it: its times as text."""
    return {
        "server": override.server,
        "service": override.service,
        "admin": override.admin,
        "weight": override.weight,
        "until": None if override.until is None else wall_text(override.until),
        "remove": override.remove,
        "remove_by": None if override.remove_by is None else wall_text(override.remove_by),
        "reason": override.reason,
        "by": override.by,
        "at": wall_text(override.at),
    }
