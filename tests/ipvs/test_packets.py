"""Every scheduler, forwarding method, protocol and address family with real packets, counted where they arrived."""

import asyncio
import contextlib
import ftplib
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl import modules
from hactl.ipvs.schedulers import SCHEDULERS
from support.daemon import wait_until
from support.ipvs_packets import OTHER_PORT, PORT, SERVERS, SIP_PORT, VIP4, VIP6, Arrival, Crossing, crossing

pytestmark = pytest.mark.timeout(300)
WEIGHTS = {"rs1": 1, "rs2": 2, "rs3": 3}
VIPS = {"ipv4": VIP4, "ipv6": VIP6}


@pytest.fixture(scope="module")
def built() -> Iterator[Crossing]:
    """The hosts serve all tests."""
    with crossing() as site:
        yield site


@pytest.fixture
def site(built: Crossing) -> Crossing:
    """The hosts, with nothing counted yet."""
    built.servers.arrived.clear()
    return built


def service(
    vip: str, *keys: str, forward: str = "nat", servers: str = "", name: str = "one", port: int = PORT
) -> str:
    """One service of the file."""
    quoted = f"'{vip}'"
    return (
        f"  {name}: {{address: {quoted}, port: {port}, forward: {forward}, check: port, servers: {{{servers}}}"
        + "".join(f", {key}" for key in keys)
        + "}\n"
    )


def three(site: Crossing, family: str = "ipv4", weights: bool = False) -> str:
    """All real servers with their addresses of a family, equal or weighing 1, 2 and 3."""
    return ", ".join(
        f"{name}: {{address: '{site.own(name)[family == 'ipv6']}', weight: {WEIGHTS[name] if weights else 1}}}"
        for name in SERVERS
    )


def put(site: Crossing, *services: str) -> None:
    """These services and no others; nothing may be refused."""
    assert site.serve("services:\n" + "".join(services)) == []


def by_server(found: Counter[Arrival]) -> dict[str, int]:
    """How many each server answered."""
    counts = dict.fromkeys(SERVERS, 0)
    for arrival, count in found.items():
        counts[arrival.server] += count
    return counts


def held(site: Crossing, count: int, vip: str = VIP4) -> tuple[dict[str, int], contextlib.ExitStack]:
    """So many connections at once: where they are, and what ends them."""
    stack = contextlib.ExitStack()
    found: Counter[Arrival] = Counter()
    for _ in range(count):
        found[stack.enter_context(site.call("tcp", vip)).arrival] += 1
    return by_server(found), stack


# ---- schedulers -----------------------------------------------------------------------------------------------------

ONE_AFTER_ANOTHER = {
    "rr": (9, {"rs1": 3, "rs2": 3, "rs3": 3}),
    "wrr": (12, {"rs1": 2, "rs2": 4, "rs3": 6}),
    "fo": (5, {"rs1": 0, "rs2": 0, "rs3": 5}),
}
AT_ONCE = {
    "lc": (9, {"rs1": 3, "rs2": 3, "rs3": 3}),
    "wlc": (12, {"rs1": 2, "rs2": 4, "rs3": 6}),
    "sed": (12, {"rs1": 2, "rs2": 4, "rs3": 6}),
    "nq": (3, {"rs1": 1, "rs2": 1, "rs3": 1}),
    "ovf": (6, {"rs1": 1, "rs2": 2, "rs3": 3}),
}
TO_ONE = ("dh", "sh", "mh", "lblc", "lblcr")


def test_no_scheduler_is_forgotten() -> None:
    """All that the lab kernel has are in the tables of this file; it has no twos."""
    assert {*ONE_AFTER_ANOTHER, *AT_ONCE, *TO_ONE, "twos"} == set(SCHEDULERS)


@pytest.mark.parametrize("scheduler", ONE_AFTER_ANOTHER)
def test_schedulers_by_turn(site: Crossing, scheduler: str) -> None:
    """Connections one after another go round as the scheduler says, to the last one."""
    count, wanted = ONE_AFTER_ANOTHER[scheduler]
    put(site, service(VIP4, f"scheduler: {scheduler}", servers=three(site, weights=True)))
    assert by_server(site.ask("tcp", VIP4, count)) == wanted
    assert by_server(site.servers.arrived) == wanted, "counted where they arrived"


@pytest.mark.parametrize("scheduler", AT_ONCE)
def test_schedulers_by_load(site: Crossing, scheduler: str) -> None:
    """Connections that stay open are shared out by weight, or by what each may hold."""
    count, wanted = AT_ONCE[scheduler]
    put(site, service(VIP4, f"scheduler: {scheduler}", servers=three(site, weights=True)))
    found, ending = held(site, count)
    with ending:
        assert sum(found.values()) == count
        assert all(abs(found[name] - wanted[name]) <= 1 for name in SERVERS), found


@pytest.mark.parametrize("scheduler", TO_ONE)
def test_schedulers_by_place(site: Crossing, scheduler: str) -> None:
    """One client and one VIP: always the same server."""
    put(site, service(VIP4, f"scheduler: {scheduler}", servers=three(site)))
    assert sorted(by_server(site.ask("tcp", VIP4, 6)).values()) == [0, 0, 6]


@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_the_port_flag_spreads_one_client(site: Crossing, scheduler: str) -> None:
    """With the port in the hash, the connections of one client are spread."""
    flags = f"scheduler_flags: [{scheduler}-port]"
    put(site, service(VIP4, f"scheduler: {scheduler}", flags, servers=three(site)))
    found = by_server(site.ask("tcp", VIP4, 24))
    assert sum(count > 0 for count in found.values()) >= 2, found


@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_the_fallback_flag_loses_nothing(site: Crossing, scheduler: str) -> None:
    """The server that a client's place leads to stands at weight 0: its connections go elsewhere, none is lost."""
    put(site, service(VIP4, f"scheduler: {scheduler}", servers=three(site)))
    (first,) = (name for name, count in by_server(site.ask("tcp", VIP4, 2)).items() if count)
    drained = ", ".join(
        f"{name}: {{address: {site.own(name)[0]}, weight: {int(name != first)}}}" for name in SERVERS
    )
    put(site, service(VIP4, f"scheduler: {scheduler}", servers=drained))
    found = by_server(site.ask("tcp", VIP4, 6))
    assert (found[first], sum(found.values())) == (0, 6)


@pytest.mark.parametrize("scheduler", ["mh", "sh"])
def test_one_order_whatever_came_before(site: Crossing, scheduler: str) -> None:
    """A director that got its servers one by one sends each client where one that was just started sends it."""
    flags = f"scheduler_flags: [{scheduler}-port]"
    whole = three(site, weights=True)
    put(site, service(VIP4, f"scheduler: {scheduler}", flags, servers=whole))
    fresh = places(site)
    assert len(set(fresh)) == len(SERVERS)
    first, second, third = (
        f"{name}: {{address: {site.own(name)[0]}, weight: {WEIGHTS[name]}}}" for name in SERVERS
    )
    for before in (f"{first}, {third}", f"{second}, {third}", third):
        put(site, service(VIP4, f"scheduler: {scheduler}", flags, servers=before))
        assert (
            site.serve(
                "services:\n" + service(VIP4, f"scheduler: {scheduler}", flags, servers=whole), anew=False
            )
            == []
        )
        assert places(site) == fresh, before


def test_a_move_ends_no_connection(site: Crossing) -> None:
    """A server that enters in the middle moves the others: what is open goes on, and is not ended for having no server."""
    keys = ("scheduler: sh", "scheduler_flags: [sh-port]")
    outer = ", ".join(f"{name}: {site.own(name)[0]}" for name in ("rs1", "rs3"))
    put(site, service(VIP4, *keys, servers=outer))
    with contextlib.ExitStack() as stack:
        calls = [stack.enter_context(site.call("tcp", VIP4)) for _ in range(8)]
        assert {call.arrival.server for call in calls} == {"rs1", "rs3"}
        assert site.serve("services:\n" + service(VIP4, *keys, servers=three(site)), anew=False) == []
        for call in calls:
            call.say(b"still there?")
        wait_until(lambda: not any(call.unheard for call in calls), 15.0)
    with site.net.inside("lb1"):
        assert Path("/proc/sys/net/ipv4/vs/expire_nodest_conn").read_text().strip() == "1"


def places(site: Crossing) -> list[str]:
    """Which server answers each of a client's ports."""
    found = []
    for port in range(20001, 20033):
        with site.call("tcp", VIP4, source=(site.net.address("client"), port)) as call:
            found.append(call.arrival.server)
    return found


# ---- forwarding, protocol, family --------------------------------------------------------------------------------------

WAYS = {
    ("nat", "ipv4"): ("nat", "", "eth0"),
    ("nat", "ipv6"): ("nat", "", "eth0"),
    ("dr", "ipv4"): ("dr", "", "eth0"),
    ("dr", "ipv6"): ("dr", "", "eth0"),
    ("ipip", "ipv4"): ("tun", "tun: {type: ipip}", "tunl0"),
    ("ipip", "ipv6"): ("tun", "tun: {type: ipip}", "ip6tnl0"),
    ("gre", "ipv4"): ("tun", "tun: {type: gre}", "gre0"),
    ("gre", "ipv6"): ("tun", "tun: {type: gre}", "ip6gre0"),
    ("gue", "ipv4"): ("tun", "tun: {type: gue, port: 6080}", "tunl0"),
    ("gue", "ipv6"): ("tun", "tun: {type: gue, port: 6080}", "ip6tnl0"),
}


@pytest.mark.parametrize("protocol", ["tcp", "udp", "sctp"])
@pytest.mark.parametrize(("way", "family"), WAYS)
def test_every_way(site: Crossing, way: str, family: str, protocol: str) -> None:
    """Evenly to all three, for the server's own address with nat, for the VIP else, and out of the tunnel if any."""
    forward, tunnel, device = WAYS[way, family]
    vip = VIPS[family]
    keys = [f"protocol: {protocol}", "scheduler: rr", *([tunnel] if tunnel else [])]
    put(site, service(vip, *keys, forward=forward, servers=three(site, family)))
    before = {name: site.received(name, device) for name in SERVERS}
    answered = site.ask(protocol, vip, 6)
    at = {name: site.own(name)[family == "ipv6"] if forward == "nat" else vip for name in SERVERS}
    assert answered == {Arrival(name, at[name]): 2 for name in SERVERS}
    assert site.servers.arrived == answered
    assert all(site.received(name, device) - before[name] >= 2 for name in SERVERS)


@pytest.mark.parametrize(("family", "device"), [("ipv4", "ip6tnl0"), ("ipv6", "sit0")])
def test_a_tunnel_leads_to_the_other_family(site: Crossing, family: str, device: str) -> None:
    """IPv6 real servers behind an IPv4 service, and the other way round."""
    vip, other = VIPS[family], "ipv6" if family == "ipv4" else "ipv4"
    put(site, service(vip, "scheduler: rr", forward="tun", servers=three(site, other)))
    before = {name: site.received(name, device) for name in SERVERS}
    assert site.ask("tcp", vip, 6) == {Arrival(name, vip): 2 for name in SERVERS}
    assert all(site.received(name, device) > before[name] for name in SERVERS)


# ---- persistence, marks, limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", VIPS)
def test_persistence_by_network(site: Crossing, family: str) -> None:
    """Clients of one network go to one server, those of another to the next."""
    vip, mask = VIPS[family], 24 if family == "ipv4" else 64
    put(
        site,
        service(
            vip,
            "scheduler: rr",
            f"persistence: {{timeout: 5m, netmask: {mask}}}",
            servers=three(site, family),
        ),
    )
    source = "10.99.{}.{}" if family == "ipv4" else "fd99:0:0:{}::{}"
    first = [site.ask("tcp", vip, 3, source=source.format(1, host)) for host in (5, 6)]
    second = site.ask("tcp", vip, 3, source=source.format(2, 5))
    assert first[0] == first[1]
    assert len(first[0]) == len(second) == 1
    assert first[0] != second


def test_every_port_goes_to_one_server(site: Crossing) -> None:
    """Port 0 with persistence: whatever port a client asks, its server stays the same and keeps the port."""
    put(site, service(VIP4, "scheduler: rr", "persistence: 5m", servers=three(site), port=0))
    found = [site.ask("tcp", VIP4, 2, port=port, source="10.99.1.5") for port in (PORT, OTHER_PORT)]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_the_sip_engine_follows_the_call(site: Crossing) -> None:
    """Datagrams with one Call-ID go to one server from whatever port; another call goes on to the next."""
    keys = ("protocol: udp", "scheduler: rr", "persistence: {timeout: 5m, engine: sip}")
    put(site, service(VIP4, *keys, servers=three(site), port=SIP_PORT))

    def invite(call: str) -> str:
        text = f"INVITE sip:a@example.org SIP/2.0\r\nCall-ID: {call}@example.org\r\nCSeq: 1 INVITE\r\n\r\n"
        return site.say(VIP4, SIP_PORT, text.encode()).server

    one, other = {invite("first") for _ in range(4)}, {invite("second") for _ in range(4)}
    assert (len(one), len(other)) == (1, 1)
    assert one != other


def test_one_packet_scheduling(site: Crossing) -> None:
    """From one port: with one_packet each datagram goes round, without it all go to one server."""
    for one_packet, wanted in ((True, [2, 2, 2]), (False, [0, 0, 6])):
        site.servers.arrived.clear()
        keys = ("protocol: udp", "scheduler: rr", f"one_packet: {str(one_packet).lower()}")
        put(site, service(VIP4, *keys, forward="dr", servers=three(site)))
        datagrams(site, 6)
        assert sorted(by_server(site.servers.arrived).values()) == wanted


def datagrams(site: Crossing, count: int) -> None:
    """From one socket, each answered before the next."""
    with site.net.inside("client"):
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with link:
        link.settimeout(20)
        for _ in range(count):
            link.sendto(b"?", (VIP4, PORT))
            link.recv(100)


@pytest.mark.parametrize("family", VIPS)
def test_firewall_marks(site: Crossing, family: str) -> None:
    """Two ports with one mark are one service."""
    program, vip = ("iptables-legacy", VIP4) if family == "ipv4" else ("ip6tables-legacy", VIP6)
    rule = ("PREROUTING", "-t", "mangle", "-d", vip, "-p", "tcp", "-j", "MARK", "--set-mark", "7")
    site.net.run("lb1", program, "-A", *rule)
    try:
        marked = f"fwmark: 7, family: {family}, scheduler: rr, forward: dr, check: port"
        put(site, f"  one: {{{marked}, servers: {{{three(site, family)}}}}}\n")
        found = site.ask("tcp", vip, 3, port=PORT) + site.ask("tcp", vip, 3, port=OTHER_PORT)
        assert by_server(found) == dict.fromkeys(SERVERS, 2)
    finally:
        site.net.run("lb1", program, "-D", *rule)


def test_ranges_of_addresses_and_ports(site: Crossing) -> None:
    """One rule marks a range of VIPs and a range of ports: all of them are one service, each with its own port."""
    both = "10.99.0.100/31"
    rule = ("PREROUTING", "-t", "mangle", "-d", both, "-p", "tcp", "--dport", f"{PORT}:{OTHER_PORT}")
    mark = ("-j", "MARK", "--set-mark", "9")
    site.net.ip("lb1", "address add 10.99.0.101/32 dev eth0")
    site.net.run("lb1", "iptables-legacy", "-A", *rule, *mark)
    try:
        put(
            site,
            f"  one: {{fwmark: 9, family: ipv4, scheduler: rr, forward: nat, check: port, servers: {{{three(site)}}}}}\n",
        )
        asked = [(vip, port) for vip in (VIP4, "10.99.0.101") for port in (PORT, OTHER_PORT)]
        found = sum((site.ask("tcp", vip, 3, port=port) for vip, port in asked), Counter[Arrival]())
        assert by_server(found) == dict.fromkeys(SERVERS, 4)
        with pytest.raises(ConnectionRefusedError):
            site.call("tcp", VIP4, OTHER_PORT + 1)
    finally:
        site.net.run("lb1", "iptables-legacy", "-D", *rule, *mark)
        site.net.ip("lb1", "address del 10.99.0.101/32 dev eth0")


def test_thresholds_of_connections(site: Crossing) -> None:
    """No server takes more than `upper`; one more is refused; below `lower` they take some again."""
    limited = ", ".join(
        f"{name}: {{address: {site.own(name)[0]}, connections: {{upper: 2, lower: 1}}}}" for name in SERVERS
    )
    put(site, service(VIP4, "scheduler: lc", servers=limited))
    found, ending = held(site, 6)
    assert found == dict.fromkeys(SERVERS, 2)
    with pytest.raises(ConnectionRefusedError):
        site.call("tcp", VIP4)
    ending.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            site.call("tcp", VIP4).close()
            return
        time.sleep(0.5)
    raise AssertionError("no server takes connections again")


def test_counters_say_what_passed(site: Crossing) -> None:
    """Packets in are counted by the service that took them."""
    put(
        site,
        service(VIP4, "protocol: udp", "scheduler: rr", servers=three(site)),
        service(VIP6, "protocol: udp", "scheduler: rr", servers=three(site, "ipv6"), name="six"),
    )
    site.ask("udp", VIP4, 5)
    deadline = time.monotonic() + 30
    while sum(site.packets().values()) < 5 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert {key.address: packets for key, packets in site.packets().items()} == {VIP4: 5, VIP6: 0}


def test_what_the_kernel_refuses_is_said(site: Crossing) -> None:
    """A scheduler that it lacks: in words, with the service and what to do; the other service works."""
    refused = site.serve(
        "services:\n"
        + service(VIP4, "scheduler: twos", servers=three(site))
        + service(VIP4, "scheduler: rr", servers=three(site), name="two", port=OTHER_PORT)
    )
    assert refused
    assert "no scheduler 'twos': modprobe ip_vs_twos shows why" in refused[0]
    assert by_server(site.ask("tcp", VIP4, 3, port=OTHER_PORT)) == dict.fromkeys(SERVERS, 1)


@pytest.mark.parametrize("passive", [True, False], ids=["passive", "active"])
def test_ftp_by_nat(site: Crossing, passive: bool, tmp_path: Path) -> None:
    """A real FTP server behind the VIP: its data connections find their way, whoever opens them."""
    put(site, service(VIP4, "scheduler: rr", servers=f"rs1: {site.own('rs1')[0]}", port=21))
    with site.net.inside("lb1"):
        assert asyncio.run(modules.load("ip_vs_ftp"))
    with vsftpd(site, tmp_path), site.net.inside("client"), ftplib.FTP(timeout=20) as client:
        client.connect(VIP4, 21)
        client.login()
        client.set_pasv(passive)
        said: list[bytes] = []
        client.retrbinary("RETR hello", said.append)
        assert b"".join(said) == b"hello\n"
        if passive:
            assert client.makepasv()[0] == VIP4


@contextlib.contextmanager
def vsftpd(site: Crossing, folder: Path) -> Iterator[None]:
    """Debian's FTP server on rs1, for anybody."""
    root, empty = folder / "root", folder / "empty"
    for each in (root, empty):
        each.mkdir()
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)
    (root / "hello").write_text("hello\n")
    keys = {"listen": "YES", "anonymous_enable": "YES", "no_anon_password": "YES", "anon_root": root,
            "secure_chroot_dir": empty, "background": "NO", "seccomp_sandbox": "NO", "isolate": "NO",
            "isolate_network": "NO", "connect_from_port_20": "YES", "xferlog_enable": "NO"}  # fmt: skip
    config = folder / "vsftpd.conf"
    config.write_text("".join(f"{key}={value}\n" for key, value in keys.items()))
    running = site.net.start("rs1", "/usr/sbin/vsftpd", str(config))
    try:
        with site.net.inside("rs1"):
            wait_until(lambda: listens(site.own("rs1")[0], 21), 30.0)
        yield
    finally:
        running.terminate()
        running.wait(20)


def listens(address: str, port: int) -> bool:
    """Whether somebody takes connections there, asked from where this thread is."""
    with socket.socket() as link:
        return link.connect_ex((address, port)) == 0
