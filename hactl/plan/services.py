"""What a reload changes about services, their servers and their checks.

The law: a service and a server are the same here exactly when the reload treats them as the same (`hactl.ipvs.inherit`):
a service by its name, else by its place in the kernel; a server by its address and port.
"""

from collections.abc import Iterator, Mapping

from hactl.config.model import Config
from hactl.ipvs.model import service_key
from hactl.ipvs.spec import ServerSpec, ServiceSpec
from hactl.plan.difference import differences
from hactl.plan.model import Change, Difference, Effect, Kind, Running, Section, change
from hactl.services.state import destination
from health.spec import CheckSpec

_APART = ("name", "servers", "sorry")
"""Fields of a service that are told elsewhere."""
_TARGET = ("address", "port")
"""Fields of a check that say no more than where its server is."""


def service_changes(old: Config, new: Config, running: Running) -> Iterator[Change]:
    """Changes of services, then of their servers, then of checks."""
    pairs = list(_pairs(old.services, new.services))
    for before, after in pairs:
        yield from _service(before, after)
    for before, after in pairs:
        yield from _servers(before, after, running)
    yield from _checks(pairs, _by_id(old), _by_id(new))


def _pairs(
    old: tuple[ServiceSpec, ...], new: tuple[ServiceSpec, ...]
) -> Iterator[tuple[ServiceSpec | None, ServiceSpec | None]]:
    """Each service as it was and as it will be, in the order of the new file, those that go at the end."""
    by_name = {spec.name: spec for spec in old}
    by_key = {service_key(spec): spec for spec in old}
    taken = set()
    for spec in new:
        former = by_name.get(spec.name) or by_key.get(service_key(spec))
        if former is not None:
            taken.add(former.name)
        yield former, spec
    yield from ((spec, None) for spec in old if spec.name not in taken)


def _service(old: ServiceSpec | None, new: ServiceSpec | None) -> Iterator[Change]:
    if old is None:
        assert new is not None
        yield change(Section.SERVICE, new.name, Kind.ADDED, Effect.ENTER, note=str(service_key(new)))
        return
    if new is None:
        yield change(Section.SERVICE, old.name, Kind.REMOVED, Effect.LEAVE, note=str(service_key(old)))
        return
    found = differences(old, new, without=_APART)
    if old.name != new.name:
        found = (Difference(path="name", old=old.name, new=new.name), *found)
    if not found:
        return
    moved = service_key(old) != service_key(new)
    kind = Kind.RENAMED if old.name != new.name else Kind.CHANGED
    effect = Effect.REPLACE if moved else Effect.STAY if kind is Kind.RENAMED else Effect.IN_PLACE
    yield change(Section.SERVICE, new.name, kind, effect, differences=found)


def _all_servers(spec: ServiceSpec | None) -> dict[str, ServerSpec]:
    """Servers by the name under which they are told; the sorry server's is in brackets, which no name has."""
    if spec is None:
        return {}
    servers = {server.name: server for server in spec.servers}
    return {**servers, "(sorry)": spec.sorry} if spec.sorry is not None else servers


def _servers(old: ServiceSpec | None, new: ServiceSpec | None, running: Running) -> Iterator[Change]:
    """Servers of a service that goes on; those of one that comes or goes are told with it only when they go."""
    if old is None:
        return
    before, after = _all_servers(old), _all_servers(new)
    former = {destination(server): name for name, server in before.items()}
    renamed = set()
    for name, server in after.items():
        assert new is not None
        was = name if name in before else former.get(destination(server))
        if was is None or (was != name and was in after):
            yield _entering(f"{name}@{new.name}", server)
            continue
        if was != name:
            renamed.add(was)
        yield from _server(f"{was}@{old.name}", f"{name}@{new.name}", before[was], server, running)
    for name in before:
        if name not in after and name not in renamed:
            yield _leaving(f"{name}@{old.name}", before[name], running)


def _entering(scope: str, server: ServerSpec) -> Change:
    effect = Effect.ENTER_WHEN_CHECKED if server.checks else Effect.ENTER
    if scope.startswith("("):
        return change(
            Section.SERVER, scope, Kind.ADDED, Effect.AT_ONCE, note=f"stands by at {destination(server)}"
        )
    return change(
        Section.SERVER, scope, Kind.ADDED, effect, note=f"{destination(server)}, weight {server.weight}"
    )


def _leaving(scope: str, server: ServerSpec, running: Running) -> Change:
    return change(
        Section.SERVER,
        scope,
        Kind.REMOVED,
        Effect.LEAVE,
        note=_note(str(destination(server)), scope, running),
    )


def _note(where: str, scope: str, running: Running) -> str:
    """Where it is, and how many connections it serves."""
    count = running.connections.get(scope, 0)
    return f"{where}, with {count} connection{'s' if count != 1 else ''} now" if count else where


def _server(was: str, scope: str, old: ServerSpec, new: ServerSpec, running: Running) -> Iterator[Change]:
    found = differences(old, new, without=("name", "checks"))
    moved = destination(old) != destination(new)
    name, former = scope.rpartition("@")[0], was.rpartition("@")[0]
    if name != former:
        found = (Difference(path="name", old=former, new=name), *found)
    if not found:
        return
    kind = Kind.RENAMED if name != former else Kind.CHANGED
    effect = Effect.REPLACE if moved else Effect.STAY if kind is Kind.RENAMED else Effect.IN_PLACE
    note = _note("", was, running).removeprefix(", ") if moved else ""
    yield change(Section.SERVER, scope, kind, effect, note=note, differences=found)


# ---- checks ---------------------------------------------------------------------------------------------------------

_Compared = tuple[str, Kind, tuple[Difference, ...]]


def _by_id(config: Config) -> Mapping[str, CheckSpec]:
    return {check.id: check for check in config.checks}


def _checks(
    pairs: list[tuple[ServiceSpec | None, ServiceSpec | None]],
    old: Mapping[str, CheckSpec],
    new: Mapping[str, CheckSpec],
) -> Iterator[Change]:
    """What becomes of the checks of servers that go on; the same change of many servers is told once."""
    told: dict[_Compared, list[str]] = {}
    for before, after in pairs:
        if before is None or after is None:
            continue
        servers = _all_servers(before)
        for name, server in _all_servers(after).items():
            if name in servers:
                for compared in _compared(servers[name], server, old, new):
                    told.setdefault(compared, []).append(f"{name}@{after.name}")
    for (name, kind, found), on in told.items():
        effect = Effect.AT_ONCE if kind is Kind.REMOVED else Effect.CHECKED_ANEW
        yield change(Section.CHECK, name, kind, effect, differences=found, on=tuple(on))


def _compared(
    before: ServerSpec, after: ServerSpec, old: Mapping[str, CheckSpec], new: Mapping[str, CheckSpec]
) -> Iterator[_Compared]:
    olds = {ref.name: old.get(ref.id) for ref in before.checks}
    news = {ref.name: new.get(ref.id) for ref in after.checks}
    for name in dict.fromkeys((*olds, *news)):
        was, will = olds.get(name), news.get(name)
        if was is None and will is not None:
            yield name, Kind.ADDED, ()
        elif was is not None and will is None:
            yield name, Kind.REMOVED, ()
        elif was is not None and will is not None:
            moved = destination(before) != destination(after)
            found = differences(was, will, without=_TARGET if moved else ())
            if found:
                yield name, Kind.CHANGED, found
