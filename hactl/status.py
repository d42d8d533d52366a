"""One snapshot of everything, in the shape of `hactl status --json`; core.

Owns the contract's keys (DESIGN section 5). Times inside the daemon are monotonic; `Clock` turns them into wall-clock
words here and nowhere else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from failover.peer.report import PeerReport
from failover.report import RouterReport
from failover.spec import RouterSpec
from hactl.config.model import Config, DirectorSpec
from hactl.ipvs.model import Counters, Entry, ServiceCounters, ServiceKey, Table, service_key
from hactl.ipvs.spec import ServerSpec, ServiceSpec
from hactl.messages import ChannelReport
from hactl.overrides import Override
from hactl.state import ServerState, ServiceState, State, destination
from health.result import Outcome

PEER_HEARD_WITHIN = 5.0
CLOCK_SET_BEYOND = 0.1
"""Seconds by which the wall clock must have moved against the monotonic one until shown times follow it."""


class Clock(msgspec.Struct, frozen=True):
    """An instant of the monotonic clock, and how far the wall clock is ahead of that clock, in seconds."""

    monotonic: float
    ahead: float

    def at(self, monotonic: float, wall: float) -> "Clock":
        """Both clocks at another instant. A past instant keeps its words until the wall clock was really set anew."""
        ahead = wall - monotonic
        return Clock(monotonic, self.ahead if abs(ahead - self.ahead) < CLOCK_SET_BEYOND else ahead)

    def text(self, monotonic: float) -> str:
        """A monotonic instant as wall-clock words (RFC 3339, UTC)."""
        return wall_text(self.ahead + monotonic)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All that the snapshot is made of. `started` is monotonic, `loaded` wall clock; `unreported` says why there is
    no report of a router."""

    config: Config
    version: str
    clock: Clock
    started: float
    loaded: float
    state: State
    reports: Mapping[str, RouterReport]
    peers: Mapping[str, PeerReport] = {}
    peer_configs: Mapping[str, bool | None] = {}
    unreported: str = "the failover worker has not spoken yet"
    outcomes: Mapping[str, Outcome]
    held: Table
    counters: Mapping[ServiceKey, ServiceCounters]
    refused: Mapping[str, str] = {}
    overrides: Sequence[Override] = ()
    workers: Mapping[str, Mapping[str, Any]] = {}
    channels: Mapping[str, ChannelReport] = {}
    warnings: Sequence[str] = ()


def wall_text(at: float) -> str:
    """Wall-clock seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def snapshot(picture: Picture) -> dict[str, Any]:
    """The whole status."""
    config, clock = picture.config, picture.clock
    return {
        "cluster": config.cluster,
        "node": config.node,
        "version": picture.version,
        "since": clock.text(picture.started),
        "config": {"sha256": config.sha256, "loaded": wall_text(picture.loaded)},
        "routers": {
            router.name: _router(router, picture.reports.get(router.name), picture.unreported, clock)
            for router in config.failover.routers
        },
        "services": {spec.name: _service(spec, picture) for spec in config.services},
        "peers": _peers(picture),
        "overrides": [_override(override) for override in picture.overrides],
        "workers": picture.workers,
        "channels": {name: _channel(report) for name, report in picture.channels.items()},
        "warnings": list(picture.warnings),
    }


def _router(spec: RouterSpec, report: RouterReport | None, unreported: str, clock: Clock) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "vrid": spec.vrid,
        "interface": spec.interface,
        "state": "init",
        "reason": unreported,
        "since": clock.text(clock.monotonic),
        "priority": spec.priority,
        "base_priority": spec.priority,
        "addresses": [f"{vip.address}/{vip.prefix}" for vip in spec.addresses],
        "master": "",
    }
    if report is None:
        return shown
    return shown | {
        "state": report.state.value,
        "reason": report.reason,
        "since": clock.text(report.since),
        "priority": report.priority,
        "master": report.master,
        "transitions": report.transitions,
        "drops": report.drops,
        "lease": report.lease,
        "holding": list(report.holding),
        "hold_until": None if report.hold_until is None else clock.text(report.hold_until),
        "lateness_ms": round(report.lateness * 1000, 3),
        "renewal_ms": round(report.renewal * 1000, 3),
    }


def _service(spec: ServiceSpec, picture: Picture) -> dict[str, Any]:
    state = picture.state.services.get(spec.name)
    key = service_key(spec)
    entry, counters = picture.held.get(key), picture.counters.get(key)
    shown: dict[str, Any] = {
        "address": spec.address,
        "port": spec.port,
        "protocol": spec.protocol.value if spec.protocol else None,
        "scheduler": spec.scheduler,
        "forward": spec.forward.value,
        "in_table": entry is not None,
    }
    if spec.fwmark is not None:
        shown |= {"fwmark": spec.fwmark, "family": spec.family}
    if state is not None:
        shown |= _availability(state, picture.clock)
        if entry is None and spec.name in picture.refused:
            shown |= {"state": "down", "reason": picture.refused[spec.name]}
        shown["servers"] = {
            server.name: _server(server, state.servers[server.name], entry, counters, picture)
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


def _availability(state: ServiceState, clock: Clock) -> dict[str, Any]:
    return {"state": state.availability.value, "reason": state.reason, "since": clock.text(state.since)}


def _server(
    spec: ServerSpec,
    state: ServerState,
    entry: Entry | None,
    counters: ServiceCounters | None,
    picture: Picture,
) -> dict[str, Any]:
    key = destination(spec)
    real = entry.servers.get(key) if entry else None
    counted = counters.servers.get(key) if counters else None
    return {
        "address": spec.address,
        "port": spec.port,
        "weight": real.weight if real else 0,
        "configured_weight": spec.weight,
        "health": state.health.value,
        "admin": state.admin.value,
        "active": real is not None,
        "reason": state.reason,
        "since": picture.clock.text(state.since),
        "checks": {ref.name: _check(picture.outcomes.get(ref.id), picture.clock) for ref in spec.checks},
        "connections": {
            "active": counted.active if counted else 0,
            "inactive": counted.inactive if counted else 0,
        },
        "counters": _sums(counted) if counted else None,
    }


def _check(outcome: Outcome | None, clock: Clock) -> dict[str, Any]:
    if outcome is None:
        return {"state": "unknown", "reason": "no result yet", "latency_ms": None, "at": None}
    return {
        "state": outcome.health.value,
        "reason": outcome.result.reason.value,
        "detail": outcome.result.detail,
        "latency_ms": round(outcome.result.elapsed * 1000, 2),
        "at": clock.text(outcome.at),
    }


def _sums(counters: Counters) -> dict[str, int]:
    return {
        "connections": counters.connections,
        "packets_in": counters.packets_in,
        "packets_out": counters.packets_out,
        "bytes_in": counters.bytes_in,
        "bytes_out": counters.bytes_out,
    }


def _peers(picture: Picture) -> dict[str, Any]:
    others = (director for director in picture.config.directors if director.name != picture.config.node)
    return {peer.name: _peer(peer, picture) for peer in others}


def _peer(peer: DirectorSpec, picture: Picture) -> dict[str, Any]:
    """What is known of another director: by the peer channel, or where there is none by its adverts."""
    report = picture.peers.get(peer.name)
    shown = {"address": peer.addresses[0] if peer.addresses else "", "config_matches": None}
    if report is None:
        return shown | _by_adverts(peer, picture)
    return shown | {
        "state": report.state.value,
        "reason": report.reason,
        "since": picture.clock.text(report.since),
        "config_matches": picture.peer_configs.get(peer.name),
        "links": [
            {"own": link.own, "peer": link.peer, "state": link.state.value, "reason": link.reason}
            for link in report.links
        ],
        "drops": report.drops,
    }


def _by_adverts(peer: DirectorSpec, picture: Picture) -> dict[str, Any]:
    """A director is heard while it is master of some router."""
    now = picture.clock.monotonic
    heard = {
        name: report.neighbours[address]
        for name, report in picture.reports.items()
        for address in peer.addresses
        if address in report.neighbours
    }
    masters = sorted(name for name, at in heard.items() if now - at < PEER_HEARD_WITHIN)
    reason = f"its adverts are heard as master of {', '.join(masters)}"
    if not masters:
        reason = "no peer channel, and no adverts of it are heard (a backup sends none)"
    return {
        "state": "up" if masters else "unknown",
        "reason": reason,
        "since": picture.clock.text(max(heard.values())) if heard else None,
    }


def _channel(report: ChannelReport) -> dict[str, Any]:
    return {
        "delivered": report.delivered,
        "failed": report.failed,
        "waiting": report.waiting,
        "error": report.error,
    }


def _override(override: Override) -> dict[str, Any]:
    return {
        "server": override.server,
        "service": override.service,
        "admin": override.admin.value if override.admin else None,
        "weight": override.weight,
        "until": None if override.until is None else wall_text(override.until),
        "reason": override.reason,
        "by": override.by,
        "at": wall_text(override.at),
    }
