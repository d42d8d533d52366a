"""`hactl drain --wait`: looking on until drained servers are out of the table.

The law: it only looks. The directors remove a server whether anybody waits or not.
"""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

_PERIOD = 1.0


class End(NamedTuple):
    """The servers ("rs1@www") that are out, and what should be known besides."""

    removed: tuple[str, ...]
    warnings: tuple[str, ...]


def until_out(client: Any, servers: list[str], *, quiet: bool) -> End:
    """Wait until each of them is out of this director's table, or is no longer to leave it; say how many connections
    are left whenever that changes."""
    said: dict[str, int] = {}
    removed: list[str] = []
    left = list(servers)
    status = client.get("status")
    while left:
        for name in list(left):
            shown = _server(status, name)
            if shown is None or shown["admin"] != "drain":
                left.remove(name)
                if shown is None or shown["admin"] == "disabled":
                    removed.append(name)
            elif not quiet:
                _say(said, name, shown["connections"])
        if left:
            time.sleep(_PERIOD)
            status = client.get("status")
    kept = [f"{name}: somebody enabled it meanwhile" for name in servers if name not in removed]
    return End(tuple(removed), (*kept, *_elsewhere(status)))


def _server(status: Mapping[str, Any], name: str) -> Any:
    server, _, service = name.partition("@")
    return status["services"].get(service, {}).get("servers", {}).get(server)


def _say(said: dict[str, int], name: str, connections: Mapping[str, int]) -> None:
    count = connections["active"]
    if said.get(name) != count:
        said[name] = count
        click.echo(f"{name}: {count} active connections left", err=True)


def _elsewhere(status: Mapping[str, Any]) -> tuple[str, ...]:
    """Connections are where the VIP is."""
    routers = status.get("routers", {}).values()
    if not routers or any(router["state"] == "master" for router in routers):
        return ()
    return (
        "this director is master of nothing: the clients' connections are on another, which waits for its own",
    )
