"""Probes against the servers that Debian has: the right login, a wrong one, TLS verified, and gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from health.result import Reason
from health.spec import FtpProbe, ImapProbe, NtpProbe, Pop3Probe, RedisProbe, TlsSpec
from support.certificates import Authority
from support.probing import eventually, probed
from support.real_servers import PASSWORD, chronyd, dovecot, open_folder, redis, vsftpd

RIGHT, WRONG = "/etc/hactl/right.password", "/etc/hactl/wrong.password"
SECRETS = {RIGHT: PASSWORD, WRONG: "wrong"}

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
