"""Rules of the control socket and the page."""

import ipaddress
from collections.abc import Iterator

from hactl.config.rules.finding import Finding, World, warning


def page(world: World) -> Iterator[Finding]:
    """Names and a token serve the page only, and a token should not cross a network in the clear."""
    control = world.document.control
    if control.http is None:
        for key, given in (("hosts", bool(control.hosts)), ("token_file", control.token_file is not None)):
            if given:
                yield warning("control", key, message="has no effect without http", key=True)
    elif control.token_file is not None and not _is_loopback(control.http):
        message = "the page speaks no TLS, so the token goes out in the clear; bind loopback, with a TLS proxy before it"
        yield warning("control", "token_file", message=message, key=True)


def roles(world: World) -> Iterator[Finding]:
    """A role is of use to those only whom the socket lets in."""
    control = world.document.control
    if control.roles is None:
        return
    if control.group is None:
        message = "roles have no effect without control.group: the socket lets in root alone"
        yield warning("control", "roles", message=message, key=True)


def _is_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].removeprefix("[").removesuffix("]")
    return ipaddress.ip_address(host).is_loopback


RULES = (page, roles)
