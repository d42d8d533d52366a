"""The screen of `hactl status`, made from the daemon's JSON, and the judgement whether all is well.

Keys that a daemon of another version does not send are shown as empty, never as a failure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from hactl.cli.checks_view import checks
from hactl.cli.problems_view import problems
from hactl.cli.text import Cell, ago, ahead, moment, paint, span, state, table
from hactl.cli.witness_view import lines as witness_lines
from hactl.printable import printable

Status = Mapping[str, Any]
_BAD = ("down", "fault")


def is_well(status: Status) -> bool:
    """Whether nothing is down or in fault. Disabled servers are not missed; unknown is no fault."""
    routers = [router.get("state") for router in status.get("routers", {}).values()]
    peers = [peer.get("state") for peer in status.get("peers", {}).values()]
    services = [service.get("state") for service in status.get("services", {}).values()]
    servers = [
        server.get("health")
        for service in status.get("services", {}).values()
        for server in service.get("servers", {}).values()
        if server.get("admin") != "disabled"
    ]
    sync = (status.get("sync") or {}).get("state")
    targets = (status.get("witness") or {}).get("targets", {}).values()
    witnesses = ["down" for target in targets if not target.get("seen")]
    return not any(word in _BAD for word in [*routers, *peers, *services, *servers, *witnesses, sync])


def only(status: Status, services: tuple[str, ...]) -> Status:
    """The status cut down to some services. Raises KeyError with a name that is none."""
    found = {name: status.get("services", {})[name] for name in services}
    found_only: Status = {
        "routers": {},
        "peers": {},
        "sync": None,
        "witness": None,
        "overrides": [],
        "problems": {},
        "services": found,
    }
    return {**status, **found_only, "detail": True}


def screen(status: Status, now: float, colours: bool = False) -> str:
    """The whole status as text; `now` is the wall clock."""
    blocks = [
        _header(status, now, colours),
        _routers(status.get("routers", {}), now, colours),
        _services(status.get("services", {}), now, colours),
        checks(status.get("services", {}), now, colours) if status.get("detail") else [],
        problems(status, now, colours),
        _overrides(status.get("overrides", []), now, colours),
        _peers(status.get("peers", {}), now, colours),
        _sync(status.get("sync") or {}, now, colours),
        witness_lines(status.get("witness") or {}, colours),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _header(status: Status, now: float, colours: bool) -> list[str]:
    config = status.get("config", {})
    cluster = paint(printable(str(status.get("cluster", "?"))), "bold", colours)
    started = moment(status.get("since"))
    up = f"   up {span(now - started)}" if started is not None else ""
    loaded = ago(config.get("loaded"), now)
    lines = [
        (
            f"cluster {cluster}   node {printable(str(status.get('node', '?')))}   "
            f"hactl {printable(str(status.get('version', '?')))}{up}   "
            f"configuration {printable(str(config.get('sha256', '')))[:12]} loaded {loaded}"
        )
    ]
    warnings = [
        *_aside(status.get("node", ""), status.get("standby"), now),
        *status.get("splits", []),
        *status.get("warnings", []),
        *_mute_channels(status.get("channels", {})),
    ]
    return lines + [paint(f"! {printable(str(warning))}", "yellow", colours) for warning in warnings]


def _aside(node: str, standby: Status | None, now: float) -> list[str]:
    """A sentence when a director stands aside."""
    if not standby:
        return []
    hard = " (hard)" if standby.get("mode") == "hard" else ""
    return [f"{node} is in standby{hard}, set {ago(standby.get('since'), now)} by {standby.get('by', '?')}"]


def _mute_channels(channels: Status) -> list[str]:
    """A sentence for each notification channel whose last delivery failed."""
    return [
        f"channel {name} cannot deliver: {channel['error']}"
        for name, channel in channels.items()
        if channel.get("error")
    ]


def _routers(routers: Status, now: float, colours: bool) -> list[str]:
    if not routers:
        return []
    heading = ("ROUTER", "STATE", "SINCE", "VRID", "INTERFACE", "PRIORITY", "MASTER", "ADDRESSES", "REASON")
    rows: list[tuple[Cell | str, ...]] = [heading]
    for name, router in routers.items():
        rows.append(
            (
                name,
                state(router.get("state", "")),
                ago(router.get("since"), now),
                str(router.get("vrid", "")),
                router.get("interface", ""),
                _beside(router.get("priority"), router.get("base_priority")),
                router.get("master") or "none",
                _few(router.get("addresses", [])),
                _router_reason(router, now),
            )
        )
        rows.extend(_tracked_rows(router.get("track", {})))
    return table(rows, colours)


def _tracked_rows(track: Status) -> Iterator[tuple[Cell | str, ...]]:
    for name, seen in track.items():
        adds = seen.get("adds", 0)
        reason = seen.get("reason", "")
        yield (
            f"  {name}",
            state(seen.get("state", "")),
            "",
            "",
            "",
            f"{adds:+}" if adds else "",
            "",
            "",
            reason,
        )


def _router_reason(router: Status, now: float) -> str:
    """Why the router is in its state, and how long nobody preempts after a handover."""
    reason, until = str(router.get("reason", "")), moment(router.get("hold_until"))
    if until is None or until <= now:
        return reason
    what = "is not preempted" if router.get("state") == "master" else "holds back"
    return f"{reason}; {what} for {span(until - now)}"


def _few(addresses: list[str]) -> str:
    """Some addresses without their full-length prefix, and how many more there are."""
    shown = [a.removesuffix("/128" if ":" in a else "/32") for a in addresses[:3]]
    return " ".join(shown) + (f" +{len(addresses) - 3}" if len(addresses) > 3 else "")


def _beside(value: object, configured: object) -> str:
    """A value in force, and in brackets the configured one where it differs."""
    if value is None:
        return "" if configured is None else str(configured)
    return str(value) if value == configured or configured is None else f"{value} ({configured})"


def _services(services: Status, now: float, colours: bool) -> list[str]:
    if not services:
        return []
    heading = ("SERVICE", "ADDRESS", "STATE", "ADMIN", "WEIGHT", "IPVS", "CONNECTIONS", "SINCE", "REASON")
    rows: list[tuple[Cell | str, ...]] = [heading]
    for name, service in services.items():
        rows.append(_service_row(name, service, now))
        rows.extend(_server_rows(service.get("servers", {}), now))
        if service.get("sorry"):
            rows.append(_sorry_row(service["sorry"]))
    return table(rows, colours)


def _service_row(name: str, service: Status, now: float) -> tuple[Cell | str, ...]:
    kind = " ".join(str(service.get(key) or "") for key in ("protocol", "scheduler", "forward")).strip()
    since, reason = ago(service.get("since"), now), service.get("reason", "")
    return (name, f"{_place(service)} {kind}", state(service.get("state", "")), "", "", "", "", since, reason)


def _sorry_row(sorry: Status) -> tuple[Cell | str, ...]:
    serving = Cell("serving", "yellow") if sorry.get("serving") else Cell("standby")
    return ("  (sorry)", f"  {_place(sorry)}", serving, "", "", "", "", "", "")


def _place(service: Status) -> str:
    """Where a service or server is: address and port, or the firewall mark."""
    if service.get("fwmark") is not None:
        return f"fwmark {service['fwmark']}"
    address = str(service.get("address", ""))
    return f"[{address}]:{service.get('port')}" if ":" in address else f"{address}:{service.get('port')}"


def _server_rows(servers: Status, now: float) -> Iterator[tuple[Cell | str, ...]]:
    for name, server in servers.items():
        connections = server.get("connections") or {}
        admin = server.get("admin", "")
        yield (
            f"  {name}",
            f"  {_place(server)}",
            state(server.get("health", "")),
            state(admin) if admin != "enabled" else "",
            _beside(server.get("weight"), server.get("configured_weight")),
            "in" if server.get("active") else Cell("out", "yellow"),
            f"{connections['active']} + {connections['inactive']}" if connections else "",
            ago(server.get("since"), now),
            server.get("reason", "") + (f"; its agent: {agent}" if (agent := server.get("agent")) else ""),
        )


def _overrides(overrides: list[Status], now: float, colours: bool) -> list[str]:
    if not overrides:
        return []
    rows: list[tuple[Cell | str, ...]] = [("OVERRIDE", "WISH", "BY", "SET", "ENDS", "REASON")]
    for override in overrides:
        service, weight, until = (
            override.get("service"),
            override.get("weight"),
            moment(override.get("until")),
        )
        rows.append(
            (
                f"{override.get('server')}@{service}" if service else str(override.get("server")),
                state(override["admin"]) if override.get("admin") else f"weight {weight}",
                override.get("by", ""),
                ago(override.get("at"), now),
                _end(override, until, now),
                override.get("reason", ""),
            )
        )
    return table(rows, colours)


def _end(override: Status, until: float | None, now: float) -> str:
    """When an override ends, or what it still waits for."""
    by = moment(override.get("remove_by"))
    if override.get("remove"):
        latest = f", {ahead(by, now)} at the latest" if by is not None else ""
        return f"by enable; out when connections have ended{latest}"
    return ahead(until, now) if until is not None else "by enable"


def _peers(peers: Status, now: float, colours: bool) -> list[str]:
    if not peers:
        return []
    rows: list[tuple[Cell | str, ...]] = [("PEER", "ADDRESS", "STATE", "SINCE", "CONFIGURATION", "REASON")]
    matches = {True: Cell("same"), False: Cell("differs", "yellow"), None: Cell("")}
    for name, peer in peers.items():
        rows.append(
            (
                name,
                peer.get("address", ""),
                state(peer.get("state", "")),
                ago(peer.get("since"), now),
                matches[peer.get("config_matches")],
                "; ".join([str(peer.get("reason", "")), *_aside("it", peer.get("standby"), now)]),
            )
        )
    return table(rows, colours)


def _sync(sync: Status, now: float, colours: bool) -> list[str]:
    """Connection synchronisation, where it is on."""
    if not sync:
        return []
    roles = " + ".join(sync.get("roles", [])) or "none"
    return table(
        [
            ("SYNC", "STATE", "SINCE", "ID", "ROUTER", "THREADS", "REASON"),
            (
                sync.get("interface", ""),
                state(sync.get("state", "")),
                ago(sync.get("since"), now),
                str(sync.get("id", "")),
                sync.get("router") or "none",
                roles,
                sync.get("reason", ""),
            ),
        ],
        colours,
    )
