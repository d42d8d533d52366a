"""Alerts by mail.

Owns the conversation with the mail server; what the mail says is made in notify.render.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import urlsplit

import aiosmtplib

from notify import render
from notify.channels.base import DeliveryError, Tools
from notify.channels.connecting import connected
from notify.channels.recipients import Recipients
from notify.event import Event
from notify.html import html
from notify.spec import EmailSpec
from notify.threads import thread

Answer = tuple[int, str]
"""A server's number and words."""
_PORTS = {"smtp": 25, "smtps": 465}
FAREWELL = 1.0
"""Seconds that a server may take to answer our leave; what it took before is delivered in any case."""


class EmailChannel:
    """Sends one mail a delivery to all recipients."""

    batch = 20_000

    def __init__(self, spec: EmailSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._tools = tools
        self._timeout = timeout
        self._recipients = Recipients(spec.to)

    async def deliver(self, events: Sequence[Event]) -> str:
        """Hand the mail to the server. The remark names recipients the server refused while it took others."""
        refused: dict[str, Answer] = {}
        for addresses, part in self._recipients.mails(events):
            answers = await self._send(addresses, part)
            self._recipients.took(set(addresses) - answers.keys(), part)
            refused |= answers
        words = "; ".join(f"{address} refused: {text}" for address, (_, text) in refused.items())
        later = [address for address, (code, _) in refused.items() if code < 500]
        if [address for address in later if self._recipients.put_off(address)]:
            raise DeliveryError(words)
        self._recipients.done(events)
        return words

    async def _send(self, addresses: Sequence[str], events: Sequence[Event]) -> dict[str, Answer]:
        """One mail; those of these recipients that the server refused. Raises DeliveryError."""
        spec = self._spec
        mail = message(spec, events, self._tools.node, datetime.now(UTC))
        password = self._password() if spec.user else ""
        try:
            async with self._connected() as client:
                if spec.user:
                    await client.login(spec.user, password)
                answers, _ = await client.send_message(mail, sender=spec.sender, recipients=list(addresses))
            refused = {address: (answer.code, answer.message) for address, answer in answers.items()}
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            words = _blotted(_words(error), spec.user or "", password)
            if not isinstance(error, aiosmtplib.SMTPRecipientsRefused) or len(addresses) == len(spec.to):
                raise DeliveryError(words, refused=_is_refusal(error)) from error
            refused = {one.recipient: (one.code, one.message) for one in error.recipients}
        return {
            address: (code, _blotted(text, spec.user or "", password))
            for address, (code, text) in refused.items()
        }

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """On a connection. Leave is taken of a server that answered, but not when the delivery was cut off."""
        parts = urlsplit(self._spec.server)
        if parts.scheme not in _PORTS or not parts.hostname:
            server = self._spec.server
            raise DeliveryError(f"{server} is no mail server: smtp://host[:port] or smtps://host[:port]")
        port = parts.port or _PORTS[parts.scheme]
        client = self._client(parts.hostname, implicit=parts.scheme == "smtps")
        sock = await connected(parts.hostname, port, self._timeout)
        try:
            await client.connect(sock=sock)
            try:
                yield client
            except Exception:
                await _take_leave(client)
                raise
            await _take_leave(client)
        finally:
            client.close()

    def _client(self, host: str, *, implicit: bool) -> aiosmtplib.SMTP:
        spec = self._spec
        starttls = None if spec.starttls is None and not spec.user else spec.starttls is not False
        return aiosmtplib.SMTP(
            hostname=host,
            local_hostname=_helo(self._tools.node, spec.sender),
            timeout=self._timeout,
            use_tls=implicit,
            start_tls=False if implicit else starttls,
            tls_context=_tls(verify=spec.verify and (implicit or starttls is True)),
        )

    def _password(self) -> str:
        return self._tools.secret(self._spec.password_file) if self._spec.password_file else ""


async def _take_leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        async with asyncio.timeout(FAREWELL):
            await client.quit()


def message(spec: EmailSpec, events: Sequence[Event], node: str, now: datetime) -> EmailMessage:
    """The mail about these events. Its Message-ID is the same when the same delivery is tried again."""
    mail = EmailMessage()
    name, address = parseaddr(spec.sender)
    mail["From"] = Address(name or f"hactl {node}", addr_spec=address)
    mail["To"] = ", ".join(spec.to)
    mail["Subject"] = render.subject(events)
    mail["Date"] = format_datetime(now)
    domain = _token(address.rpartition("@")[2]) or "localhost"
    mail["Message-ID"] = f"<{_token(events[0].id)}.{len(events)}@{domain}>"
    about = thread(events, domain)
    if about is not None:
        mail["In-Reply-To"] = mail["References"] = about
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(render.text(events))
    mail.add_alternative(html(events), subtype="html")
    return mail


def _token(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", text)


def _helo(node: str, sender: str) -> str:
    """A host name with a domain, which many mail servers ask for; taken from the sender, for asking DNS may hang."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return _token(node) if "." in node or not domain else f"{_token(node)}.{domain}"


def _tls(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _is_refusal(error: Exception) -> bool:
    """A permanent answer (RFC 5321 4.2.1) to this mail; one to our login is the operator's to mend meanwhile."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return False
    return isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError) and error.code >= 500


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{refused.recipient} refused: {refused.code} {refused.message}" for refused in error.recipients
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the mail server answered {error.code} {error.message}"
    return str(error) or type(error).__name__


def _blotted(words: str, user: str, password: str) -> str:
    """A server's words without the password, should it quote what we said: plain, or as AUTH sends it."""
    if password:
        coded = (password.encode(), b"\0%b\0%b" % (user.encode(), password.encode()))
        for said in (password, *(base64.b64encode(one).decode() for one in coded)):
            words = words.replace(said, "***")
    return words
