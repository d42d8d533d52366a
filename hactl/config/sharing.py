"""What two configurations have in common, as the same objects; core.

The law: the result equals what was read. So whoever compares it with the one in force, service by service and server by
server, is done with what did not change at once, and nothing is in memory twice.
"""

import msgspec

from hactl.config.model import Config
from hactl.ipvs.spec import ServiceSpec
from health.spec import CheckSpec


def sharing(old: Config, new: Config) -> Config:
    """`new`, with the services, servers and checks of `old` in place of those that equal them."""
    services = {service.name: service for service in old.services}
    return msgspec.structs.replace(
        new,
        services=tuple(_service(services.get(service.name), service) for service in new.services),
        checks=_checks(old, new),
    )


def _service(old: ServiceSpec | None, new: ServiceSpec) -> ServiceSpec:
    if old is None or old == new:
        return old or new
    servers = {server.name: server for server in old.servers}
    kept = (servers.get(server.name, server) for server in new.servers)
    both = zip(kept, new.servers, strict=True)
    return msgspec.structs.replace(
        new, servers=tuple(before if before == server else server for before, server in both)
    )


def _checks(old: Config, new: Config) -> tuple[CheckSpec, ...]:
    if old.checks == new.checks:
        return old.checks
    known = {check: check for check in old.checks}
    return tuple(known.get(check, check) for check in new.checks)
