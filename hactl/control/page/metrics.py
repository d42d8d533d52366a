"""A status snapshot as metrics for Prometheus; core.

Owns the metrics' names and units, after Prometheus' conventions. Beside our own stand the `node_ipvs_*` names of
node_exporter, with its labels, so that dashboards made for it work unchanged.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

CONTENT_TYPE = CONTENT_TYPE_LATEST

_ROUTER_STATES = ("master", "backup", "fault", "init")
_SERVICE_STATES = ("up", "degraded", "down")
_HEALTH = ("up", "down", "unknown")
_ADMIN = ("enabled", "drain", "disabled")
_PEER_STATES = ("up", "down", "unknown")
_SUMS = (
    ("connections", "connections", "Connections"),
    ("packets_in", "incoming_packets", "Packets from clients"),
    ("packets_out", "outgoing_packets", "Packets to clients (nat only)"),
    ("bytes_in", "incoming_bytes", "Bytes from clients"),
    ("bytes_out", "outgoing_bytes", "Bytes to clients (nat only)"),
)

Snapshot = Mapping[str, Any]


def exposition(snapshot: Snapshot) -> bytes:
    """The text that /metrics answers with. `snapshot` is what `hactl status --json` shows."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(families(snapshot)))
    return generate_latest(registry)


def families(snapshot: Snapshot) -> Iterator[Metric]:
    """All metrics of a snapshot."""
    yield from _director(snapshot)
    yield from _routers(snapshot.get("routers", {}))
    yield from _services(snapshot.get("services", {}))
    yield from _servers(snapshot.get("services", {}))
    yield from _checks(snapshot.get("services", {}))
    yield from _others(snapshot)
    yield from _node_exporter(snapshot.get("services", {}))


class _Once(Collector):
    """Hands out families that exist already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _gauge(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counter(
    name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _states(
    name: str,
    text: str,
    labels: tuple[str, ...],
    states: tuple[str, ...],
    rows: Iterable[tuple[tuple[str, ...], str]],
) -> Metric:
    """One series for each possible state, 1 for the present one."""
    return _gauge(
        name,
        text,
        (*labels, "state"),
        (((*values, state), float(state == present)) for values, present in rows for state in states),
    )


def _director(snapshot: Snapshot) -> Iterator[Metric]:
    names = ("cluster", "node", "version")
    yield _gauge("hactl_info", "This director", names, [(tuple(str(snapshot[n]) for n in names), 1.0)])
    since, loaded = snapshot["since"], snapshot["config"]["loaded"]
    yield _gauge("hactl_start_time_seconds", "When the daemon was started", (), [((), _seconds(since))])
    text = "When the configuration in force was loaded"
    yield _gauge("hactl_config_loaded_timestamp_seconds", text, (), [((), _seconds(loaded))])
    yield _gauge("hactl_warnings", "Warnings in status", (), [((), float(len(snapshot.get("warnings", ()))))])
    standby = snapshot.get("standby")
    yield _gauge("hactl_standby", "1 while this director stands aside", (), [((), float(bool(standby)))])
    text = "Ways in which two masters exist, or would at the next failure"
    yield _gauge("hactl_splits", text, (), [((), float(len(snapshot.get("splits", ()))))])
    measured = snapshot.get("lateness") or {}
    text = "The shortest advert interval that is safe here, by the failover worker's own lateness"
    shortest = [((), measured["smallest_interval_ms"] / 1000)] if measured else []
    yield _gauge("hactl_smallest_safe_advert_interval_seconds", text, (), shortest)


def _routers(routers: Mapping[str, Any]) -> Iterator[Metric]:
    def rows(key: str, unit: float = 1.0) -> list[tuple[tuple[str, ...], float]]:
        return [
            ((name,), r[key] * unit) for name, r in routers.items() if isinstance(r.get(key), int | float)
        ]

    by = ("router",)
    text = "State of a virtual router on this director"
    yield _states(
        "hactl_router_state", text, by, _ROUTER_STATES, [((name,), r["state"]) for name, r in routers.items()]
    )
    yield _gauge("hactl_router_priority", "Priority in force", by, rows("priority"))
    yield _counter("hactl_router_transitions", "Changes of a router's state", by, rows("transitions"))
    text = "How late the latest adverts were at most"
    yield _gauge("hactl_router_lateness_seconds", text, by, rows("lateness_ms", 0.001))
    text = "How long the latest renewal of the leases took"
    yield _gauge("hactl_router_renewal_seconds", text, by, rows("renewal_ms", 0.001))
    drops = [
        ((name, reason), float(number))
        for name, router in routers.items()
        for reason, number in (router.get("drops") or {}).items()
    ]
    yield _counter("hactl_router_dropped_packets", "Packets not accepted", ("router", "reason"), drops)
    fences = {name: router["fence"] for name, router in routers.items() if router.get("fence")}
    runs = [((name,), float(fence["runs"])) for name, fence in fences.items()]
    yield _counter("hactl_router_fencings", "Fencings of a silent master begun", by, runs)
    failed = [((name,), float(fence["failures"])) for name, fence in fences.items()]
    yield _counter("hactl_router_fencing_failures", "Fencings that failed", by, failed)
    waits = [((name,), float(fence["waiting"])) for name, fence in fences.items()]
    yield _gauge(
        "hactl_router_unfenced", "1 while a required fencing failed, so there is no takeover", by, waits
    )
    held = [((name,), float(len(r.get("holding") or ()))) for name, r in routers.items()]
    yield _gauge("hactl_router_addresses_held", "Virtual addresses held here", by, held)


def _services(services: Mapping[str, Any]) -> Iterator[Metric]:
    by = ("service",)
    present = [((name,), s["state"]) for name, s in services.items() if "state" in s]
    yield _states("hactl_service_state", "Availability of a service", by, _SERVICE_STATES, present)
    for key, name, text in _SUMS:
        sums = [
            ((service,), float(s["counters"][key])) for service, s in services.items() if s.get("counters")
        ]
        yield _counter(f"hactl_service_{name}", text, by, sums)


def _servers(services: Mapping[str, Any]) -> Iterator[Metric]:
    by = ("service", "server")
    every = [((service, name), server) for service, name, server in _each(services)]
    text = "What the checks say of a real server"
    yield _states("hactl_server_health", text, by, _HEALTH, [(at, s["health"]) for at, s in every])
    text = "What operators, or the server itself by its agent, want of a real server"
    yield _states("hactl_server_admin", text, by, _ADMIN, [(at, s["admin"]) for at, s in every])
    text = "1 while the kernel's table has the server"
    yield _gauge("hactl_server_active", text, by, [(at, float(s["active"])) for at, s in every])
    yield _gauge("hactl_server_weight", "Weight in the kernel", by, [(at, s["weight"]) for at, s in every])
    for key in ("active", "inactive"):
        rows = [(at, float((s.get("connections") or {}).get(key, 0))) for at, s in every]
        yield _gauge(f"hactl_server_{key}_connections", f"Connections, {key}", by, rows)
    for key, name, text in _SUMS:
        sums = [(at, float(s["counters"][key])) for at, s in every if s.get("counters")]
        yield _counter(f"hactl_server_{name}", text, by, sums)


def _checks(services: Mapping[str, Any]) -> Iterator[Metric]:
    by = ("service", "server", "check")
    every = [
        ((service, name, check), result)
        for service, name, server in _each(services)
        for check, result in (server.get("checks") or {}).items()
    ]
    yield _states(
        "hactl_check_state", "Verdict of a check", by, _HEALTH, [(at, c["state"]) for at, c in every]
    )
    took = [(at, c["latency_ms"] / 1000) for at, c in every if c.get("latency_ms") is not None]
    yield _gauge("hactl_check_duration_seconds", "How long the latest run took", by, took)
    measured = [
        ((*at, label, measure["unit"]), measure["value"])
        for at, c in every
        for label, measure in (c.get("measures") or {}).items()
    ]
    text = "What the latest run of a program measured"
    yield _gauge("hactl_check_measure", text, (*by, "measure", "unit"), measured)


def _others(snapshot: Snapshot) -> Iterator[Metric]:
    peers = snapshot.get("peers", {})
    rows = [((name,), peer["state"]) for name, peer in peers.items()]
    yield _states(
        "hactl_peer_state", "Another director, over the peer channel", ("peer",), _PEER_STATES, rows
    )
    matches = [
        ((n,), float(p["config_matches"])) for n, p in peers.items() if p.get("config_matches") is not None
    ]
    yield _gauge("hactl_peer_config_matches", "1 while its configuration equals ours", ("peer",), matches)
    drops = [
        ((name, reason), float(number))
        for name, peer in peers.items()
        for reason, number in (peer.get("drops") or {}).items()
    ]
    yield _counter("hactl_peer_dropped_packets", "Datagrams not accepted", ("peer", "reason"), drops)
    counts = snapshot.get("problem_counts", {})
    known = counts.get("acknowledged", 0)
    problems = [(("yes",), float(known)), (("no",), float(counts.get("open", 0) - known))]
    yield _gauge(
        "hactl_problems", "What is wrong, by whether somebody knows of it", ("acknowledged",), problems
    )
    witness = snapshot.get("witness") or {}
    seen = [((name,), float(target["seen"])) for name, target in witness.get("targets", {}).items()]
    yield _gauge("hactl_witness_seen", "1 while the witness is seen", ("witness",), seen)
    need = [((), float(witness["need"]))] if witness else []
    yield _gauge("hactl_witnesses_needed", "How many witnesses must be seen by a master", (), need)
    channels = snapshot.get("channels", {})
    for key, text in (("delivered", "Events delivered"), ("failed", "Events given up")):
        rows_of = [((n,), float(c.get(key, 0))) for n, c in channels.items()]
        yield _counter(f"hactl_channel_{key}", text, ("channel",), rows_of)
    waiting = [((n,), float(c.get("waiting", 0))) for n, c in channels.items()]
    yield _gauge("hactl_channel_waiting", "Events that wait for delivery", ("channel",), waiting)
    held = [((n,), float(c.get("held", 0))) for n, c in channels.items()]
    yield _gauge("hactl_channel_held", "Events that are held until their time", ("channel",), held)
    workers = snapshot.get("workers", {})
    up = [((n,), float(w["state"] == "up")) for n, w in workers.items()]
    yield _gauge("hactl_worker_up", "1 while the worker process answers", ("worker",), up)
    again = [((n,), float(w["restarts"])) for n, w in workers.items()]
    yield _counter("hactl_worker_restarts", "Times a worker was started again", ("worker",), again)


def _node_exporter(services: Mapping[str, Any]) -> Iterator[Metric]:
    """What node_exporter's ipvs collector shows, with its names, labels and spellings."""
    for key, name, text in _SUMS:
        total = math.fsum(s["counters"][key] for s in services.values() if s.get("counters"))
        yield _counter(f"node_ipvs_{name}", f"IPVS: {text.lower()}, all services", (), [((), total)])
    by = ("local_address", "local_port", "local_mark", "remote_address", "remote_port", "proto")
    every = [
        (_backend(services[service], server), server)
        for service, _name, server in _each(services)
        if server["active"]
    ]
    for key in ("active", "inactive"):
        rows = [(at, float((s.get("connections") or {}).get(key, 0))) for at, s in every]
        yield _gauge(f"node_ipvs_backend_connections_{key}", f"IPVS: connections, {key}", by, rows)
    weights = [(at, float(s["weight"])) for at, s in every]
    yield _gauge("node_ipvs_backend_weight", "IPVS: weight of a real server", by, weights)


def _backend(service: Mapping[str, Any], server: Mapping[str, Any]) -> tuple[str, ...]:
    mark = service.get("fwmark")
    local = ("", "0", f"{mark:08X}") if mark is not None else (service["address"], str(service["port"]), "")
    protocol = "FWM" if mark is not None else str(service["protocol"]).upper()
    return (*local, server["address"], str(server["port"]), protocol)


def _each(services: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for service, shown in services.items():
        for name, server in shown.get("servers", {}).items():
            yield service, name, server


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
