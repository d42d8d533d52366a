"""A real SMTP server on the loopback, in a thread of its own, optionally with TLS and login."""

import ipaddress
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class MailServer:
    """What arrived; `refuse` maps a recipient to the answer it gets, `answer` is given to the data."""

    def __init__(self) -> None:
        self.port = 0
        self.envelopes: list[Envelope] = []
        self.mails: list[EmailMessage] = []
        self.greetings: list[str] = []
        self.encrypted: list[bool] = []
        self.logins: list[tuple[str, str]] = []
        self.refuse: dict[str, str] = {}
        self.answer = "250 OK"

    async def handle_EHLO(  # noqa: N802 - the name aiosmtpd asks for
        self, server: Any, session: Any, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Note who greets."""
        self.greetings.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.envelopes.append(envelope)
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
            self.encrypted.append(session.ssl is not None)
        return self.answer

    def login(self, server: Any, session: Any, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Take any login and note it."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, *, login: bool = False) -> Iterator[MailServer]:
    """A server on a free port of 127.0.0.1; with `tls` it offers STARTTLS, with `login` it requires one."""
    server = MailServer()
    options: dict[str, Any] = {"tls_context": tls} if tls else {}
    if login:
        options |= {"authenticator": server.login, "auth_required": True}
        options |= {"auth_require_tls": tls is not None}
    with warnings.catch_warnings():
        # Said at each connection, in the server's thread; a login in clear is what some tests are about.
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
        controller = _AnyPort(server, hostname="127.0.0.1", port=0, **options)
        controller.start()
        server.port = controller.port
        try:
            yield server
        finally:
            controller.stop()


class _AnyPort(Controller):
    def _trigger_server(self) -> None:
        """The start-up check connects to the port asked for; the one that was given is known only now."""
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def certificate(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a new self-signed certificate for 127.0.0.1, and that certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file, key_file = directory / "cert.pem", directory / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, file
