"""Random tables for property tests: few services and servers, so that they meet, and every kind of field."""

from hypothesis import strategies as st

from hactl.ipvs.model import (
    DestinationKey,
    Entry,
    Persistence,
    RealServer,
    ServiceKey,
    Tunnel,
    VirtualService,
)
from hactl.ipvs.schedulers import SchedulerFlag
from hactl.ipvs.spec import Forward, Protocol, TunnelType

ports = st.integers(0, 65535)
numbers = st.integers(0, 2**31 - 1)
addresses4 = st.ip_addresses(v=4).map(str)
addresses6 = st.ip_addresses(v=6).map(str)

marks = st.builds(ServiceKey, family=st.sampled_from(["ipv4", "ipv6"]), fwmark=st.integers(1, 2**32 - 1))
keys4 = st.builds(ServiceKey, protocol=st.sampled_from(Protocol), address=addresses4, port=ports)
keys6 = st.builds(
    ServiceKey, family=st.just("ipv6"), protocol=st.sampled_from(Protocol), address=addresses6, port=ports
)
keys = st.one_of(marks, keys4, keys6)


@st.composite
def services(draw: st.DrawFn, key: st.SearchStrategy[ServiceKey] = keys) -> VirtualService:
    """Any service that the kernel could hold."""
    chosen = draw(key)
    widest = 128 if chosen.family == "ipv6" else 32
    persistence = st.builds(
        Persistence, timeout=st.integers(1, 86400), netmask=st.integers(1 if widest == 128 else 0, widest)
    )
    return VirtualService(
        key=chosen,
        scheduler=draw(st.sampled_from(["rr", "wlc", "mh", "sh"])),
        flags=SchedulerFlag(draw(st.integers(0, 7))),
        persistence=draw(st.none() | persistence),
        one_packet=draw(st.booleans()),
        engine=draw(st.none() | st.just("sip")),
    )


tunnels = st.builds(Tunnel, type=st.sampled_from(TunnelType), port=ports, flags=st.integers(0, 3))


@st.composite
def servers(
    draw: st.DrawFn,
    address: st.SearchStrategy[str] = addresses4 | addresses6,
    weight: st.SearchStrategy[int] = numbers,
) -> RealServer:
    """Any real server that the kernel could hold."""
    forward = draw(st.sampled_from(Forward))
    upper = draw(numbers)
    return RealServer(
        key=DestinationKey(draw(address), draw(st.integers(80, 81))),
        forward=forward,
        weight=draw(weight),
        upper=upper,
        lower=draw(st.integers(0, upper)),
        tunnel=draw(tunnels) if forward is Forward.TUN else None,
    )


_servers = st.builds(
    RealServer,
    key=st.sampled_from([DestinationKey(f"10.0.0.{number}", 80) for number in range(1, 5)]),
    forward=st.sampled_from([Forward.NAT, Forward.DR]),
    weight=st.integers(0, 2),
)


@st.composite
def tables(draw: st.DrawFn) -> dict[ServiceKey, Entry]:
    """A table of up to four services out of four, each with servers out of a few."""
    table = {}
    for port in sorted(draw(st.sets(st.sampled_from([80, 81, 82, 83])))):
        key = ServiceKey(protocol=Protocol.TCP, address="10.1.1.1", port=port)
        held = {server.key: server for server in draw(st.lists(_servers, max_size=4))}
        placed = draw(st.booleans())
        table[key] = Entry(
            service=VirtualService(key=key, scheduler=draw(st.sampled_from(["rr", "mh"]))),
            servers=held,
            places={place: 3 for place, server in held.items() if placed and server.weight == 0},
        )
    return table
