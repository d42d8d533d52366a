"""The kernel's own table: what is written is read back, by us, by ipvsadm and by pyroute2."""

import asyncio
import errno
import socket
import subprocess
import time

import pytest

from hactl.ipvs import plan, words
from hactl.ipvs.kernel import Kernel
from hactl.ipvs.model import (
    DestinationKey,
    Entry,
    Persistence,
    RealServer,
    ServiceKey,
    Table,
    Tunnel,
    VirtualService,
)
from hactl.ipvs.ops import AddServer, AddService, DeleteServer, DeleteService, SetServer, SetService
from hactl.ipvs.schedulers import SCHEDULERS, SchedulerFlag, flag_words
from hactl.ipvs.spec import Forward, Protocol, TunnelType
from support.ipvs_build import entry, key, real
from support.ipvs_namespace import ipvsadm

FALLBACK_AND_PORT = SchedulerFlag.FALLBACK | SchedulerFlag.PORT


def at4(port: int, protocol: Protocol = Protocol.TCP) -> ServiceKey:
    """An IPv4 service."""
    return ServiceKey(protocol=protocol, address="10.1.1.1", port=port)


def at6(port: int) -> ServiceKey:
    """An IPv6 service."""
    return ServiceKey(family="ipv6", protocol=Protocol.TCP, address="fd00::1", port=port)


def filled(service: VirtualService, *servers: RealServer) -> Entry:
    """A service with these servers."""
    return Entry(service=service, servers={server.key: server for server in servers})


def schedulers() -> list[Entry]:
    """A service for every scheduler that the lab kernel has, with two servers."""
    names = [name for name in SCHEDULERS if name != "twos"]
    return [
        entry(real(1, weight=3), real(2, weight=0), scheduler=name, at=at4(port))
        for port, name in enumerate(names, 1000)
    ]


def forwards() -> list[Entry]:
    """Every forwarding method and tunnel, thresholds, and IPv6 servers of IPv4 services and the other way round."""
    four, six = DestinationKey("10.0.0.1", 80), DestinationKey("fd00::2", 80)
    tunnels = [
        Tunnel(),
        Tunnel(type=TunnelType.GUE, port=6080),
        Tunnel(type=TunnelType.GRE),
        Tunnel(type=TunnelType.GUE, port=6081, flags=1),
    ]
    return [
        filled(
            VirtualService(key=at4(1), scheduler="wlc"),
            RealServer(key=DestinationKey("10.0.0.1", 8080), forward=Forward.NAT, weight=65535),
            RealServer(key=DestinationKey("10.0.0.2", 80), forward=Forward.DR, upper=100, lower=50),
        ),
        *(
            filled(
                VirtualService(key=at4(port), scheduler="wlc"),
                RealServer(key=four, forward=Forward.TUN, tunnel=tunnel),
            )
            for port, tunnel in enumerate(tunnels, 2)
        ),
        filled(
            VirtualService(key=at6(1), scheduler="wlc"),
            RealServer(key=six, forward=Forward.DR),
            RealServer(key=four, forward=Forward.TUN, tunnel=Tunnel()),
        ),
        filled(
            VirtualService(key=at4(20), scheduler="wlc"),
            RealServer(key=six, forward=Forward.TUN, tunnel=Tunnel()),
        ),
    ]


def services() -> list[Entry]:
    """Protocols, marks, persistence with masks of both families, flags, one-packet, engine, port 0."""
    return [
        filled(VirtualService(key=at4(53, Protocol.UDP), scheduler="rr", one_packet=True)),
        filled(VirtualService(key=at4(7, Protocol.SCTP), scheduler="rr")),
        filled(
            VirtualService(key=at4(5060, Protocol.UDP), scheduler="rr", engine="sip", persistence=whole())
        ),
        filled(VirtualService(key=at4(0), scheduler="rr", persistence=whole())),
        filled(VirtualService(key=ServiceKey(fwmark=7), scheduler="rr", persistence=whole(24))),
        filled(
            VirtualService(key=ServiceKey(family="ipv6", fwmark=7), scheduler="rr", persistence=whole(64))
        ),
        filled(VirtualService(key=at4(90), scheduler="mh", flags=FALLBACK_AND_PORT)),
        filled(
            VirtualService(key=at6(90), scheduler="sh", flags=SchedulerFlag.FALLBACK, persistence=whole(128))
        ),
    ]


def whole(netmask: int = 32) -> Persistence:
    """Persistence of five minutes."""
    return Persistence(timeout=300, netmask=netmask)


def wide_table() -> dict[ServiceKey, Entry]:
    """Everything that the table can hold, at once."""
    return {entry.service.key: entry for entry in (*schedulers(), *forwards(), *services())}


def saved(table: Table) -> set[str]:
    """What `ipvsadm -Sn` prints for a table, as it prints it."""
    lines = set()
    for at, held in table.items():
        lines.add(service_line(held.service))
        lines.update(server_line(at, server) for server in held.servers.values())
    return lines


LETTERS = {Protocol.TCP: "-t", Protocol.UDP: "-u", Protocol.SCTP: "--sctp-service"}


def place(at: ServiceKey) -> str:
    """The service as ipvsadm names it."""
    if at.fwmark:
        return f"-f {at.fwmark}" + (" -6" if at.family == "ipv6" else "")
    return f"{LETTERS[at.protocol or Protocol.TCP]} {DestinationKey(at.address, at.port)}"


def service_line(service: VirtualService) -> str:
    """One line for a service."""
    line = f"-A {place(service.key)} -s {service.scheduler}"
    persistence = service.persistence
    if persistence is not None and persistence.netmask is not None:
        line += f" -p {persistence.timeout}"
        if service.key.family == "ipv6" and persistence.netmask != 128:
            line += f" -M {persistence.netmask}"
        elif service.key.family == "ipv4" and persistence.netmask != 32:
            line += " -M 255.255.255.0"
    if service.engine:
        line += f" --pe {service.engine}"
    if service.one_packet:
        line += " -o"
    flags = flag_words(service.scheduler, service.flags)
    return f"{line} -b {','.join(flags)}" if flags else line


def server_line(at: ServiceKey, server: RealServer) -> str:
    """One line for a server; thresholds are not in it."""
    letter = {Forward.NAT: "-m", Forward.DR: "-g", Forward.TUN: "-i"}[server.forward or Forward.NAT]
    line = f"-a {place(at)} -r {server.key} {letter} -w {server.weight}"
    tunnel = server.tunnel
    if tunnel is None:
        return line
    line += f" --tun-type {tunnel.type}"
    if tunnel.type is TunnelType.IPIP:
        return line
    if tunnel.type is TunnelType.GUE:
        line += f" --tun-port {tunnel.port}"
    return line + (" --tun-csum" if tunnel.flags else " --tun-nocsum")


async def test_everything_is_read_back_as_written(kernel: Kernel) -> None:
    """A table with every kind of field comes back equal, and as the lines that ipvsadm would save."""
    wide = wide_table()
    assert await kernel.apply(plan.diff({}, wide, ())) == ()
    read = await kernel.read()
    assert read.faults == ()
    assert read.table == wide
    assert plan.diff(read.table, wide, wide) == ()
    assert {line.strip() for line in ipvsadm("-Sn")} == saved(wide)


async def test_every_field_changes_in_place(kernel: Kernel) -> None:
    """From any table to any other: a set operation takes every field, the engine and flags included."""
    bare = VirtualService(key=at4(1), scheduler="wlc")
    other = VirtualService(
        key=at4(1),
        scheduler="mh",
        flags=FALLBACK_AND_PORT,
        persistence=whole(24),
        one_packet=True,
        engine="sip",
    )
    first = RealServer(key=DestinationKey("10.0.0.1", 80), forward=Forward.NAT)
    second = RealServer(
        key=first.key,
        forward=Forward.TUN,
        weight=9,
        upper=8,
        lower=7,
        tunnel=Tunnel(type=TunnelType.GUE, port=99),
    )
    await kernel.apply((AddService(bare), AddServer(at4(1), first)))
    there = (SetService(other, bare), SetServer(at4(1), second, first))
    assert await kernel.apply(there) == ()
    assert (await kernel.read()).table == {at4(1): filled(other, second)}
    back = (SetService(bare, other), SetServer(at4(1), first, second))
    assert await kernel.apply(back) == ()
    assert (await kernel.read()).table == {at4(1): filled(bare, first)}


async def test_refusals_are_values_and_the_rest_is_done(kernel: Kernel) -> None:
    """Errors inside a batch name their operation; what comes after is performed."""
    twos = VirtualService(key=at4(2), scheduler="twos")
    six = RealServer(key=DestinationKey("fd00::2", 80), forward=Forward.DR)
    odd = RealServer(key=DestinationKey("10.0.0.9", 80), forward=Forward.DR, upper=5, lower=6)
    service = VirtualService(key=at4(1), scheduler="rr")
    ops = (
        AddService(twos),
        AddService(service),
        AddService(service),
        AddServer(at4(1), six),
        AddServer(at4(1), odd),
        DeleteServer(at4(1), real(1)),
        SetServer(at4(1), real(1), real(1)),
        DeleteService(at4(3)),
        AddServer(at4(3), real(1)),
        AddServer(at4(1), real(1)),
        AddServer(at4(1), real(1)),
    )
    refusals = await kernel.apply(ops)
    assert [(ops.index(refusal.op), refusal.code) for refusal in refusals] == [
        (0, errno.ENOENT),
        (1, errno.EEXIST),
        (3, errno.EINVAL),
        (4, errno.ERANGE),
        (5, errno.ENOENT),
        (6, errno.ENOENT),
        (7, errno.ESRCH),
        (8, errno.ESRCH),
        (9, errno.EEXIST),
    ]
    assert (await kernel.read()).table == {at4(1): entry(real(1), scheduler="rr", at=at4(1))}
    hints = [words.refusal(refusal.op, refusal.code, refusal.text) for refusal in refusals]
    assert "modprobe ip_vs_twos" in hints[0]
    assert "forward: tun only" in hints[2]


async def test_a_server_at_weight_0_takes_its_place(kernel: Kernel) -> None:
    """The two commands of one operation leave the server at weight 0."""
    table = {key(): entry(real(1, weight=0), scheduler="mh")}
    held = table[key()]
    placed = {key(): Entry(service=held.service, servers=held.servers, places={real(1).key: 4})}
    assert await kernel.apply(plan.diff({}, placed, ())) == ()
    assert (await kernel.read()).table == table


async def test_reading_some_services_only(kernel: Kernel) -> None:
    """Servers of services that nobody asks for are not read."""
    table = {at4(port): entry(real(1), at=at4(port)) for port in (1, 2)}
    await kernel.apply(plan.diff({}, table, ()))
    read = (await kernel.read({at4(1)})).table
    assert (len(read[at4(1)].servers), len(read[at4(2)].servers)) == (1, 0)


def test_pyroute2_reads_the_same() -> None:
    """An independent decoder sees the addresses, ports, weights and methods that were written."""
    from pyroute2 import IPVS

    wide = {at: held for at, held in wide_table().items() if at.family == "ipv4" and not at.fwmark}

    async def write() -> None:
        kernel = Kernel()
        assert await kernel.apply(plan.diff({}, wide, ())) == ()
        kernel.close()

    asyncio.run(write())
    seen = set()
    with IPVS() as ipvs:
        for message in ipvs.service("dump"):
            service = message.get_nested("IPVS_CMD_ATTR_SERVICE")
            address, port = service.get("addr"), service.get("port")
            seen.add((address, port, service.get("sched_name")))
    wanted = {(at.address, at.port, held.service.scheduler) for at, held in wide.items()}
    assert seen == wanted


DATAGRAM = 65507
"""Bytes of the longest datagram of UDP over IPv4; 28 more with its headers."""
MANY = 2**32 // (DATAGRAM + 28) + 100


@pytest.mark.timeout(300)
async def test_counters_beyond_32_bits(kernel: Kernel) -> None:
    """More than 4 GiB pass to a server that throws them away: both the service and the server say how much, and so does
    ipvsadm."""
    make_a_way_to_nowhere()
    at, server = at4(9, Protocol.UDP), RealServer(key=DestinationKey("10.9.0.2", 9), forward=Forward.DR)
    table = {at: filled(VirtualService(key=at, scheduler="rr"), server)}
    assert await kernel.apply(plan.diff({}, table, ())) == ()
    begun = time.monotonic()
    await asyncio.to_thread(flood, at)
    print(f"{MANY} datagrams in {time.monotonic() - begun:.1f} s")
    deadline = time.monotonic() + 30
    while (counted := (await kernel.read(sums=True)).counters[at]).total.packets_in < MANY:
        assert time.monotonic() < deadline, counted
        await asyncio.sleep(0.5)
    bytes_in = MANY * (DATAGRAM + 28)
    assert bytes_in > 2**32
    assert (counted.total.connections, counted.total.packets_in, counted.total.bytes_in) == (
        1,
        MANY,
        bytes_in,
    )
    assert counted.servers[server.key].bytes_in == bytes_in
    shown = ipvsadm("-Ln", "--stats", "--exact")
    assert [line.split()[2:] for line in shown if "10.1.1.1:9" in line] == [
        ["1", str(MANY), "0", str(bytes_in), "0"]
    ]


def make_a_way_to_nowhere() -> None:
    """A device that takes packets of the greatest length and throws them away, and a neighbour on it."""
    for line in (
        "address add 10.1.1.1/32 dev lo",
        "link add away type dummy",
        "link set away mtu 65535 up",
        "address add 10.9.0.1/24 dev away",
        "neighbour add 10.9.0.2 lladdr 02:00:00:00:00:02 dev away",
    ):
        subprocess.run(["ip", *line.split()], check=True, timeout=60)


def flood(at: ServiceKey) -> None:
    """So many datagrams from one port, in this thread's namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect((at.address, at.port))
        text = bytes(DATAGRAM)
        for _ in range(MANY):
            link.send(text)


@pytest.mark.timeout(300)
async def test_a_thousand_servers(kernel: Kernel) -> None:
    """They are written, changed, read and removed in batches, and the loop turns meanwhile."""
    servers = [
        RealServer(key=DestinationKey(f"10.2.{number >> 8}.{number & 255}", 80), forward=Forward.DR)
        for number in range(1000)
    ]
    table = {key(): entry(*servers)}
    heavier = {key(): entry(*(RealServer(key=s.key, forward=s.forward, weight=5) for s in servers))}
    longest = await longest_stall(through(kernel, [table, heavier, {key(): entry()}]))
    print(f"longest stall {longest * 1000:.0f} ms")
    assert longest < 1.0


async def through(kernel: Kernel, tables: list[dict[ServiceKey, Entry]]) -> None:
    """Takes the kernel's table through these in turn, and reads each back."""
    loop = asyncio.get_running_loop()
    held: Table = {}
    for table in tables:
        started = loop.time()
        assert await kernel.apply(plan.diff(held, table, ())) == ()
        written = loop.time()
        held = (await kernel.read()).table
        print(f"written in {written - started:.3f} s, read in {loop.time() - written:.3f} s")
        assert held == table


async def longest_stall(work: object) -> float:
    """The longest time in seconds that the loop did not turn while the work ran."""
    loop = asyncio.get_running_loop()
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    watching = asyncio.create_task(watch())
    await work  # type: ignore[misc]
    watching.cancel()
    return longest
