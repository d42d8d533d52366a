"""Servers that are drained and then removed: whose connections have ended; core.

The law: each director judges by the connections that its own kernel has; what cannot be counted has not ended. A server that
is no longer in the table has none.
"""

from collections.abc import Iterator, Mapping

import msgspec

from hactl.ipvs.model import Counters, ServiceCounters, ServiceKey, service_key
from hactl.ipvs.spec import Protocol, ServiceSpec
from hactl.services.state import destination
from hactl.wishes.overrides import Override, Overrides
from hactl.wishes.scopes import matching

_COUNTED = frozenset({Protocol.TCP, Protocol.SCTP})


class Drain(msgspec.Struct, frozen=True):
    """One server of one service that is to go when its connections have ended; `revision` of the wish for it."""

    service: str
    server: str
    revision: int


def finishing(overrides: Overrides, services: Mapping[str, ServiceSpec]) -> Iterator[tuple[Drain, Override]]:
    """Every server that is drained to be removed, with the override that says so."""
    for record in overrides.in_force():
        if record.remove:
            for scope in matching(record.scope, tuple(services.values())):
                service = scope.service or ""
                if overrides.deciding(service, scope.server) is record:
                    yield Drain(service, scope.server, record.revision), record


def ended(
    overrides: Overrides,
    services: Mapping[str, ServiceSpec],
    counters: Mapping[ServiceKey, ServiceCounters],
    now: float,
) -> frozenset[Drain]:
    """Those whose connections have ended or whose time is over; `now` is wall clock."""
    return frozenset(
        drain
        for drain, record in finishing(overrides, services)
        if (record.remove_by is not None and record.remove_by <= now)
        or connections(services[drain.service], drain.server, counters) == 0
    )


def connections(spec: ServiceSpec, server: str, counters: Mapping[ServiceKey, ServiceCounters]) -> int | None:
    """The connections of a server that draining waits for; None when the kernel was not asked."""
    counted = counters.get(service_key(spec))
    place = next((destination(each) for each in spec.servers if each.name == server), None)
    if counted is None or place is None:
        return None
    return _waited_for(spec, counted.servers.get(place, Counters()))


def _waited_for(spec: ServiceSpec, counters: Counters) -> int:
    """Established ones of tcp and sctp, whose remains say nothing more; of everything else all that are remembered."""
    return counters.active if spec.protocol in _COUNTED else counters.active + counters.inactive
