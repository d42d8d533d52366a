"""Probes against the servers that Debian has: the right login, a wrong one, TLS verified, and gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from health.result import Reason
from health.spec import (
    BodyMatch,
    DnsProbe,
    FtpProbe,
    GrpcProbe,
    HttpProbe,
    ImapProbe,
    LdapProbe,
    MysqlProbe,
    NtpProbe,
    Pop3Probe,
    PostgresqlProbe,
    RadiusProbe,
    RedisProbe,
    SipProbe,
    TlsSpec,
)
from support.certificates import Authority
from support.probing import eventually, probed
from support.real_servers import (
    PASSWORD,
    apache,
    chronyd,
    dnsmasq,
    dovecot,
    freeradius,
    grpc_health,
    kamailio,
    mariadbd,
    open_folder,
    postgres,
    redis,
    slapd,
    vsftpd,
)

RIGHT, WRONG, SHARED = "/etc/hactl/right.password", "/etc/hactl/wrong.password", "/etc/hactl/shared.secret"
SECRETS = {RIGHT: PASSWORD, WRONG: "wrong", SHARED: "shared"}

pytestmark = pytest.mark.root


def needs(path: str) -> pytest.MarkDecorator:
    """Leaves a test out where this server is not installed."""
    return pytest.mark.skipif(not Path(path).exists(), reason=f"no {path} here")


@pytest.fixture
def folder() -> Iterator[Path]:
    """All that the servers read and write."""
    with open_folder() as made:
        yield made


@pytest.fixture
def authority(folder: Path) -> Authority:
    """Who signs the servers' certificates."""
    return Authority(folder)


@pytest.fixture
def mail(folder: Path, authority: Authority) -> Iterator[dict[type[ImapProbe | Pop3Probe], int]]:
    """Dovecot; gives its ports by what probes them."""
    with dovecot(folder, authority.sign("127.0.0.1")) as (imap, pop3):
        yield {ImapProbe: imap, Pop3Probe: pop3}


@needs("/usr/sbin/dovecot")
async def test_dovecot(mail: dict[type[ImapProbe | Pop3Probe], int], authority: Authority) -> None:
    """Greeting alone, login with a password that needs quoting, STARTTLS verified and not, a wrong password."""
    trusted = TlsSpec(ca_file=str(authority.certificate))
    for kind, port in mail.items():
        assert (await probed(port, kind())).result.reason is Reason.OK
        for starttls in (None, trusted):
            probe = kind(user="a", password_file=RIGHT, starttls=starttls)
            result = (await probed(port, probe, limit=5.0, secrets=SECRETS)).result
            assert result.reason is Reason.OK, result
        wrong = kind(user="a", password_file=WRONG)
        assert (await probed(port, wrong, limit=10.0, secrets=SECRETS)).result.reason is Reason.LOGIN_FAILED
        untrusted = kind(starttls=TlsSpec())
        assert (await probed(port, untrusted)).result.reason is Reason.TLS_UNVERIFIED


@needs("/usr/sbin/apache2")
async def test_apache(folder: Path, authority: Authority) -> None:
    """Pages right, wrong, forbidden and moved, in the clear and inside TLS, verified and not."""
    tls = TlsSpec(ca_file=str(authority.certificate))
    says = BodyMatch(contains="says ok")
    cases = [
        (HttpProbe(path="/index.html", body=says), Reason.OK, ""),
        (HttpProbe(path="/index.html", body=BodyMatch(contains="says no")), Reason.NO_MATCH, ""),
        (HttpProbe(path="/missing"), Reason.WRONG_STATUS, "404"),
        (HttpProbe(path="/closed/"), Reason.WRONG_STATUS, "403"),
        (HttpProbe(path="/moved", status=((302, 302),)), Reason.OK, ""),
        (HttpProbe(path="/moved", redirects=1, body=says), Reason.OK, ""),
        (HttpProbe(method="HEAD", path="/index.html"), Reason.OK, ""),
    ]
    with apache(folder, authority.sign("127.0.0.1")) as (plain, secure):
        for probe, reason, detail in cases:
            for port, spoken in ((plain, None), (secure, tls)):
                result = (await probed(port, msgspec.structs.replace(probe, tls=spoken))).result
                assert (result.reason, detail in result.detail) == (reason, True), (probe, result)
        assert (await probed(secure, HttpProbe(tls=TlsSpec()))).result.reason is Reason.TLS_UNVERIFIED
        assert (await probed(plain, HttpProbe(tls=tls))).result.reason is Reason.TLS_FAILED


@needs("/usr/sbin/dnsmasq")
async def test_dnsmasq(folder: Path) -> None:
    """Records right and wrong over UDP and TCP, a name that is not there, a zone that it does not answer for."""
    name = "www.example.test"
    cases = [
        (DnsProbe(query=name, record="A", expect=("10.1.2.3",)), Reason.OK),
        (DnsProbe(query=name, record="A", expect=("10.9.9.9", "10.1.2.3")), Reason.OK),
        (DnsProbe(query=name, record="A", expect=("10.9.9.9",)), Reason.NO_MATCH),
        (DnsProbe(query=name, record="AAAA", expect=("fd00:0::3",)), Reason.OK),
        (DnsProbe(query=name, record="TXT", expect=("all is well",)), Reason.OK),
        (DnsProbe(query="gone.example.test", record="A"), Reason.WRONG_STATUS),
        (DnsProbe(query="elsewhere.example", record="A"), Reason.WRONG_STATUS),
    ]
    with dnsmasq(folder) as port:
        for probe, reason in cases:
            for tcp in (False, True):
                result = (await probed(port, msgspec.structs.replace(probe, tcp=tcp))).result
                assert result.reason is reason, (probe, result)


@needs("/usr/sbin/vsftpd")
async def test_vsftpd(folder: Path, authority: Authority) -> None:
    """Greeting alone, login, AUTH TLS, a user whom it does not take."""
    tls = TlsSpec(ca_file=str(authority.certificate))
    with vsftpd(folder, authority.sign("127.0.0.1")) as port:
        assert (await probed(port, FtpProbe())).result.detail.startswith("220")
        for starttls in (None, tls):
            probe = FtpProbe(user="anonymous", password_file=RIGHT, starttls=starttls)
            result = (await probed(port, probe, limit=5.0, secrets=SECRETS)).result
            assert result.reason is Reason.OK, result
        wrong = FtpProbe(user="nobody", password_file=WRONG)
        refused = (await probed(port, wrong, limit=10.0, secrets=SECRETS)).result
        assert refused.reason is Reason.LOGIN_FAILED
    assert (await probed(port, FtpProbe())).result.reason is Reason.CONNECT_REFUSED


@needs("/usr/bin/redis-server")
async def test_redis(folder: Path) -> None:
    """PING, a password needed, right and wrong, and the roles of a master and its replica."""
    with (
        redis(folder, "--requirepass", PASSWORD) as port,
        redis(folder, "--replicaof", f"127.0.0.1 {port}") as replica,
    ):
        assert (await probed(port, RedisProbe())).result.reason is Reason.LOGIN_FAILED
        wrong = RedisProbe(password_file=WRONG)
        assert (await probed(port, wrong, secrets=SECRETS)).result.reason is Reason.LOGIN_FAILED
        for role, reason in (
            (None, Reason.OK),
            ("master", Reason.OK),
            ("replica", Reason.WRONG_STATUS),
        ):
            probe = RedisProbe(password_file=RIGHT, role=role)
            result = (await probed(port, probe, secrets=SECRETS)).result
            assert result.reason is reason, result
        assert (await probed(replica, RedisProbe())).result.reason is Reason.OK
        assert (await probed(replica, RedisProbe(role="replica"))).result.reason is Reason.OK


@needs("/usr/sbin/chronyd")
async def test_chronyd(folder: Path) -> None:
    """A synchronised server passes; the same is too far from a clock where a lower stratum is asked for."""
    with chronyd(folder, stratum=5) as port:
        result = await eventually(port, NtpProbe())
        assert result.reason is Reason.OK, result
        far = (await probed(port, NtpProbe(max_stratum=4))).result
        assert far.reason is Reason.WRONG_STATUS, far


LDAP = [
    (LdapProbe(), Reason.OK, ""),
    (LdapProbe(bind_dn="cn=probe,dc=example", password_file=RIGHT), Reason.OK, ""),
    (
        LdapProbe(bind_dn="cn=probe,dc=example", password_file=WRONG),
        Reason.LOGIN_FAILED,
        "49 invalidCredentials",
    ),
    (LdapProbe(base="dc=example"), Reason.OK, "found"),
    (
        LdapProbe(
            base="dc=example", scope="sub", filter="(&(cn=pr*e)(!(sn=x))(|(sn=\\28a\\2ab\\29)(sn>=z)))"
        ),
        Reason.OK,
        "",
    ),
    (LdapProbe(base="dc=example", scope="one", filter="(objectClass=*)"), Reason.OK, ""),
    (LdapProbe(base="dc=example", scope="sub"), Reason.OK, ""),
    (LdapProbe(base="dc=example", filter="(cn=probe)"), Reason.NO_MATCH, "no entry"),
    (LdapProbe(base="cn=nobody,dc=example"), Reason.NO_MATCH, "32 noSuchObject"),
    (LdapProbe(base="nonsense"), Reason.WRONG_STATUS, "34 invalidDNSyntax"),
]


@needs("/usr/sbin/slapd")
async def test_slapd(folder: Path, authority: Authority) -> None:
    """Binds right and wrong, searches that find and do not, StartTLS verified and not."""
    with slapd(folder, authority.sign("127.0.0.1"), authority.certificate) as port:
        for probe, reason, detail in LDAP:
            result = (await probed(port, probe, secrets=SECRETS)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)
        tls = TlsSpec(ca_file=str(authority.certificate))
        inside = LdapProbe(bind_dn="cn=probe,dc=example", password_file=RIGHT, starttls=tls)
        assert (await probed(port, inside, secrets=SECRETS)).result.reason is Reason.OK
        untrusted = (await probed(port, LdapProbe(starttls=TlsSpec()))).result
        assert untrusted.reason is Reason.TLS_UNVERIFIED


@needs("/usr/sbin/mariadbd")
async def test_mariadbd(folder: Path, authority: Authority) -> None:
    """Without a user as often as one likes, logins, databases and queries right and wrong, TLS verified and not."""
    pair = authority.sign("127.0.0.1")
    tls = TlsSpec(ca_file=str(authority.certificate))
    login: dict[str, Any] = {"user": "probe", "password_file": RIGHT}
    cases = [
        *[(MysqlProbe(), Reason.OK, "MariaDB")] * 120,
        (MysqlProbe(**login), Reason.OK, "MariaDB"),
        (MysqlProbe(**login, database="shop", query="SELECT 1 AS x UNION SELECT 2"), Reason.OK, ""),
        (MysqlProbe(**login, database="shop", query="SELECT * FROM nothing"), Reason.WRONG_STATUS, "1146"),
        (MysqlProbe(**login, database="none"), Reason.LOGIN_FAILED, "1044"),
        (MysqlProbe(user="probe", password_file=WRONG), Reason.LOGIN_FAILED, "1045"),
        (MysqlProbe(user="nobody"), Reason.LOGIN_FAILED, "1045"),
        (MysqlProbe(**login, tls=tls, query="DO 1"), Reason.OK, ""),
        (MysqlProbe(tls=TlsSpec()), Reason.TLS_UNVERIFIED, ""),
    ]
    with mariadbd(folder, pair) as port:
        for probe, reason, detail in cases:
            result = (await probed(port, probe, secrets=SECRETS)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)


@needs("/usr/lib/postgresql")
async def test_postgres(folder: Path, authority: Authority) -> None:
    """Logins by SCRAM, MD5 and in the clear, databases and queries right and wrong, TLS verified and not."""
    tls = TlsSpec(ca_file=str(authority.certificate))
    login: dict[str, Any] = {"user": "probe", "password_file": RIGHT}
    cases = [
        (PostgresqlProbe(), Reason.OK, ""),
        (PostgresqlProbe(tls=tls), Reason.OK, ""),
        (PostgresqlProbe(tls=TlsSpec()), Reason.TLS_UNVERIFIED, ""),
        (PostgresqlProbe(**login, database="postgres"), Reason.OK, ""),
        (PostgresqlProbe(**login, database="postgres", tls=tls, query="SELECT 1; SELECT 2"), Reason.OK, ""),
        (
            PostgresqlProbe(**login, database="postgres", query="SELECT * FROM nothing"),
            Reason.WRONG_STATUS,
            "42P01",
        ),
        (PostgresqlProbe(**login, database="none"), Reason.WRONG_STATUS, "3D000"),
        (
            PostgresqlProbe(user="probe", password_file=WRONG, database="postgres"),
            Reason.LOGIN_FAILED,
            "28P01",
        ),
        (PostgresqlProbe(user="old", password_file=RIGHT, database="postgres"), Reason.OK, ""),
        (PostgresqlProbe(user="clear", password_file=RIGHT, database="postgres"), Reason.OK, ""),
    ]
    with postgres(folder, authority.sign("127.0.0.1")) as port:
        await eventually(port, PostgresqlProbe())
        for probe, reason, detail in cases:
            result = (await probed(port, probe, secrets=SECRETS)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)


@needs("/usr/lib/python3/dist-packages/grpc")
async def test_grpc(authority: Authority) -> None:
    """Serving, not serving, not known, in the clear and inside TLS."""
    cases = [
        (GrpcProbe(), Reason.OK, "SERVING"),
        (GrpcProbe(service="shop"), Reason.OK, "SERVING"),
        (GrpcProbe(service="cellar"), Reason.WRONG_STATUS, "NOT_SERVING"),
        (GrpcProbe(service="none"), Reason.WRONG_STATUS, "gRPC status 5 NOT_FOUND unknown service: "),
    ]
    with grpc_health() as port:
        for probe, reason, detail in cases:
            result = (await probed(port, probe)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)
        tls = TlsSpec(ca_file=str(authority.certificate))
        assert (await probed(port, GrpcProbe(tls=tls))).result.reason is Reason.TLS_FAILED
    with grpc_health(authority.sign("127.0.0.1")) as port:
        assert (await probed(port, GrpcProbe(tls=tls))).result.reason is Reason.OK
        assert (await probed(port, GrpcProbe(tls=TlsSpec()))).result.reason is Reason.TLS_UNVERIFIED
        assert (await probed(port, GrpcProbe())).result.reason in (Reason.CLOSED, Reason.BAD_ANSWER)


@needs("/usr/sbin/kamailio")
async def test_kamailio(folder: Path) -> None:
    """OPTIONS over UDP and TCP; a user who is not there, wanted and not."""
    cases = [
        (SipProbe(protocol="tcp"), Reason.OK, "200 Keepalive"),
        (SipProbe(), Reason.OK, "200 Keepalive"),
        (SipProbe(user="gone"), Reason.WRONG_STATUS, "404 Not Found"),
        (SipProbe(user="gone", status=((200, 299), (404, 404))), Reason.OK, "404 Not Found"),
    ]
    with kamailio(folder) as port:
        await eventually(port, SipProbe())
        for probe, reason, detail in cases:
            result = (await probed(port, probe)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)


@needs("/usr/sbin/freeradius")
async def test_freeradius(folder: Path) -> None:
    """Status-Server, a login right and wrong, and a secret that is not shared."""
    cases = [
        (RadiusProbe(secret_file=WRONG), Reason.READ_TIMEOUT, "is this director a client there"),
        (RadiusProbe(secret_file=SHARED), Reason.OK, "Access-Accept"),
        (RadiusProbe(secret_file=SHARED, user="probe", password_file=RIGHT), Reason.OK, "Access-Accept"),
        (
            RadiusProbe(secret_file=SHARED, user="probe", password_file=WRONG),
            Reason.LOGIN_FAILED,
            "Access-Reject",
        ),
        (RadiusProbe(secret_file=SHARED, user="nobody"), Reason.LOGIN_FAILED, "Access-Reject"),
    ]
    with freeradius(folder) as port:
        await eventually(port, RadiusProbe(secret_file=SHARED), secrets=SECRETS)
        for probe, reason, detail in cases:
            result = (await probed(port, probe, limit=1.0, secrets=SECRETS)).result
            assert (result.reason, detail in result.detail) == (reason, True), (probe, result)
