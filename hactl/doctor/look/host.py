"""Interfaces, addresses, ways and kernel switches of this host, with pyroute2; edge.

Needs no rights.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hactl.doctor.model import Host, Link, Way
from hactl.realserver import host as realserver

_SYS = realserver.SWITCHES
_UP, _CARRIER = 0x1, 0x10000
_EACH = ("rp_filter", "send_redirects", "arp_ignore", "arp_announce", "promote_secondaries")
_SINGLE = (
    "ipv4/ip_forward", "ipv6/conf/all/forwarding", "netfilter/nf_conntrack_count", "netfilter/nf_conntrack_max",
)  # fmt: skip


def host(destinations: Iterable[str], *, running: bool = False) -> Host:
    """This host, with the ways to these destinations. Raises OSError."""
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with IPRoute() as route:
            links, ways = _network(route, destinations)
    except NetlinkError as error:
        raise OSError(error.code, os.strerror(error.code)) from error
    return Host(
        links=links,
        addresses=realserver.facts().addresses,
        ways=ways,
        switches=dict(_switches()),
        release=os.uname().release,
        running=running,
    )


def _network(route: Any, destinations: Iterable[str]) -> tuple[dict[str, Link], dict[str, Way]]:
    shown = list(route.get_links())
    names = {link["index"]: link.get_attr("IFLA_IFNAME") for link in shown}
    links = {names[link["index"]]: _link(link) for link in shown}
    mtus = {index: links[name].mtu for index, name in names.items()}
    found = ((one, _way(route, one, names, mtus)) for one in dict.fromkeys(destinations))
    ways = {destination: way for destination, way in found if way is not None}
    return links, ways


def _link(message: Any) -> Link:
    flags = message["flags"]
    return Link(
        enabled=bool(flags & _UP),
        carrier=bool(flags & _CARRIER),
        mtu=message.get_attr("IFLA_MTU") or 0,
        mac=message.get_attr("IFLA_ADDRESS") or "",
    )


def _way(route: Any, destination: str, names: dict[int, str], mtus: dict[int, int]) -> Way | None:
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        answers = list(route.route("get", dst=destination))
    except (NetlinkError, OSError):
        return None
    if not answers or answers[0].get_attr("RTA_OIF") not in names:
        return None
    index = answers[0].get_attr("RTA_OIF")
    metrics = answers[0].get_attr("RTA_METRICS")
    told = {name: value for name, value in metrics["attrs"]} if metrics is not None else {}  # noqa: C416 - slots, not pairs
    return Way(
        interface=names[index],
        gateway=answers[0].get_attr("RTA_GATEWAY") or "",
        mtu=min(told.get("RTAX_MTU") or mtus[index], mtus[index]),
        advmss=told.get("RTAX_ADVMSS") or 0,
    )


def _switches() -> Iterator[tuple[str, str]]:
    paths = [*map(Path, _SINGLE)]
    for folder in _listed(_SYS / "ipv4/conf"):
        paths += [Path("ipv4/conf", folder.name, name) for name in _EACH]
    paths += [Path("ipv4/vs", file.name) for file in _listed(_SYS / "ipv4/vs")]
    for path in paths:
        with contextlib.suppress(OSError):
            yield str(path), (_SYS / path).read_text().strip()


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
