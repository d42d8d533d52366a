"""From a sound file to the specs of one director."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.spec import AddressSpec, Authentication, Family, Replay, Rollout, TrailerSpec, Transport
from failover.timing import automatic_lease, master_down, skew_time
from hactl.config.schema.check_forms import check_types
from hactl.ipvs.schedulers import SCHEDULERS, flags_named
from hactl.ipvs.spec import Forward, OnDown, SyncSpec, TunnelSpec, TunnelType
from hactl.processes.allowed import of_checks
from hactl.processes.messages import AllowPrograms, WithHosts
from hactl.processes.sharing import share
from health.spec import (
    AgentProbe,
    Convention,
    Damping,
    DnsProbe,
    FileProbe,
    FtpProbe,
    GrpcProbe,
    HttpProbe,
    ImapProbe,
    LdapProbe,
    MysqlProbe,
    Need,
    NntpProbe,
    NtpProbe,
    Origin,
    PingProbe,
    Pop3Probe,
    PostgresqlProbe,
    Probe,
    ProcessProbe,
    RadiusProbe,
    RedisProbe,
    ScriptProbe,
    SipProbe,
    SmtpProbe,
    SshProbe,
    TcpProbe,
    TlsSpec,
    UdpProbe,
)

Load = Callable[..., Any]


def router_text(*keys: str, directors: str = "{lb1: 10.77.0.11, lb2: 10.77.0.12, lb3: 10.77.0.13}") -> str:
    """A file with one router with further keys."""
    lines = "".join(f"    {key}\n" for key in keys)
    return (
        f"cluster: web\ndirectors: {directors}\nrouters:\n  web:\n    vrid: 51\n    interface: eth0\n{lines}"
        + ("" if any(key.startswith("addresses") for key in keys) else "    addresses: [10.77.0.100]\n")
    )


def service_text(*keys: str) -> str:
    """A file with one service with further keys; nat, without address and check unless given."""
    return (
        "cluster: web\ndirectors: {lb1: 10.77.0.11, lb2: 10.77.0.12}\n"
        "checks: {page: {type: http}, login: {type: ssh}}\n"
        "pools: {web: {servers: {rs1: 10.77.0.21}, check: login}}\n"
        "services:\n  www:\n    address: 10.77.0.100\n    port: 80\n"
        + "".join(f"    {key}\n" for key in keys)
    )


def test_defaults_of_a_router(load_text: Load) -> None:
    """What the file leaves out is as the design's table has it."""
    config = load_text(router_text(), node="lb2").config
    (router,) = config.failover.routers
    assert (router.version, router.transport, router.advert_interval) == (3, Transport.MULTICAST, 0.1)
    assert (router.preempt, router.preempt_delay, router.startup_delay, router.down_after) == (
        True,
        0.0,
        0.0,
        3,
    )
    assert (router.priority, router.lease, router.ttl_accept, router.source) == (140, 2, (255, 255), None)
    assert router.addresses == (AddressSpec(address="10.77.0.100", prefix=32, interface="eth0"),)
    assert [director.priority for director in config.directors] == [150, 140, 130]


def test_many_directors_keep_a_priority(load_text: Load) -> None:
    """Falling by ten never goes below one."""
    directors = "{" + ", ".join(f"lb{i}: 10.77.0.{i}" for i in range(1, 19)) + "}"
    config = load_text(router_text(directors=directors)).config
    assert [director.priority for director in config.directors][-4:] == [10, 1, 1, 1]


def test_each_director_sees_its_own(load_text: Load) -> None:
    """Interface, source, priority and peers are those of the director that reads the file."""
    text = router_text(
        "transport: unicast",
        "source: {lb2: 10.77.0.22}",
        "peers: {lb1: 10.99.0.1}",
        "priority: {lb2: 200}",
    ).replace("interface: eth0", "interface: {lb1: eth0, lb2: ens3, lb3: eno1}")
    (router,) = load_text(text, node="lb2").config.failover.routers
    assert (router.interface, router.addresses[0].interface, router.priority) == ("ens3", "ens3", 200)
    assert router.source == "10.77.0.22"
    assert [(peer.name, peer.address) for peer in router.peers] == [
        ("lb1", "10.99.0.1"),
        ("lb3", "10.77.0.13"),
    ]
    (other,) = load_text(text, node="lb3").config.failover.routers
    assert (other.interface, other.source) == ("eno1", None)


def test_ipv6_unicast(load_text: Load) -> None:
    """The family comes from the addresses; peers are the directors' addresses of it; any TTL of a listed peer."""
    directors = "{lb1: {addresses: [10.77.0.11, 'fd00::b']}, lb2: {addresses: ['FD00::C', 10.77.0.12]}}"
    text = router_text(
        "transport: unicast",
        "addresses: ['fd00:0::100', {address: 10.77.0.100/24, advertise: false, label: vip}]",
        directors=directors,
    )
    (router,) = load_text(text).config.failover.routers
    assert (router.family, router.ttl_accept) == (Family.IPV6, None)
    assert [peer.address for peer in router.peers] == ["fd00::c"]
    assert router.addresses == (
        AddressSpec(address="fd00::100", prefix=128, interface="eth0"),
        AddressSpec(address="10.77.0.100", prefix=24, interface="eth0", label="vip", advertise=False),
    )


def test_more_addresses_than_an_advert_holds(load_text: Load) -> None:
    """Those beyond 255 move along unadvertised, and check says so."""
    addresses = ", ".join(f"10.78.{i // 200}.{i % 200 + 1}" for i in range(300))
    loaded = load_text(router_text(f"addresses: [{addresses}]"))
    assert sum(address.advertise for address in loaded.config.failover.routers[0].addresses) == 255
    assert any("holds 255 addresses" in warning.message for warning in loaded.warnings)


def test_the_link_local_address_comes_first(load_text: Load) -> None:
    """RFC 9568 5.2.9: wherever the file has it, also behind more than an advert of IPv6 holds."""
    others = [f"2001:db8::{number}" for number in range(1, 101)]
    addresses = ", ".join(repr(address) for address in (*others, "fe80::99/64", "2001:db8::200"))
    (router,) = load_text(router_text(f"addresses: [{addresses}]")).config.failover.routers
    assert [vip.address for vip in router.addresses] == ["fe80::99", *others, "2001:db8::200"]
    assert router.addresses[0].advertise


@pytest.mark.parametrize(
    ("keys", "lease"),
    [((), 2), (("advert_interval: 1s",), 6), (("version: 2",), 6), (("lease: off",), 0), (("lease: 5s",), 5)],
)
def test_lease(load_text: Load, keys: tuple[str, ...], lease: int) -> None:
    """auto follows the slowest peer; off is none; whole seconds are taken as they are."""
    assert load_text(router_text(*keys)).config.failover.routers[0].lease == lease


def test_more_leased_ipv6_addresses_than_can_be_renewed(load_text: Load) -> None:
    """200 on a host, in whatever routers; those without a lease are not renewed and do not count."""

    def faults(number: int, *keys: str) -> list[str]:
        addresses = ", ".join(f"'2001:db8::{at}'" for at in range(1, number + 1))
        return [one.message for one in load_text(router_text(f"addresses: [{addresses}]", *keys)).faults]

    assert faults(200) == faults(201, "lease: off") == []
    assert faults(201) == [
        "more than 200 IPv6 addresses with a lease cannot be renewed in time; write lease: off for some routers"
    ]


@given(st.integers(1, 255), st.integers(1, 4095), st.integers(1, 10))
def test_an_automatic_lease_outlives_the_peers(priority: int, centiseconds: int, down_after: int) -> None:
    """Whatever the times, the lease ends after the slowest peer took over, with a third to spare."""
    slowest = master_down(priority, centiseconds / 100, down_after)
    assert automatic_lease(slowest) >= max(2, 1.5 * slowest)
    assert 0 < skew_time(priority, centiseconds / 100) < centiseconds / 100


def test_precedence_of_checks(load_text: Load) -> None:
    """A server's check goes before the service's, and that before the pool's."""

    def names(*keys: str) -> list[str]:
        config = load_text(service_text("forward: nat", *keys)).config
        return [check.name for server in config.services[0].servers for check in server.checks]

    assert names("pool: web") == ["login"]
    assert names("pool: web", "check: page") == ["page"]
    assert names("check: page", "servers: {rs1: {address: 10.77.0.21, check: login}}") == ["login"]
    assert names("pool: web", "check: none") == []
    assert names("pool: web", "check: [page, {type: tcp}, {type: tcp, port: 81}]") == ["page", "tcp", "tcp-2"]


def test_equal_probes_are_one(load_text: Load) -> None:
    """Services that probe the same target alike share one spec, by its id."""
    text = service_text("forward: nat", "check: page", "servers: {rs1: 10.77.0.21}") + (
        "  two: {address: 10.77.0.101, port: 80, forward: nat, check: {type: http}, servers: {a: 10.77.0.21}}\n"
    )
    config = load_text(text).config
    assert len(config.checks) == 1
    assert {server.checks[0].id for service in config.services for server in service.servers} == {
        config.checks[0].id
    }


def test_probes(load_text: Load) -> None:
    """Each type of check becomes its probe, with the defaults of the design's table."""
    checks = (
        "[page, login, {type: tcp, send: a, expect: b, tls: true}, "
        "{type: https, host: www.example.org, status: [204, 300-399], interval: 300ms}]"
    )
    config = load_text(service_text("forward: nat", f"check: {checks}", "servers: {rs1: 10.77.0.21}")).config
    http, ssh, tcp, https = config.checks
    assert http.probe == HttpProbe(method="GET", path="/", host=None, status=((200, 399),))
    assert (http.interval, http.fast_interval, http.timeout, http.rise, http.fall) == (2.0, 0.5, 1.0, 2, 3)
    assert ssh.probe == SshProbe()
    assert tcp.probe == TcpProbe(send="a", expect="b", tls=TlsSpec())
    assert https.probe == HttpProbe(
        host="www.example.org", status=((204, 204), (300, 399)), tls=TlsSpec(name="www.example.org")
    )
    assert (https.fast_interval, https.timeout) == (0.3, 0.3)


FURTHER = [
    ("{type: smtp}", SmtpProbe()),
    ("{type: smtp, helo: lb.example.org, starttls: true}", SmtpProbe(helo="lb.example.org", starttls=TlsSpec())),
    ("{type: smtp, starttls: {name: mx.example.org}}", SmtpProbe(starttls=TlsSpec(name="mx.example.org"))),
    ("{type: smtp, tls: {verify: false}}", SmtpProbe(tls=TlsSpec(verify=False))),
    ("{type: dns}", DnsProbe(query=".", record="SOA", expect=(), tcp=False)),
    ("{type: dns, query: a.example.org, record: A, expect: [10.0.0.1], protocol: tcp}",
     DnsProbe(query="a.example.org", record="A", expect=("10.0.0.1",), tcp=True)),
    ("{type: udp, send: a, expect: b, expect_regex: c}", UdpProbe(send="a", expect="b", expect_regex="c")),
    ("{type: ftp}", FtpProbe()),
    ("{type: ftp, user: a, password_file: /p, starttls: true}",
     FtpProbe(user="a", password_file="/p", starttls=TlsSpec())),
    ("{type: imap, user: a, password_file: /p, tls: true}", ImapProbe(user="a", password_file="/p", tls=TlsSpec())),
    ("{type: pop3, starttls: {verify: false}}", Pop3Probe(starttls=TlsSpec(verify=False))),
    ("{type: nntp, tls: true}", NntpProbe(tls=TlsSpec())),
    ("{type: redis}", RedisProbe()),
    ("{type: redis, password_file: /p, role: replica, tls: true}",
     RedisProbe(password_file="/p", role="replica", tls=TlsSpec())),
    ("{type: ntp, max_stratum: 4}", NtpProbe(max_stratum=4)),
    ("{type: ldap}", LdapProbe()),
    ("{type: submission, user: a, password_file: /p, starttls: true}",
     SmtpProbe(user="a", password_file="/p", starttls=TlsSpec())),
    ("{type: sip, user: a, status: [200, 404], protocol: tcp, tls: true}",
     SipProbe(user="a", status=((200, 200), (404, 404)), protocol="tcp", tls=TlsSpec())),
    ("{type: radius, secret_file: /s, user: a, password_file: /p}",
     RadiusProbe(secret_file="/s", user="a", password_file="/p")),
    ("{type: grpc, service: a.B, tls: true}", GrpcProbe(service="a.B", tls=TlsSpec())),
    ("{type: ldap, bind_dn: cn=a, password_file: /p, base: dc=x, scope: sub, filter: (cn=a), starttls: true}",
     LdapProbe(bind_dn="cn=a", password_file="/p", base="dc=x", scope="sub", filter="(cn=a)", starttls=TlsSpec())),
    ("{type: mysql}", MysqlProbe()),
    ("{type: mysql, user: a, password_file: /p, database: d, query: SELECT 1, tls: true}",
     MysqlProbe(user="a", password_file="/p", database="d", query="SELECT 1", tls=TlsSpec())),
    ("{type: postgresql, user: a, query: SELECT 1}", PostgresqlProbe(user="a", query="SELECT 1")),
    ("{type: ping}", PingProbe()),
    ("{type: agent, port: 9999, send: 'www '}", AgentProbe(send="www ")),
    ("{type: script, command: [/x, -v]}", ScriptProbe(command=("/x", "-v"))),
    ("{type: script, command: [/x, -H, '{address}', 'x={port}'], convention: nagios, user: probe, port: 8080}",
     ScriptProbe(command=("/x", "-H", "10.77.0.21", "x=8080"), user="probe", convention=Convention.NAGIOS)),
    ("{type: script, command: [/m], convention: mon}", ScriptProbe(command=("/m",), convention=Convention.MON)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FURTHER)
def test_further_probes(load_text: Load, text: str, expected: Probe) -> None:
    """Each further type of check becomes its probe."""
    loaded = load_text(service_text("forward: nat", f"check: {text}", "servers: {rs1: 10.77.0.21}"))
    assert [check.probe for check in loaded.config.checks] == [expected]


def test_pings_of_one_server_are_one(load_text: Load) -> None:
    """A ping knows no port: one for all services of a server."""
    servers = "servers: {a: 10.77.0.21, b: {address: 10.77.0.21, port: 81}}"
    checks = load_text(service_text("forward: nat", "check: {type: ping}", servers)).config.checks
    assert [(check.address, check.port) for check in checks] == [("10.77.0.21", 0)]


PROGRAMS = """
cluster: web
directors: {lb1: {address: 10.77.0.11}, lb2: {address: 10.77.0.12}}
routers:
  web:
    vrid: 51
    interface: eth0
    addresses: [10.77.0.100]
    track:
      scripts: {disk: {command: [/disk], user: root, rise: 2, fall: 4, interval: 7s, timeout: 3s}}
      files: {load: {path: /run/load}}
      processes: {named: {command: named, at_least: 2, delay: 2500ms, weight: -5}}
      ping: {10.77.0.1: -60}
services:
  www:
    address: 10.77.0.100
    port: 80
    forward: nat
    check: [{type: script, command: [/m, -t], convention: mon}, {type: script, command: [/n, '{address}'], user: n}]
    servers: {a: 10.77.0.21, b: 10.77.0.22}
"""


def test_what_may_be_run(load_text: Load) -> None:
    """Every program as it stands, with its user; a monitor only with the servers that it checks."""
    assert of_checks(load_text(PROGRAMS).config) == AllowPrograms(
        ((("/n", "10.77.0.21"), "n"), (("/n", "10.77.0.22"), "n"), (("/disk",), "root")),
        (WithHosts(("/m", "-t"), "nobody", ("10.77.0.21", "10.77.0.22")),),
    )


def test_what_a_router_tracks_is_a_check(load_text: Load) -> None:
    """Each tracked object has the id of its check, with the counts and times that are asked for."""
    config = load_text(PROGRAMS).config
    checks = {check.id: check for check in config.checks}
    found = {
        tracked.name: (checks[tracked.id], tracked.weight) for tracked in config.failover.routers[0].track
    }
    assert list(found) == ["ping 10.77.0.1", "script disk", "file load", "process named"]
    assert {name: weight for name, (_, weight) in found.items()} == {
        "ping 10.77.0.1": -60, "script disk": 0, "file load": 1, "process named": -5,
    }  # fmt: skip
    script, _ = found["script disk"]
    assert (script.interval, script.timeout, script.rise, script.fall) == (7.0, 3.0, 2, 4)
    assert found["file load"][0].probe == FileProbe(path="/run/load")
    process, _ = found["process named"]
    assert process.probe == ProcessProbe(command="named", at_least=2)
    assert (process.interval, process.fall) == (1.0, 4), "gone at one look, and at each of the 2.5 s after it"


def test_monitors_go_to_one_worker(load_text: Load) -> None:
    """Checks that one call does together are shared out together."""
    checks = [check for check in load_text(PROGRAMS).config.checks if check.together]
    shares = [share(checks, number, 7) for number in range(7)]
    assert sorted(map(len, shares)) == [0] * 6 + [2]


def test_every_type_is_a_probe(load_text: Load) -> None:
    """No type of check is silently without effect: it has a probe."""
    needed = {"script": ", command: [/x]", "radius": ", secret_file: /s"}
    for kind in check_types():
        text = f"check: {{type: {kind}{needed.get(kind, '')}}}"
        config = load_text(service_text("forward: nat", text, "servers: {rs1: 10.77.0.21}")).config
        assert config.checks, kind


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{type: dns, query: a..b}", "is no name that DNS can ask for"),
        ("{type: dns, query: bücher.example}", "is no name that DNS can ask for"),
        ("{type: smtp, tls: true, starttls: true}", "tls and starttls exclude each other"),
        ("{type: smtp, starttls: {key_file: /k}}", "certificate_file and key_file belong together"),
        ("{type: imap, password_file: /p}", "needs user"),
        ("{type: smtp, starttls: yes}", "must be true, false or a mapping"),
    ],
)
def test_faults_of_further_checks(load_text: Load, check: str, message: str) -> None:
    """What such a check cannot be is a fault with its sentence."""
    loaded = load_text(service_text("forward: nat", f"check: {check}", "servers: {rs1: 10.77.0.21}"))
    assert any(message in fault.message for fault in loaded.faults), loaded.faults


def test_servers(load_text: Load) -> None:
    """Port, forwarding and tunnel come from the service where the server says nothing."""
    servers = "{a: 10.77.0.21, b: {address: 10.77.0.22, forward: nat, port: 8080, weight: 0}}"
    text = service_text("forward: tun", "tun: {type: gue, port: 6080}", "check: page", f"servers: {servers}")
    first, second = load_text(text).config.services[0].servers
    assert (first.port, first.forward, first.tunnel) == (
        80,
        Forward.TUN,
        TunnelSpec(type=TunnelType.GUE, port=6080),
    )
    assert (second.port, second.forward, second.tunnel, second.weight) == (8080, Forward.NAT, None, 0)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_schedulers(load_text: Load, scheduler: str) -> None:
    """Every scheduler of the kernel is known; mh and sh keep servers that are down at weight 0."""
    flags = [f"{scheduler}-port"] if scheduler in ("mh", "sh") else ["flag-1"]
    keys = ("forward: nat", "pool: web", f"scheduler: {scheduler}", f"scheduler_flags: [{', '.join(flags)}]")
    service = load_text(service_text(*keys)).config.services[0]
    assert service.on_down is (OnDown.QUIESCE if scheduler in ("mh", "sh") else OnDown.REMOVE)
    assert flags_named(scheduler, service.scheduler_flags)


def test_fwmark(load_text: Load) -> None:
    """A service by firewall mark has a family and no protocol."""
    text = service_text("forward: dr", "check: {type: tcp, port: 53}", "servers: {a: 'fd00::1'}").replace(
        "address: 10.77.0.100\n    port: 80", "fwmark: 7\n    family: ipv6"
    )
    service = load_text(text).config.services[0]
    assert (service.fwmark, service.family, service.protocol, service.address) == (7, "ipv6", None, None)


def test_a_director_as_real_server(load_text: Load) -> None:
    """Such a service is in the table only while the VIP is held, without being asked for."""
    text = service_text("forward: dr", "check: page", "servers: {a: 10.77.0.11, b: 10.77.0.12}")
    assert load_text(text).config.services[0].while_holding


def test_switches(load_text: Load) -> None:
    """Kernel switches are given as the kernel writes them; what is absent is left alone."""
    text = service_text("forward: nat", "pool: web") + "ipvs: {sloppy_tcp: true, sync_threshold: [3, 50]}\n"
    assert load_text(text).config.ipvs.switches == (("sloppy_tcp", "1"), ("sync_threshold", "3 50"))


def test_connection_synchronisation(load_text: Load) -> None:
    """It follows the router that is named, else the only one; where there are several, none; each has its interface."""
    assert load_text(router_text()).config.sync is None
    text = router_text() + "sync: {interface: {lb1: eth1, lb2: ens3, lb3: ens3}, id: 4}\n"
    assert load_text(text).config.sync == SyncSpec(interface="eth1", id=4, router="web")
    other = "  in: {vrid: 52, interface: eth1, addresses: [10.78.0.1]}\n"
    two = router_text() + other + "sync: {interface: eth1}\n"
    assert load_text(two).config.sync == SyncSpec(interface="eth1", router=None)
    assert (
        load_text(two.replace("{interface: eth1}\n", "{interface: eth1, router: in}\n")).config.sync.router
        == "in"
    )


def test_patience_of_a_check(load_text: Load) -> None:
    """Damping, back-off and dependencies: at the same server, at an address given, along a chain."""
    checks = (
        "checks: {page: {type: http, down_interval: 9s, damping: {falls: 2}, depends_on: host},\n"
        "  gate: {type: tcp, port: 7},\n"
        "  host: {type: tcp, port: 22, depends_on: {check: gate, address: 10.78.0.1, while_down: ignore}}}\n"
    )
    text = service_text("forward: nat", "check: page", "servers: {rs1: 10.77.0.21, rs2: 10.77.0.22}")
    text = text.replace("checks: {page: {type: http}, login: {type: ssh}}\n", checks).replace(
        ", check: login", ""
    )
    by_place = {(check.address, check.port): check for check in load_text(text).config.checks}
    assert sorted(by_place) == [
        ("10.77.0.21", 22),
        ("10.77.0.21", 80),
        ("10.77.0.22", 22),
        ("10.77.0.22", 80),
        ("10.78.0.1", 7),
    ]
    page, host, gate = by_place["10.77.0.21", 80], by_place["10.77.0.21", 22], by_place["10.78.0.1", 7]
    assert page.need == Need(check=host.id, root=gate.id, skip=True)
    assert host.need == Need(check=gate.id, root=gate.id, skip=False)
    assert (page.down_interval, page.damping) == (9.0, Damping(falls=2, within=300.0, hold=60.0))
    assert (gate.need, gate.damping, gate.down_interval) == (None, None, 0.0)


@pytest.mark.parametrize(
    ("node", "source", "interface"), [("lb1", "10.77.0.11", "eth1"), ("lb2", "10.77.0.12", "eth1")]
)
def test_where_probes_come_from(load_text: Load, node: str, source: str, interface: str) -> None:
    """Per director where the file says so; a check without is none of it."""
    keys = "{type: tcp, source: {lb1: 10.77.0.11, lb2: 10.77.0.12}, interface: eth1, mark: 7}"
    text = service_text("forward: nat", f"check: [{keys}, {{type: ssh}}]", "servers: {rs1: 10.77.0.21}")
    marked, plain = load_text(text, node).config.checks
    assert marked.origin == Origin(source=source, interface=interface, mark=7)
    assert plain.origin is None


def test_signed_adverts(load_text: Load) -> None:
    """What the file says of the trailer, and room for it in a packet of IPv6."""
    six = "addresses: [" + ", ".join(f"'2001:db8::{n:x}'" for n in range(1, 101)) + "]"
    plain = load_text(router_text(six), "lb1").config.failover.routers[0]
    assert (plain.trailer, sum(vip.advertise for vip in plain.addresses)) == (TrailerSpec(), 90)
    keys = "authentication: {type: hmac, key_file: /k, rollout: send, window: 9s}"
    signed = load_text(router_text(keys, six), "lb1").config.failover.routers[0]
    assert (signed.authentication, signed.authentication_file) == (Authentication.HMAC, "/k")
    assert signed.trailer == TrailerSpec(rollout=Rollout.SEND, replay=Replay.TIME, window=9.0)
    assert sum(vip.advertise for vip in signed.addresses) == 89
