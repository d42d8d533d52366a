"""What is taken over from before: from the kernel at start, from the former configuration at a reload.

The law: a server that gets connections now goes on getting them until a check has said down, whatever was
restarted, changed or renamed meanwhile.
"""

from collections.abc import Mapping

import msgspec

from hactl.ipvs.model import Entry, Table, service_key
from hactl.ipvs.spec import ServerSpec, ServiceSpec
from hactl.services.state import Quorum, ServerState, Services, ServiceState, State, destination
from health.result import Health


def adopt(services: Services, table: Table, now: float) -> State:
    """The state at start: what the kernel holds is admitted, what it does not hold waits for its first passed check."""
    return State(
        {name: new_service(spec, table.get(service_key(spec)), now) for name, spec in services.specs.items()}
    )


def new_service(spec: ServiceSpec, entry: Entry | None, now: float) -> ServiceState:
    """A service that was not known; servers in the kernel's `entry` count as admitted, its sorry server as serving."""
    held = {} if entry is None else entry.servers

    def server_state(server: ServerSpec) -> ServerState:
        found = held.get(destination(server))
        if found is None:
            return ServerState(since=now)
        return ServerState(since=now, admitted=found.weight > 0, listed=True)

    sorry = None if spec.sorry is None else server_state(spec.sorry)
    own = {destination(server) for server in spec.servers}
    stood_in = (
        sorry is not None and sorry.admitted and spec.sorry is not None and destination(spec.sorry) not in own
    )
    return ServiceState(
        servers={server.name: server_state(server) for server in spec.servers},
        sorry=sorry,
        quorum=Quorum.LOST if stood_in else Quorum.UNKNOWN,
        since=now,
    )


def carry(state: State, old: Services, new: Services, now: float) -> State:
    """The state over a reload, to be followed by an `update` of everything.

    A service is the same by its name, else by its place in the kernel; a server by its address and port. One
    that only got another name stays admitted, and its verdicts are told anew, those of a service's servers too.
    """
    by_key = {service_key(spec): name for name, spec in old.specs.items()}
    services = {}
    for name, spec in new.specs.items():
        if name in state.services and spec == old.specs.get(name):
            services[name] = state.services[name]
            continue
        former = name if name in old.specs else by_key.get(service_key(spec))
        known = former is not None and former in state.services
        services[name] = (
            _carried(spec, old.specs[former], state.services[former], now)
            if former is not None and known
            else new_service(spec, None, now)
        )
    return State(services)


def _carried(spec: ServiceSpec, old_spec: ServiceSpec, old: ServiceState, now: float) -> ServiceState:
    former = {destination(server): server.name for server in old_spec.servers}
    servers = {
        server.name: _carried_server(server, old.servers, former.get(destination(server)), now)
        for server in spec.servers
    }
    sorry = None
    if spec.sorry is not None:
        same = old_spec.sorry is not None and destination(old_spec.sorry) == destination(spec.sorry)
        sorry = old.sorry if same and old.sorry is not None else ServerState(since=now)
    if spec.name == old_spec.name:
        return msgspec.structs.replace(old, servers=servers, sorry=sorry)
    # Nobody has heard of any of them by this name.
    untold = {name: msgspec.structs.replace(one, told=Health.UNKNOWN) for name, one in servers.items()}
    return msgspec.structs.replace(old, servers=untold, sorry=sorry, told=None)


def _carried_server(
    server: ServerSpec, old: Mapping[str, ServerState], former: str | None, now: float
) -> ServerState:
    if former is None or former not in old:
        return ServerState(since=now)
    if former == server.name:
        return old[former]
    return ServerState(since=now, admitted=old[former].admitted, listed=old[former].listed)
