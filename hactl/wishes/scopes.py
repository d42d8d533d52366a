"""What an override is about: one server of one service, or the server of that name in every service; core."""

from collections.abc import Sequence

import msgspec

from hactl.config.fault import suggestion
from hactl.ipvs.spec import ServiceSpec


class OverrideError(Exception):
    """An override that cannot be set; the message is a sentence for the operator."""


class UnknownError(OverrideError):
    """There is no such server or service."""


class Scope(msgspec.Struct, frozen=True, order=True):
    """A server of one service, or (service None) of every service."""

    server: str
    service: str | None = None

    def __str__(self) -> str:
        return self.server if self.service is None else f"{self.server}@{self.service}"

    def covers(self, other: "Scope") -> bool:
        """Whether everything in `other` is in this scope as well."""
        return self.server == other.server and self.service in (None, other.service)


def affected(scope: Scope, services: Sequence[ServiceSpec]) -> tuple[Scope, ...]:
    """Each server of a service that `scope` means. Raises OverrideError when the configuration has none."""
    chosen = _services_of(scope, services)
    found = matching(scope, chosen)
    if found:
        return found
    place = "any service" if scope.service is None else f"service '{scope.service}'"
    names = {server.name for service in chosen for server in service.servers}
    raise UnknownError(f"there is no server '{scope.server}' in {place}{suggestion(scope.server, names)}")


def matching(scope: Scope, services: Sequence[ServiceSpec]) -> tuple[Scope, ...]:
    """Each server of a service that `scope` means; none where the configuration has none."""
    return tuple(
        Scope(scope.server, service.name)
        for service in services
        if scope.service in (None, service.name)
        and any(server.name == scope.server for server in service.servers)
    )


def _services_of(scope: Scope, services: Sequence[ServiceSpec]) -> Sequence[ServiceSpec]:
    if scope.service is None:
        return services
    chosen = [service for service in services if service.name == scope.service]
    if not chosen:
        names = {service.name for service in services}
        raise UnknownError(f"there is no service '{scope.service}'{suggestion(scope.service, names)}")
    return chosen
