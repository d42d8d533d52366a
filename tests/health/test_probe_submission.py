"""The login of the smtp probe (RFC 4954): by PLAIN, by LOGIN, refused, not offered, and with a real server inside TLS."""

import base64
from pathlib import Path

import pytest

from health.result import Reason
from health.spec import SmtpProbe, TlsSpec
from support.mail import certificate, mail_server
from support.probing import exchange, probed
from support.servers import serving

FILE = "/etc/hactl/mail.password"
SECRETS = {FILE: "open sesame"}
LOGIN = SmtpProbe(helo="lb1", user="a", password_file=FILE)
Turns = list[tuple[bytes, bytes]]


def coded(text: bytes) -> bytes:
    """Base64."""
    return base64.b64encode(text)


HELLO: Turns = [(b"", b"220 x\r\n"), (b"EHLO", b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")]
ONLY_LOGIN: Turns = [(b"", b"220 x\r\n"), (b"EHLO", b"250-x\r\n250-auth=LOGIN\r\n250 SIZE\r\n")]
PLAIN = b"AUTH PLAIN " + coded(b"\0a\0open sesame") + b"\r\n"


@pytest.mark.parametrize(
    ("turns", "reason", "detail"),
    [
        ([*HELLO, (PLAIN, b"235 welcome\r\n")], Reason.OK, "220 x"),
        ([*HELLO, (PLAIN, b"535 5.7.8 wrong\r\n")], Reason.LOGIN_FAILED, "535 5.7.8 wrong"),
        ([*HELLO, (PLAIN, b"334 \r\n")], Reason.LOGIN_FAILED, "334"),
        (
            [*ONLY_LOGIN, (b"AUTH LOGIN\r\n", b"334 VXNlcjo\r\n"), (coded(b"a") + b"\r\n", b"334 x\r\n"),
             (coded(b"open sesame") + b"\r\n", b"235 x\r\n")],
            Reason.OK, "220 x",
        ),
        ([*ONLY_LOGIN, (b"AUTH LOGIN\r\n", b"504 no\r\n")], Reason.LOGIN_FAILED, "504 no"),
        ([HELLO[0], (b"EHLO", b"250 AUTH NTLM\r\n")], Reason.LOGIN_FAILED, "no login known here: NTLM"),
        ([HELLO[0], (b"EHLO", b"250 x\r\n")], Reason.LOGIN_FAILED, "no login known here: none"),
    ],
)  # fmt: skip
async def test_login(turns: Turns, reason: Reason, detail: str) -> None:
    """What each answer means."""
    async with serving(exchange(*turns, (b"QUIT", b""))) as port:
        found = (await probed(port, LOGIN, secrets=SECRETS)).result
    assert (found.reason, detail in found.detail) == (reason, True), found


async def test_real_server(tmp_path: Path) -> None:
    """aiosmtpd takes the login inside TLS, and hears user and password as they are."""
    context, file = certificate(tmp_path)
    probe = SmtpProbe(helo="a", user="probe", password_file=FILE, starttls=TlsSpec(ca_file=str(file)))
    with mail_server(context, login=True) as server:
        found = (await probed(server.port, probe, secrets=SECRETS)).result
    assert found.reason is Reason.OK, found
    assert server.logins == [("probe", "open sesame")]
