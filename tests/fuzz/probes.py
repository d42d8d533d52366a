"""What probed servers answer as targets: each kind of probe, its answer in any pieces, to the end."""

from collections.abc import Callable
from typing import Any

import msgspec
from fuzz.grain import Grain

from health.conventions import mon, nagios
from health.dialogue import DatagramPlan, Farewell, Kit, Plan, Ran, StartTls
from health.result import PASSED, End, Reason, Result
from health.spec import (
    AgentProbe,
    BodyMatch,
    CheckSpec,
    DnsProbe,
    FtpProbe,
    GrpcProbe,
    HttpProbe,
    ImapProbe,
    LdapProbe,
    MysqlProbe,
    NntpProbe,
    NtpProbe,
    Pop3Probe,
    PostgresqlProbe,
    Probe,
    RadiusProbe,
    RedisProbe,
    SipProbe,
    SmtpProbe,
    SshProbe,
    TcpProbe,
    TlsSpec,
    UdpProbe,
)
from health.wire import (
    agent,
    dns,
    ftp,
    grpc,
    http,
    icmp,
    imap,
    ldap,
    mysql,
    nntp,
    ntp,
    pop3,
    postgresql,
    radius,
    redis,
    sip,
    smtp,
    ssh,
    tcp,
    udp,
)

_KIT = Kit(
    "hactl", "lb1", lambda pattern, data: pattern.search(data) is not None, bytes, {"/p": "secret"}.get
)
_HTTP = (
    HttpProbe(),
    HttpProbe(redirects=3),
    HttpProbe(body=BodyMatch(contains="ok")),
    HttpProbe(body=BodyMatch(regex="o+k"), redirects=1),
    HttpProbe(body=BodyMatch(sha256="0" * 64), method="HEAD"),
)
_TCP = (TcpProbe(expect="ok"), TcpProbe(expect_regex="^220 "), TcpProbe(expect="220", expect_regex="o+k"))
_TALKS: tuple[tuple[Callable[[CheckSpec, Any, Kit], Any], Probe], ...] = (
    (smtp.plan, SmtpProbe()),
    (smtp.plan, SmtpProbe(starttls=TlsSpec())),
    (ftp.plan, FtpProbe(user="a", password_file="/p", starttls=TlsSpec())),
    (imap.plan, ImapProbe(user="a", password_file="/p", starttls=TlsSpec())),
    (pop3.plan, Pop3Probe(user="a", password_file="/p", starttls=TlsSpec())),
    (nntp.plan, NntpProbe()),
    (redis.plan, RedisProbe(password_file="/p")),
    (sip.plan, SipProbe(protocol="tcp")),
    (grpc.plan, GrpcProbe(service="a")),
    (ldap.plan, LdapProbe(starttls=TlsSpec())),
    (ldap.plan, LdapProbe(base="dc=x")),
    (mysql.plan, MysqlProbe(user="a", password_file="/p", query="x")),
    (mysql.plan, MysqlProbe(tls=TlsSpec())),
    (postgresql.plan, PostgresqlProbe(user="a", password_file="/p", query="x")),
    (postgresql.plan, PostgresqlProbe(tls=TlsSpec())),
    (redis.plan, RedisProbe(role="master")),
    (dns.plan, DnsProbe(tcp=True)),
    (dns.plan, DnsProbe(tcp=True, query="a.example.org", record="MX", expect=("10 b",))),
    (agent.plan, AgentProbe(send="www")),
)
_DATAGRAMS: tuple[tuple[Callable[[CheckSpec, Any, Kit], Any], Probe], ...] = (
    (udp.plan, UdpProbe(expect="ok")),
    (udp.plan, UdpProbe(expect_regex="o+k")),
    (ntp.plan, NtpProbe()),
    (sip.plan, SipProbe()),
    (radius.plan, RadiusProbe(secret_file="/p", user="a", password_file="/p")),
    (dns.plan, DnsProbe()),
    (dns.plan, DnsProbe(query="a.example.org", record="TXT", expect=("ok",))),
)


def http_answer(data: bytes) -> None:
    """What a real server answers to the http probe."""
    grain = Grain(data)
    probe = grain.choice(_HTTP)
    _converse(grain, http.plan(_check(probe), probe, _KIT))


def ssh_answer(data: bytes) -> None:
    """What a real server says to the ssh probe."""
    probe = SshProbe()
    _converse(Grain(data), ssh.plan(_check(probe), probe, _KIT))


def tcp_answer(data: bytes) -> None:
    """What a real server says to the tcp probe."""
    grain = Grain(data)
    probe = grain.choice(_TCP)
    _converse(grain, tcp.plan(_check(probe), probe, _KIT))


def talk_answer(data: bytes) -> None:
    """What a real server says to the probes that talk in turns."""
    grain = Grain(data)
    plan, probe = grain.choice(_TALKS)
    _converse(grain, plan(_check(probe), probe, _KIT))


def datagram_answer(data: bytes) -> None:
    """What a real server says to the probes that talk in datagrams, and over TCP where it is truncated."""
    grain = Grain(data)
    plan, probe = grain.choice(_DATAGRAMS)
    made: DatagramPlan = plan(_check(probe), probe, _KIT)
    dialogue = made.dialogue()
    dialogue.begin()
    answer: bytes | End | Plan = b""
    while isinstance(answer, bytes) and grain.left:
        answer = dialogue.receive(grain.piece())
    if isinstance(answer, Plan):
        _converse(grain, answer)
        return
    end = dialogue.silence() if isinstance(answer, bytes) else answer
    assert len(end.detail) < 1000


def program_output(data: bytes) -> None:
    """What a program of the operator's wrote, by Nagios' and Mon's conventions; what comes of it can be sent on."""
    grain = Grain(data)
    status = grain.number() % 5
    ran = Ran(PASSED if status == 0 else End(Reason.PROGRAM_FAILED), status, grain.rest())
    hosts = ("10.77.0.21", "2001:db8::")
    for end in (nagios(ran), *mon(ran, hosts).values()):
        result = end.result(0.1)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=Result) == result


def echo_reply(data: bytes) -> None:
    """What comes to the sockets of pings, with the IP header of raw ones."""
    grain = Grain(data)
    how = grain.number()
    version = 6 if how & 1 else 4
    packet = grain.rest()
    echo = icmp.reply(version, icmp.without_ip_header(packet) if how & 2 else packet)
    assert echo is None or len(echo.token) == icmp.TOKEN


PROBES: tuple[Callable[[bytes], None], ...] = (
    http_answer,
    ssh_answer,
    tcp_answer,
    talk_answer,
    datagram_answer,
    program_output,
    echo_reply,
)


def _check(probe: Probe) -> CheckSpec:
    return CheckSpec(address="10.77.0.21", port=80, probe=probe)


def _converse(grain: Grain, plan: Plan) -> None:
    """Give the dialogue the bytes in pieces, go on where a redirect leads or inside TLS, and end it."""
    for _ in range(8):
        assert plan.dialogue is not None
        dialogue = plan.dialogue()
        answer = dialogue.begin()
        while isinstance(answer, bytes | StartTls) and grain.left:
            if isinstance(answer, StartTls):
                answer = answer.secured()
                continue
            answer = dialogue.receive(
                grain.piece() if grain.number() & 1 else grain.take(min(grain.left, 64))
            )
        if isinstance(answer, bytes | StartTls):
            answer = dialogue.eof()
        if isinstance(answer, Farewell):
            answer = answer.end
        if isinstance(answer, End):
            assert len(answer.detail) < 1000
            return
        assert isinstance(answer, Plan)
        plan = answer
