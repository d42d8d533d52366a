"""The checks of some services, one line for each: what it says, and who shares it."""

from collections.abc import Iterator, Mapping
from typing import Any

from hactl.cli.text import Cell, ago, state, table

Status = Mapping[str, Any]


def checks(services: Status, now: float, colours: bool) -> list[str]:
    """Every check of every server."""
    rows: list[tuple[Cell | str, ...]] = [("SERVER", "CHECK", "STATE", "TOOK", "AT", "RESULT", "SHARED WITH")]
    for service in services.values():
        rows.extend(_rows(service.get("servers", {}), now))
    return table(rows, colours) if len(rows) > 1 else []


def _rows(servers: Status, now: float) -> Iterator[tuple[Cell | str, ...]]:
    for server, shown in servers.items():
        for name, check in shown.get("checks", {}).items():
            took = check.get("latency_ms")
            yield (
                server,
                name,
                state(check.get("state", "")),
                f"{took} ms" if took is not None else "",
                ago(check.get("at"), now),
                _result(check),
                _few(check.get("shared_with", [])),
            )


def _result(check: Status) -> str:
    """The reason, with its detail, and why it does not count."""
    words = [str(check.get("reason", "")), str(check.get("detail") or "")]
    held = ["what it depends on is down"] if check.get("held") else []
    damped = ["it fell too often"] if check.get("damped") else []
    return "; ".join([": ".join(word for word in words if word), *held, *damped])


def _few(names: list[str]) -> str:
    return " ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
