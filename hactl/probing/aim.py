"""What a person means who names a check and a server: which check, of which targets.

Its law: the file's own words come first; what it does not know may be said in place, a type of check or a mapping as in
the file, and an address or host name. No name is looked up here.
"""

import ipaddress
from typing import Final

import msgspec

from hactl.config import resolve
from hactl.config.compose import Composer
from hactl.config.fault import suggestion
from hactl.config.schema.check_forms import check_types
from hactl.config.schema.checks import Check
from hactl.config.schema.document import Document
from hactl.config.validate import validate
from health.result import Result

PORTS: Final = {
    "http": 80, "https": 443, "ssh": 22, "smtp": 25, "submission": 587, "dns": 53, "ftp": 21, "imap": 143, "pop3": 110,
    "nntp": 119, "ldap": 389, "mysql": 3306, "postgresql": 5432, "redis": 6379, "ntp": 123, "sip": 5060, "radius": 1812,
    "memcached": 11211,
}  # fmt: skip
"""Where a type of check goes to whose target is said without a port."""
PORTLESS: Final = frozenset({"ping", "script"})
"""Types whose probe needs no port."""


class AimError(ValueError):
    """Nothing to aim at, in a sentence."""


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """One probe that is meant. `host` is an address, or a name to be looked up; `service` is empty outside the file."""

    name: str
    check: Check
    server: str
    service: str
    host: str
    port: int

    @property
    def type(self) -> str:
        """The type of the check."""
        return kind(self.check)


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one probe; each step's time is seconds since the start."""

    aim: Aim
    address: str
    result: Result
    steps: tuple[tuple[str, float, tuple[str, ...]], ...] = ()


def kind(check: Check) -> str:
    """The type of a check."""
    found: str = getattr(check, "type")  # noqa: B009 - every kind of check has it, their base has not
    return found


def aims(document: Document | None, check: str, server: str, port: int | None = None) -> list[Aim]:
    """The probes meant by CHECK and SERVER, in the file's order, each target once. Raises AimError."""
    name, _, service = server.partition("@")
    known = [] if document is None else _known(document, name, service)
    if known:
        assert document is not None
        return _of_file(document, check, known, port)
    if service:
        raise AimError(_no_server(document, server))
    host, own = _host_and_port(server)
    if host is None:
        raise AimError(_no_server(document, server))
    found = _check(document, check)
    where = port or found.port or own or PORTS.get(kind(found)) or 0
    if not where and kind(found) not in PORTLESS:
        raise AimError(f"say which port of {server} is meant: {server}:PORT")
    return [Aim(name=check, check=found, server=server, service="", host=host, port=where)]


def _known(document: Document, name: str, service: str) -> list[tuple[str, str]]:
    """The servers of the file of this name, as service and server; of one service where one is named."""
    return [
        (each, name)
        for each in document.services
        if (not service or each == service) and name in resolve.servers_of(document, document.services[each])
    ]


def _of_file(document: Document, check: str, known: list[tuple[str, str]], port: int | None) -> list[Aim]:
    used = [aim for where in known for aim in uses(document, *where, port) if aim.name == check]
    if not used:
        found = _check(document, check)
        used = [_aim(document, service, name, check, found, port) for service, name in known]
    return list({(id(aim.check), aim.host, aim.port): aim for aim in reversed(used)}.values())[::-1]


def uses(document: Document, service: str, name: str, port: int | None = None) -> list[Aim]:
    """The checks that the file has for this server in this service."""
    of = document.services[service]
    use = resolve.check_use(document, of, resolve.servers_of(document, of)[name])
    return [
        _aim(document, service, name, each, check, port)
        for each, check in resolve.named_checks(document, use)
    ]


def _aim(document: Document, service: str, name: str, check_name: str, check: Check, port: int | None) -> Aim:
    of = document.services[service]
    server = resolve.servers_of(document, of)[name]
    where = port or check.port or resolve.port_of(of, server)
    return Aim(name=check_name, check=check, server=name, service=service, host=server.address, port=where)


def _check(document: Document | None, text: str) -> Check:
    """The check of this name, or the one that is said in place."""
    if document is not None and text in document.checks:
        return document.checks[text]
    types = check_types()
    if text in types:
        return _given(f"{{type: {text}}}", text)
    if text.lstrip().startswith("{"):
        return _given(text, "CHECK")
    names = [*(document.checks if document is not None else ()), *types]
    raise AimError(f"there is no check '{text}'{suggestion(text, names, at_most=len(names))}")


def _given(text: str, name: str) -> Check:
    composer = Composer(name, {}, lambda node, where: None)
    root = composer.compose(f"cluster: given\nchecks: {{given: {text}}}\n".encode())
    faults, checks = composer.faults, {}
    if root is not None and not faults:
        document, faults = validate(root)
        faults = [fault for fault in faults if fault.path.startswith("checks")]
        checks = document.checks if document is not None else {}
    for fault in faults:
        where = fault.path.removeprefix("checks.given").removeprefix(".")
        raise AimError(f"the check {text}: {where}{': ' if where else ''}{fault.message}")
    if "given" not in checks:
        raise AimError(f"{text} is no check")
    return checks["given"]


def _host_and_port(text: str) -> tuple[str | None, int | None]:
    """An address or host name with or without a port; None where it is neither."""
    try:
        return str(ipaddress.ip_address(text)), None
    except ValueError:
        host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    elif not (port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
        return None, None
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    return (bare if _may_be_host(bare) else None), int(port) if port else None


def _may_be_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return ("." in text and all(c.isalnum() or c in "-._" for c in text)) or text == "localhost"
    return True


def _no_server(document: Document | None, server: str) -> str:
    if document is None:
        return f"'{server}' is no address; without a configuration give one, or a host name with its domain"
    names = dict.fromkeys(
        name for service in document.services.values() for name in resolve.servers_of(document, service)
    )
    name, _, service = server.partition("@")
    if service:
        return f"there is no server '{name}' in a service '{service}'"
    near = suggestion(server, names)
    return f"'{server}' is neither a server of the file nor an address or a host name with its domain{near}"
