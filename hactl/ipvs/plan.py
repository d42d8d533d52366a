"""From the table that is to the table that should be: the ordered difference.

The law: performed in order the operations end in the wished table; cut anywhere and planned again they end
there too; nothing to change gives none. Services that are neither wished nor owned are never touched. New
servers enter and weights change before anything leaves, so that a service that has a fit server is never
without one. Where the order of servers is part of the hash it is the wished one, whatever came before.
"""

from collections.abc import Collection, Iterable, Iterator

from hactl.ipvs.model import DestinationKey, Entry, ServiceKey, Table
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    Op,
    SetServer,
    SetService,
)
from hactl.ipvs.schedulers import keeps_places


def diff(actual: Table, desired: Table, owned: Collection[ServiceKey]) -> tuple[Op, ...]:
    """The operations that turn `actual` into `desired`."""
    ops: list[Op] = []
    for key, entry in desired.items():
        ops.extend(_entry_ops(actual.get(key), entry))
    ops.extend(DeleteService(key) for key in actual if key in owned and key not in desired)
    return tuple(ops)


def _entry_ops(actual: Entry | None, desired: Entry) -> Iterator[Op]:
    if actual is desired:
        return
    if actual is None:
        yield AddService(desired.service)
        actual = Entry(service=desired.service)
    elif actual.service != desired.service:
        yield SetService(desired.service, actual.service)
    yield from _server_ops(actual, desired)


def _server_ops(actual: Entry, desired: Entry) -> Iterator[Op]:
    key, held = desired.service.key, actual.servers
    moved = _behind(actual, desired) if keeps_places(desired.service.scheduler) else frozenset()
    changed: list[Op] = []
    for place, server in desired.servers.items():
        old = held.get(place)
        remembered = 0 if server.weight else desired.places.get(place, 0)
        if old is None:
            yield AddServer(key, server, remembered)
        elif place in moved:
            yield MoveServer(key, server, remembered)
        elif old != server:
            changed.append(SetServer(key, server, old))
    yield from changed
    yield from (DeleteServer(key, server) for place, server in held.items() if place not in desired.servers)


def _behind(actual: Entry, desired: Entry) -> frozenset[DestinationKey]:
    """The servers that must go to the end again: all after the first that is new or stands too early."""
    stands = {place: number for number, place in enumerate(actual.servers)}
    wished, last = list(desired.servers), -1
    for number, place in enumerate(wished):
        if stands.get(place, -1) <= last:
            return frozenset(wished[number:]) & stands.keys()
        last = stands[place]
    return frozenset()


def applied(entry: Entry | None, ops: Iterable[Op]) -> Entry | None:
    """What becomes of one service by the operations on it; None where it does not stand."""
    for op in ops:
        match op:
            case AddService(service):
                entry = Entry(service=service)
            case SetService(service) if entry is not None:
                entry = Entry(service=service, servers=entry.servers)
            case DeleteService():
                entry = None
            case AddServer(_, server) | SetServer(_, server) if entry is not None:
                entry = Entry(service=entry.service, servers={**entry.servers, server.key: server})
            case MoveServer(_, server) if entry is not None:
                others = {key: other for key, other in entry.servers.items() if key != server.key}
                entry = Entry(service=entry.service, servers={**others, server.key: server})
            case DeleteServer(_, server) if entry is not None:
                left = {key: other for key, other in entry.servers.items() if key != server.key}
                entry = Entry(service=entry.service, servers=left)
            case _:
                pass
    return entry
