"""The host of a real server: reads the facts and performs the steps, with pyroute2; edge.

The law: one step at a time, in the order given; a step that somebody else has done already is done. Whoever comes after
a cut reads the facts anew.
"""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from failover.kernel import can_mark
from hactl.realserver.model import (
    DISTANT,
    MARK,
    Address,
    Close,
    DeleteDevice,
    DropVip,
    Facts,
    Listener,
    Lower,
    MakeDevice,
    Open,
    PutVip,
    Raise,
    SetSwitch,
    Step,
    Vip,
    Wish,
)
from hactl.store import boot_id

SWITCHES = Path("/proc/sys/net")
_NAMES = {"ipv4": ("arp_ignore", "arp_announce", "rp_filter"), "ipv6": ("accept_redirects", "forwarding")}
_NODAD, _NOPREFIXROUTE = 0x02, 0x200
_UP = 1
_FOREVER = 0xFFFFFFFF
_MODPROBE_WITHIN = 10.0
_DONE_ALREADY = (errno.EEXIST,)
_GONE_ALREADY = (errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT)


class StepFailed(Exception):
    """The kernel would not do a step; the text names it and why."""


def load_modules(wish: Wish) -> None:
    """Have the kernel's modules loaded that the wish needs; where that is not possible the steps will say so."""
    names = [kind.module for kind in wish.kinds]
    names += ["fou6" if listener.ipv6 else "fou" for listener in wish.listeners]
    for name in dict.fromkeys(names):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                ["modprobe", "-q", name], capture_output=True, check=False, timeout=_MODPROBE_WITHIN
            )


def facts() -> Facts:
    """What this host has now. Raises OSError."""
    with _route() as route:
        links = {link["index"]: link for link in route.get_links()}
        names = {index: link.get_attr("IFLA_IFNAME") for index, link in links.items()}
        addresses = tuple(
            _address(message, names) for message in route.get_addr() if message["index"] in names
        )
    return Facts(
        devices={names[index]: bool(link["flags"] & _UP) for index, link in links.items()},
        addresses=addresses,
        switches=dict(_switches()),
        listeners=frozenset(_listeners()),
        marks=can_mark(),
        boot=boot_id(),
    )


def ways_back(own: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(own address, the gateway by which it would answer a distant client; empty for none). Rules of routing count."""
    from pyroute2.netlink.exceptions import NetlinkError

    found = []
    with _route() as route:
        for address in own:
            distant = DISTANT["ipv6" if ":" in address else "ipv4"]
            gateway = None
            with contextlib.suppress(NetlinkError, OSError):
                answers = list(route.route("get", dst=distant, src=address))
                gateway = answers[0].get_attr("RTA_GATEWAY") if answers else None
            found.append((address, gateway or ""))
    return tuple(found)


def macs() -> dict[str, str]:
    """The MAC of every device that has one."""
    with _route() as route:
        links = ((link.get_attr("IFLA_IFNAME"), link.get_attr("IFLA_ADDRESS")) for link in route.get_links())
        return {name: mac for name, mac in links if mac}


def _address(message: Any, names: dict[int, str]) -> Address:
    local = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return Address(
        device=names[message["index"]],
        address=local,
        prefix=message["prefixlen"],
        ours=message.get_attr("IFA_PROTO") == MARK,
    )


def _switches() -> Iterator[tuple[str, str]]:
    for family, names in _NAMES.items():
        for path in SWITCHES.glob(f"{family}/conf/*"):
            for name in names:
                with contextlib.suppress(OSError):
                    yield f"{family}/conf/{path.name}/{name}", (path / name).read_text().strip()


def perform(step: Step) -> None:
    """Do one step. Raises StepFailed."""
    try:
        _perform(step)
    except OSError as error:
        raise StepFailed(f"{step}: {_why(error, step)}") from error


def _perform(step: Step) -> None:
    match step:
        case SetSwitch(path, value):
            (SWITCHES / path).write_text(value)
        case Open(listener) | Close(listener):
            _listen(listener, opening=isinstance(step, Open))
        case _:
            harmless = _DONE_ALREADY if isinstance(step, (MakeDevice, Raise, PutVip)) else _GONE_ALREADY
            with _route() as route, _harmless(harmless):
                _change(route, step)


def _change(route: Any, step: Step) -> None:
    match step:
        case MakeDevice(name, kind):
            route.link("add", ifname=name, kind=kind.value)
        case DeleteDevice(name):
            route.link("del", index=_index(route, name))
        case Raise(name):
            route.link("set", index=_index(route, name), state="up")
        case Lower(name):
            route.link("set", index=_index(route, name), state="down")
        case PutVip(vip):
            route.addr("add", **_placed(route, vip), **_manner(vip))
        case DropVip(vip):
            route.addr("del", **_placed(route, vip))


def _placed(route: Any, vip: Vip) -> dict[str, Any]:
    return {"index": _index(route, vip.device), "address": vip.address, "prefixlen": vip.prefix}


def _manner(vip: Vip) -> dict[str, Any]:
    """With our mark. IPv6: without duplicate detection, which would find the director, and never a source unasked."""
    if vip.prefix == 32:
        return {"local": vip.address, "proto": MARK}
    return {"proto": MARK, "flags": _NODAD | _NOPREFIXROUTE, "preferred": 0, "valid": _FOREVER}


def _index(route: Any, name: str) -> int:
    found = route.link_lookup(ifname=name)
    if not found:
        raise OSError(errno.ENODEV, f"there is no device {name}")
    return int(found[0])


@contextlib.contextmanager
def _route() -> Iterator[Any]:
    from pyroute2 import IPRoute

    with IPRoute() as route:
        yield route


@contextlib.contextmanager
def _harmless(numbers: tuple[int, ...]) -> Iterator[None]:
    """What the kernel refuses with one of these is so already. pyroute2's errors are turned into OSError."""
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        yield
    except NetlinkError as error:
        if error.code not in numbers:
            raise OSError(error.code, os.strerror(error.code)) from error
    except OSError as error:
        if error.errno not in numbers or numbers is _DONE_ALREADY:
            raise


def _why(error: OSError, step: Step) -> str:
    text = error.strerror or str(error)
    if error.errno == errno.EACCES and isinstance(step, PutVip) and step.vip.prefix == 128:
        switch = f"net.ipv6.conf.{step.vip.device}.disable_ipv6"
        return f"IPv6 is switched off there: sysctl -w {switch}=0, or take the service out"
    if error.errno == errno.EOPNOTSUPP:
        return f"{text}; perhaps this kernel lacks the module"
    return text


# ---- GUE ------------------------------------------------------------------------------------------------------------


def _listeners() -> Iterator[Listener]:
    from hactl.realserver import fou

    with contextlib.suppress(OSError):
        yield from fou.listeners()


def _listen(listener: Listener, *, opening: bool) -> None:
    from hactl.realserver import fou

    fou.change(listener, opening=opening)
