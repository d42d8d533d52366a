"""What `hactl top` shows of two successive statuses: rates, rows and their order; core.

Times are monotonic seconds of the moment a status came. A counter that fell was begun anew by the kernel and counts as 0.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from hactl.printable import printable

Status = Mapping[str, Any]


class Sort(StrEnum):
    """What the rows are ordered by."""

    NAME = "name"
    HEALTH = "health"
    NEW = "new"
    ACTIVE = "active"
    TRAFFIC = "traffic"
    LATENCY = "latency"

    @property
    def text(self) -> str:
        """What it means, for the screen."""
        return _TEXTS[self]

    def following(self) -> "Sort":
        """The next one, round."""
        every = list(Sort)
        return every[(every.index(self) + 1) % len(every)]


_TEXTS = {
    Sort.NAME: "service and name",
    Sort.HEALTH: "trouble first",
    Sort.NEW: "new connections",
    Sort.ACTIVE: "active connections",
    Sort.TRAFFIC: "bytes a second",
    Sort.LATENCY: "slowest check",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One real server in one service. Rates are per second, None before the second status; `latency` is milliseconds."""

    service: str
    server: str
    address: str
    state: str
    weight: int
    configured: int
    active: int
    inactive: int
    new: float | None
    into: float | None
    out: float | None
    latency: float | None
    reason: str

    @property
    def key(self) -> str:
        """SERVER@SERVICE."""
        return f"{self.server}@{self.service}"

    @property
    def traffic(self) -> float:
        """Bytes a second in both directions."""
        return (self.into or 0.0) + (self.out or 0.0)


class Sample(msgspec.Struct, frozen=True):
    """A status and when it came."""

    at: float
    status: Status


OVER = 3.9
"""Seconds of a rate. The kernel sums its counters up every 2 s: over less, a rate would jump between nothing and double."""


def later(past: Sequence[Sample], now: Sample) -> Sequence[Sample]:
    """Of earlier samples, in order, those that the next rate needs: it is taken from the first, at least `OVER` ago."""
    needed = next((at for at, sample in enumerate(past) if now.at - sample.at < OVER), len(past))
    return past[max(0, needed - 1) :]


def rows(before: Sample | None, now: Sample, sort: Sort, words: str = "") -> list[Row]:
    """The rows to show: those in which `words` occurs, in this order."""
    found = [
        _row(service, name, server, _former(before, service, name), now.at - before.at if before else 0.0)
        for service, shown in now.status.get("services", {}).items()
        for name, server in shown.get("servers", {}).items()
    ]
    wanted = [
        row for row in found if not words or words in f"{row.key} {row.address} {row.state} {row.reason}"
    ]
    return sorted(wanted, key=lambda row: _order(row, sort))


def _former(before: Sample | None, service: str, name: str) -> Mapping[str, Any]:
    if before is None:
        return {}
    services = before.status.get("services", {})
    server: Mapping[str, Any] = services.get(service, {}).get("servers", {}).get(name, {})
    return server


def _row(
    service: str, name: str, server: Mapping[str, Any], former: Mapping[str, Any], seconds: float
) -> Row:
    def rate(counter: str) -> float | None:
        now, then = (server.get("counters") or {}), (former.get("counters") or {})
        if seconds <= 0 or counter not in now or counter not in then:
            return None
        return max(0.0, float(now[counter] - then[counter]) / seconds)

    checks = [
        c["latency_ms"] for c in (server.get("checks") or {}).values() if c.get("latency_ms") is not None
    ]
    open_now = server.get("connections") or {}
    admin, health = server.get("admin", ""), server.get("health", "")
    address = str(server.get("address", ""))
    return Row(
        service=service,
        server=name,
        address=f"[{address}]:{server.get('port')}" if ":" in address else f"{address}:{server.get('port')}",
        state=health if admin == "enabled" else admin,
        weight=server.get("weight", 0),
        configured=server.get("configured_weight", 0),
        active=open_now.get("active", 0),
        inactive=open_now.get("inactive", 0),
        new=rate("connections"),
        into=rate("bytes_in"),
        out=rate("bytes_out"),
        latency=max(checks) if checks else None,
        reason=printable(str(server.get("reason", ""))),
    )


_TROUBLE = {"down": 0, "unknown": 1, "drain": 2, "disabled": 3}


def _order(row: Row, sort: Sort) -> tuple[float, str, str]:
    number = {
        Sort.NAME: 0.0,
        Sort.HEALTH: float(_TROUBLE.get(row.state, 9)),
        Sort.NEW: -(row.new or 0.0),
        Sort.ACTIVE: -float(row.active),
        Sort.TRAFFIC: -row.traffic,
        Sort.LATENCY: -(row.latency or 0.0),
    }[sort]
    return (number, row.service, row.server)


def short(number: float | None, unit: str = "") -> str:
    """A number in at most five characters and its unit: 950, 12.3k, 1.2M; empty where there is none."""
    if number is None:
        return ""
    for size, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            scaled = number / size
            return f"{scaled:.1f}{mark}{unit}" if scaled < 100 else f"{scaled:.0f}{mark}{unit}"
    return f"{number:.0f}{unit}" if number == int(number) or number >= 10 else f"{number:.1f}{unit}"


def cells(row: Row) -> tuple[str, ...]:
    """A row's fields as text, in the order of `HEADING`."""
    weight = str(row.weight) if row.weight == row.configured else f"{row.weight}/{row.configured}"
    return (
        row.service,
        row.server,
        row.state,
        weight,
        short(row.active),
        short(row.inactive),
        short(row.new),
        short(row.into, "B"),
        short(row.out, "B"),
        "" if row.latency is None else f"{row.latency:.1f}",
        row.address,
        row.reason,
    )


HEADING = (
    "SERVICE", "SERVER", "STATE", "WEIGHT", "ACTIVE", "CLOSING", "NEW/S", "IN/S", "OUT/S", "CHECK MS", "ADDRESS", "WHY",
)  # fmt: skip


def heading(status: Status) -> Sequence[Sequence[tuple[str, str]]]:
    """What stands above the table, line by line, as (text, state): whose view it is, who holds what, and what is wrong."""
    who = [(f"{status.get('cluster', '?')} as {status.get('node', '?')} sees it", "")]
    held = [
        (f"router {name}: {router.get('state')}", router.get("state", ""))
        for name, router in status.get("routers", {}).items()
    ]
    held += [
        (f"director {name}: {peer.get('state')}", peer.get("state", ""))
        for name, peer in status.get("peers", {}).items()
    ]
    wrong = [
        [
            (
                f"service {name}: {service.get('state')}, {printable(str(service.get('reason', '')))}",
                service["state"],
            )
        ]
        for name, service in status.get("services", {}).items()
        if service.get("state") not in ("up", None)
    ]
    warnings = [*status.get("splits", ()), *status.get("warnings", ())]
    return [who + held, *wrong, *([(printable(str(text)), "warning")] for text in warnings)]
