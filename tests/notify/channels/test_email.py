"""Mail to a real SMTP server."""

import asyncio
import base64
import socket
import ssl
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from notify.channels import connecting, email, recipients
from notify.channels.base import DeliveryError
from notify.channels.email import EmailChannel
from notify.event import EventKind
from notify.spec import EmailSpec
from support.alerts import event, tools, until
from support.mail import MailServer, certificate, mail_server
from support.servers import Talk, serving

SENDER = "hactl@example.org"


def channel(server: MailServer | int, scheme: str = "smtp", **fields: object) -> EmailChannel:
    """A channel to this server."""
    port = server if isinstance(server, int) else server.port
    spec = EmailSpec(
        **{"to": ("ops@example.org",), "sender": SENDER, "server": f"{scheme}://127.0.0.1:{port}", **fields}  # type: ignore[arg-type]
    )
    return EmailChannel(spec, tools(secrets={"/etc/password": "s3cret\n"}), 10.0)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS context whose certificate this process trusts."""
    context, file = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return context


def plain(mail: EmailMessage) -> str:
    """The text of a mail's plain part."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_a_mail_arrives_with_its_headers() -> None:
    """All recipients get one mail with sender, subject, date, message-id and a text to read."""
    with mail_server() as server:
        assert (
            await channel(server, to=("ops@example.org", "night@example.org")).deliver([event(number=1)])
            == ""
        )
    mail = server.mails[0]
    assert server.envelopes[0].mail_from == SENDER
    assert server.envelopes[0].rcpt_tos == ["ops@example.org", "night@example.org"]
    assert mail["From"] == "hactl lb1 <hactl@example.org>"
    assert mail["To"] == "ops@example.org, night@example.org"
    assert mail["Subject"] == "[web/lb1] WARNING router web: backup -> master"
    assert mail["Message-ID"] == "<event-1.1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert abs((parsedate_to_datetime(mail["Date"]) - datetime.now(UTC)).total_seconds()) < 60
    assert "no advert for 350 ms" in plain(mail)
    assert server.greetings == ["lb1.example.org"]


async def test_a_digest_is_one_mail() -> None:
    """5,000 events are one mail of modest size."""
    with mail_server() as server:
        await channel(server).deliver([event(EventKind.SERVER_DOWN, f"rs{number}") for number in range(5000)])
    assert len(server.mails) == 1
    assert len(plain(server.mails[0])) < 20_000


async def test_a_hostile_event_stays_in_its_place() -> None:
    """Newlines in names and reasons start neither a header nor a second mail, and odd characters arrive."""
    with mail_server() as server:
        await channel(server).deliver(
            [event(subject="web\r\nBcc: all@example.org", reason="x\r\n.\r\nMAIL FROM:<a@b> \u20ac \udcff")]
        )
    assert len(server.mails) == 1
    assert server.mails[0]["Bcc"] is None
    assert "x . MAIL FROM:<a@b> \u20ac" in plain(server.mails[0])


async def test_starttls_is_used_when_offered(tmp_path: Path) -> None:
    """An offered STARTTLS is taken even when its certificate proves nothing: no worse than none."""
    with mail_server(certificate(tmp_path)[0]) as server:
        await channel(server).deliver([event()])
    assert server.encrypted == [True]


async def test_starttls_can_be_left_unused(tmp_path: Path) -> None:
    """With starttls false the mail goes in clear."""
    with mail_server(certificate(tmp_path)[0]) as server:
        await channel(server, starttls=False).deliver([event()])
    assert server.encrypted == [False]


async def test_required_starttls_with_login(trusted: ssl.SSLContext) -> None:
    """With a user, TLS is required and verified, and the login arrives."""
    with mail_server(trusted, login=True) as server:
        await channel(server, user="hactl", password_file="/etc/password").deliver([event()])
    assert server.encrypted == [True]
    assert server.logins == [("hactl", "s3cret")]


async def test_a_password_is_not_sent_in_clear() -> None:
    """With a user and a server without TLS nothing is sent, unless the operator allowed it."""
    with mail_server(login=True) as server:
        with pytest.raises(DeliveryError, match="STARTTLS"):
            await channel(server, user="hactl", password_file="/etc/password").deliver([event()])
        assert server.logins == []
        await channel(server, user="hactl", password_file="/etc/password", starttls=False).deliver([event()])
        assert len(server.mails) == 1


async def test_required_starttls_refuses_a_strange_certificate(tmp_path: Path) -> None:
    """Where TLS is required an unknown certificate is a failure; with verify false it is not."""
    with mail_server(certificate(tmp_path)[0]) as server:
        with pytest.raises(DeliveryError, match="certificate"):
            await channel(server, starttls=True).deliver([event()])
        assert server.mails == []
        await channel(server, starttls=True, verify=False).deliver([event()])
        assert server.encrypted == [True]


async def test_one_refused_recipient_among_several() -> None:
    """The others get the mail, and the refused one is named."""
    with mail_server() as server:
        server.refuse = {"gone@example.org": "550 no such mailbox"}
        remark = await channel(server, to=("ops@example.org", "gone@example.org")).deliver([event()])
    assert remark == "gone@example.org refused: no such mailbox"
    assert server.envelopes[0].rcpt_tos == ["ops@example.org"]


async def test_a_recipient_that_is_put_off_gets_the_mail_later_and_the_others_once() -> None:
    """As by greylisting, while more happens: each has each event once in the end."""
    with mail_server() as server:
        both = channel(server, to=("ops@example.org", "night@example.org"))
        server.refuse = {"night@example.org": "450 greylisted"}
        with pytest.raises(DeliveryError, match="refused: greylisted") as caught:
            await both.deliver([event(number=1)])
        assert not caught.value.refused
        with pytest.raises(DeliveryError):
            await both.deliver([event(number=1), event(number=2)])
        server.refuse = {}
        assert await both.deliver([event(number=1), event(number=2)]) == ""
        assert await both.deliver([event(number=3)]) == ""
    had = [
        (one.rcpt_tos, mail["Message-ID"]) for one, mail in zip(server.envelopes, server.mails, strict=True)
    ]
    assert had == [
        (["ops@example.org"], "<event-1.1@example.org>"),
        (["ops@example.org"], "<event-2.1@example.org>"),
        (["night@example.org"], "<event-1.2@example.org>"),
        (["ops@example.org", "night@example.org"], "<event-3.1@example.org>"),
    ]


async def test_nobody_waits_for_ever_for_a_recipient_that_is_put_off() -> None:
    """As where a mailbox is full: after so many tries it is named, and until it takes a mail no other is held up for it."""
    with mail_server() as server:
        both = channel(server, to=("ops@example.org", "full@example.org"))
        server.refuse = {"full@example.org": "452 mailbox full"}
        for _ in range(recipients.TRIES):
            with pytest.raises(DeliveryError):
                await both.deliver([event(number=1)])
        for number in (1, 2):
            assert await both.deliver([event(number=number)]) == "full@example.org refused: mailbox full"
        server.refuse = {}
        assert await both.deliver([event(number=3)]) == ""
        server.refuse = {"full@example.org": "452 mailbox full"}
        with pytest.raises(DeliveryError):
            await both.deliver([event(number=4)])
    assert [one.rcpt_tos for one in server.envelopes] == [
        ["ops@example.org"],
        ["ops@example.org"],
        ["ops@example.org", "full@example.org"],
        ["ops@example.org"],
    ]


@pytest.mark.parametrize(("answer", "refused"), [("550 no such mailbox", True), ("450 greylisted", False)])
async def test_all_recipients_refused(answer: str, refused: bool) -> None:
    """A permanent answer is a refusal, a temporary one is not; both are said in words."""
    with mail_server() as server:
        server.refuse = {"ops@example.org": answer}
        with pytest.raises(DeliveryError, match=answer) as caught:
            await channel(server).deliver([event()])
    assert caught.value.refused is refused


@pytest.mark.parametrize(("answer", "refused"), [("554 no spam please", True), ("451 try later", False)])
async def test_the_mail_itself_is_refused(answer: str, refused: bool) -> None:
    """The same for the answer to the data."""
    with mail_server() as server:
        server.answer = answer
        with pytest.raises(DeliveryError, match=f"the mail server answered {answer}") as caught:
            await channel(server).deliver([event()])
    assert caught.value.refused is refused


def hanging(at: bytes) -> tuple[Talk, list[bytes]]:
    """A server that takes mails, and says nothing more once it has heard `at`; what it heard."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        while line := (await reader.readline()).strip():
            heard.append(line)
            if line == at:
                await reader.read()
                heard.append(b"end")
                return
            writer.write(b"354 go on\r\n" if line == b"DATA" else b"250 OK\r\n")
            if line == b"DATA":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")

    return talk, heard


async def test_a_mail_that_was_taken_is_not_sent_again_for_want_of_a_farewell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that never answers QUIT has the mail: the delivery ends well, and long before its time is over."""
    monkeypatch.setattr(email, "FAREWELL", 0.05)
    talk, heard = hanging(b"QUIT")
    began = time.monotonic()
    async with serving(talk) as port:
        assert await channel(port).deliver([event()]) == ""
        await until(lambda: heard[-1] == b"end")
    assert time.monotonic() - began < 5.0, "the channel's own time is 10 s"


async def test_a_delivery_that_is_cut_off_ends_at_once() -> None:
    """As at a stop or a reload: nobody takes leave of a server that hangs."""
    talk, heard = hanging(b"DATA")
    async with serving(talk) as port:
        delivery = asyncio.create_task(channel(port).deliver([event()]))
        await until(lambda: b"DATA" in heard)
        began = time.monotonic()
        delivery.cancel()
        await asyncio.wait([delivery])
        assert delivery.cancelled()
        assert time.monotonic() - began < 1.0
        await until(lambda: heard[-1] == b"end")


async def test_a_dead_address_of_a_mail_server_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name of a host that is off, one that refuses, and one that takes the mail: it arrives within the channel's time."""
    monkeypatch.setattr(connecting, "SHARE", 0.2)
    with mail_server() as server, socket.socket() as silent, socket.socket() as filling:
        silent.bind(("127.0.0.2", server.port))
        silent.listen(0)
        filling.connect(
            silent.getsockname()
        )  # Its queue is full: it drops what more comes, as a host that is off.
        usual = socket.getaddrinfo

        def resolved(host: str, port: int, *more: object, **options: object) -> object:
            addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.1") if host == "mail.example.org" else (host,)
            return [row for one in addresses for row in usual(one, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        spec = EmailSpec(
            to=("ops@example.org",), sender=SENDER, server=f"smtp://mail.example.org:{server.port}"
        )
        async with asyncio.timeout(5.0):
            await EmailChannel(spec, tools(), 10.0).deliver([event()])
        assert len(server.mails) == 1


async def test_no_mail_server() -> None:
    """A closed port is a failure with words, to be tried again."""
    with mail_server() as server:
        port = server.port
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1") as caught:
        await channel(port).deliver([event()])
    assert not caught.value.refused


async def test_a_missing_secret_is_named() -> None:
    """A password file that was not handed in is a failure that names it."""
    with mail_server(login=True) as server, pytest.raises(DeliveryError, match="/etc/nothing"):
        await channel(server, user="hactl", password_file="/etc/nothing", starttls=False).deliver([event()])


@pytest.mark.parametrize(
    "server", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:99999"]
)
async def test_what_is_no_mail_server(server: str) -> None:
    """A server that cannot be one fails at delivery, in words, and not as a crash."""
    spec = EmailSpec(to=("a@example.org",), sender=SENDER, server=server)
    with pytest.raises(DeliveryError):
        await EmailChannel(spec, tools(), 1.0).deliver([event()])


def test_a_sender_with_a_name_keeps_it() -> None:
    """A display name given by the operator is used."""
    spec = EmailSpec(
        to=("a@example.org",), sender="Load balancers <lb@example.org>", server="smtp://localhost"
    )
    mail = email.message(spec, [event()], "lb1", datetime.now(UTC))
    assert mail["From"] == "Load balancers <lb@example.org>"


@pytest.mark.parametrize("ways", ["PLAIN", "LOGIN"])
async def test_a_server_that_quotes_the_login_is_not_quoted(ways: str) -> None:
    """What it refuses is told without the password, also where it repeats what it was sent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ESMTP\r\n")
        while line := (await reader.readline()).strip():
            if line.startswith(b"EHLO"):
                writer.write(b"250-mail\r\n250 AUTH %b\r\n" % ways.encode())
            elif line.startswith(b"AUTH LOGIN"):
                writer.write(b"334 UGFzc3dvcmQ6\r\n")
            else:
                writer.write(b"535 you said " + line + b"\r\n")
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(DeliveryError, match=r"535 you said .*\*\*\*") as caught:
            await channel(port, user="me", password_file="/etc/password", starttls=False).deliver([event()])
    coded = base64.b64encode(b"\0me\0s3cret").decode(), base64.b64encode(b"s3cret").decode()
    assert not any(word in str(caught.value) for word in ("s3cret", *coded))
