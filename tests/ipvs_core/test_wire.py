"""The bytes that services, servers and settings become, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs import netlink as nl
from hactl.ipvs import settings, wire
from hactl.ipvs.model import (
    Counters,
    DestinationKey,
    Info,
    Persistence,
    RealServer,
    ServiceKey,
    SyncDaemon,
    Timeouts,
    Tunnel,
    VirtualService,
)
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    SetServer,
    SetService,
)
from hactl.ipvs.schedulers import SchedulerFlag
from hactl.ipvs.spec import Forward, Protocol, TunnelType
from hactl.ipvs.wire import Body, Malformed, ServerRead, ServiceRead
from support.ipvs_strategies import keys, servers, services

WWW = ServiceKey(protocol=Protocol.TCP, address="10.77.0.100", port=80)
RS1 = RealServer(key=DestinationKey("10.77.0.21", 80), forward=Forward.DR, weight=2, upper=100, lower=50)
SERVICE = VirtualService(
    key=WWW,
    scheduler="mh",
    flags=SchedulerFlag(3),
    persistence=Persistence(timeout=300, netmask=24),
    one_packet=True,
)

little_endian = pytest.mark.skipif(nl.HOST_ORDER != "little", reason="the bytes are of a little-endian host")


def payload(body: Body) -> bytes:
    """A command as an answer to a dump would carry it, behind its generic header."""
    return b"\1\1\0\0" + body.attributes


@little_endian
def test_bytes_of_a_service() -> None:
    """Every attribute of a service as linux/ip_vs.h has it, written out by hand."""
    (body,) = wire.encode(AddService(SERVICE))
    nested = (
        "06000100 02000000"
        "06000200 06000000"
        "14000300 0a4d0064 000000000000000000000000"
        "06000400 00500000"
        "07000600 6d680000"
        "0c000700 1d000000 ffffffff"
        "08000800 2c010000"
        "08000900 ffffff00"
    )
    assert body == Body(1, bytes.fromhex("54000180" + nested))


@little_endian
def test_bytes_of_a_server() -> None:
    """Key and server in two nests; ports in network order."""
    (body,) = wire.encode(DeleteServer(WWW, RS1))
    key = "06000100 02000000 06000200 06000000 14000300 0a4d0064 000000000000000000000000 06000400 00500000"
    server = "14000100 0a4d0015 000000000000000000000000 06000200 00500000 06000b00 02000000"
    assert body == Body(7, bytes.fromhex("30000180" + key + "28000280" + server))


@given(services())
def test_services_come_back(service: VirtualService) -> None:
    """What is sent as a service is read as the same service."""
    for op, command in ((AddService(service), 1), (SetService(service, service), 2)):
        (body,) = wire.encode(op)
        assert body.command == command
        assert wire.decode_service(payload(body)) == ServiceRead(service, Counters())


@given(keys, servers())
def test_servers_come_back(key: ServiceKey, server: RealServer) -> None:
    """What is sent as a server is read as the same server, whatever its service's family."""
    for op, command in ((AddServer(key, server), 5), (SetServer(key, server, server), 6)):
        (body,) = wire.encode(op)
        assert body.command == command
        assert wire.decode_server(payload(body), key.family) == ServerRead(server, Counters())


def test_a_place_is_taken_and_given_up_in_one_piece() -> None:
    """A server to be remembered enters with that weight and is set to its own at once."""
    standby = RealServer(key=RS1.key, forward=Forward.DR, weight=0)
    first, second = wire.encode(AddServer(WWW, standby, 5))
    assert (first.command, second.command) == (5, 6)
    entered = wire.decode_server(payload(first), "ipv4")
    assert isinstance(entered, ServerRead)
    assert entered.server.weight == 5
    assert wire.decode_server(payload(second), "ipv4") == ServerRead(standby, Counters())


def test_a_move_is_a_deletion_and_an_addition_in_one_piece() -> None:
    """Nothing may come between."""
    standby = RealServer(key=RS1.key, forward=Forward.DR, weight=0)
    assert wire.encode(MoveServer(WWW, standby, 5)) == (
        *wire.encode(DeleteServer(WWW, standby)),
        *wire.encode(AddServer(WWW, standby, 5)),
    )


def test_deletions_and_dumps_carry_keys_only() -> None:
    """A deletion names the service and nothing more; a dump of servers likewise."""
    (gone,) = wire.encode(DeleteService(WWW))
    assert gone.command == 3
    assert wire.server_dump(WWW) == Body(8, gone.attributes)
    assert wire.service_dump() == Body(4, b"")


def test_the_port_of_a_tunnel_is_in_network_order() -> None:
    """gue's port 6080 is 17 c0 on the wire."""
    gue = RealServer(key=RS1.key, forward=Forward.TUN, tunnel=Tunnel(type=TunnelType.GUE, port=6080))
    (body,) = wire.encode(AddServer(WWW, gue))
    found = nl.attributes(nl.attributes(body.attributes)[2])
    assert (found[13], found[14]) == (b"\1", b"\x17\xc0")


def test_what_only_others_set_is_told_apart() -> None:
    """A mask that is no prefix, and a method hactl never uses, differ from everything hactl wishes."""
    (body,) = wire.encode(AddService(SERVICE))
    odd = payload(body).replace(b"\xff\xff\xff\x00", b"\xff\x00\xff\x00")
    read = wire.decode_service(odd)
    assert isinstance(read, ServiceRead)
    assert read.service.persistence == Persistence(timeout=300, netmask=None)
    (body,) = wire.encode(AddServer(WWW, RS1))
    local = payload(body).replace(nl.u32(3, 3), nl.u32(3, 1))
    server = wire.decode_server(local, "ipv4")
    assert isinstance(server, ServerRead)
    assert server.server.forward is None


def test_counters() -> None:
    """Connections now come from the server, sums from the 64-bit nest, and only when asked for."""
    (body,) = wire.encode(AddServer(WWW, RS1))
    nest = nl.attributes(body.attributes)[2]
    now = nl.u32(7, 3) + nl.u32(8, 4) + nl.u32(9, 5)
    sums = nl.nested(
        12, *(nl.attribute(kind, (10**12 + kind).to_bytes(8, nl.HOST_ORDER)) for kind in range(1, 6))
    )
    answer = b"\0" * 4 + nl.nested(2, nest, now, sums)
    read = wire.decode_server(answer, "ipv4", sums=True)
    assert isinstance(read, ServerRead)
    assert read.counters == Counters(
        active=3,
        inactive=4,
        persistent=5,
        connections=10**12 + 1,
        packets_in=10**12 + 2,
        packets_out=10**12 + 3,
        bytes_in=10**12 + 4,
        bytes_out=10**12 + 5,
    )
    without = wire.decode_server(answer, "ipv4")
    assert isinstance(without, ServerRead)
    assert without.counters == Counters(active=3, inactive=4, persistent=5)


@given(st.binary(max_size=200))
def test_strange_bytes_give_a_reason(data: bytes) -> None:
    """Whatever arrives, decoding ends in a value or in a reason, never in another error."""
    for read in (
        wire.decode_service(data),
        wire.decode_server(data, "ipv4", sums=True),
        settings.decode_timeouts(data),
        settings.decode_info(data),
        settings.decode_daemon(data),
    ):
        assert not isinstance(read, Malformed) or read.reason


@given(services(), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_damaged_services_give_a_reason(service: VirtualService, at: int, junk: bytes) -> None:
    """An answer with some bytes overwritten or cut is a value or a reason."""
    good = payload(wire.encode(AddService(service))[0])
    damaged = good[:at] + junk + good[at + len(junk) :]
    for data in (damaged, good[:at]):
        read = wire.decode_service(data)
        assert isinstance(read, ServiceRead | Malformed)


def test_time_outs_and_information() -> None:
    """Seconds in the order tcp, tcpfin, udp; the version as ipvsadm prints it."""
    timeouts = Timeouts(tcp=900, tcpfin=120, udp=300)
    assert settings.decode_timeouts(payload(settings.set_timeouts(timeouts))) == timeouts
    information = b"\0" * 4 + nl.u32(1, 0x010201) + nl.u32(2, 4096)
    assert settings.decode_info(information) == Info(version="1.2.1", connection_table=4096)
    assert isinstance(settings.decode_info(b""), Malformed)


@pytest.mark.parametrize("group", [None, "224.0.0.81", "ff02::81"])
def test_synchronisation_threads_come_back(group: str | None) -> None:
    """A thread with all its settings is read as it was sent."""
    daemon = SyncDaemon(master=True, interface="eth1", id=7, max_length=1400, group=group, port=8848, ttl=4)
    assert settings.decode_daemon(payload(settings.start_daemon(daemon))) == daemon
    assert settings.stop_daemon(daemon).command == 10
