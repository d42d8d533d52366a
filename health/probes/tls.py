"""TLS for probes: contexts made from files, and one channel for each conversation, apart from its socket.

Its law: certificates are verified unless the operator said otherwise; a file that cannot be used fails the checks
that need it with its name, and is read again when it changed, so they recover by themselves.
"""

import os
import ssl
import time
from typing import Any

from health.result import End, Reason, excerpt
from health.spec import TlsSpec

RETRY = 5.0
"""Seconds after which the files of a context are looked at again."""
_PIECE = 64 * 1024

_Stamps = tuple[tuple[int, int, int] | None, ...]


class Contexts:
    """One context for each distinct way to speak TLS, shared by all checks that speak it."""

    def __init__(self) -> None:
        self._made: dict[TlsSpec, tuple[ssl.SSLContext | str, _Stamps, float]] = {}

    def get(self, tls: TlsSpec) -> ssl.SSLContext | str:
        """The context, or in words why there is none."""
        key = TlsSpec(
            verify=tls.verify,
            ca_file=tls.ca_file,
            certificate_file=tls.certificate_file,
            key_file=tls.key_file,
            alpn=tls.alpn,
        )
        now = time.monotonic()
        known = self._made.get(key)
        if known is not None and now < known[2]:
            return known[0]
        stamps = tuple(map(_stamp, (tls.ca_file, tls.certificate_file, tls.key_file)))
        unchanged = known is not None and known[1] == stamps and not isinstance(known[0], str)
        made = known[0] if known is not None and unchanged else _make(key)
        self._made[key] = (made, stamps, now + RETRY)
        return made


def _stamp(path: str | None) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path) if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)


def _make(tls: TlsSpec) -> ssl.SSLContext | str:
    for path in (tls.ca_file, tls.certificate_file, tls.key_file):
        try:
            if path is not None:
                open(path, "rb").close()
        except OSError as error:
            return f"{path}: {error.strerror}"
    try:
        return _load(tls)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError.
        paths = [path for path in (tls.ca_file, tls.certificate_file, tls.key_file) if path is not None]
        return f"{', '.join(paths)}: {error}"


def _load(tls: TlsSpec) -> ssl.SSLContext:
    if tls.verify:
        context = ssl.create_default_context(cafile=tls.ca_file)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.alpn is not None:
        context.set_alpn_protocols([tls.alpn])
    if tls.certificate_file is not None:
        # Without a password here OpenSSL would ask for one on the terminal.
        context.load_cert_chain(tls.certificate_file, tls.key_file, password="")
    return context


class Channel:
    """One end of a TLS connection: bytes for and from the socket on one side, the dialogue's on the other."""

    def __init__(self, context: ssl.SSLContext, server_name: str, valid_for: float = 0.0) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name or None)
        self._valid_for = valid_for
        self.established = self.finished = False

    def handshake(self) -> None:
        """Go on with the handshake as far as what was received allows. Raises ssl.SSLError."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True

    def expiring(self) -> End | None:
        """Whether the verified certificate ends too soon; looked at once the handshake is done."""
        ends = (self._tls.getpeercert() or {}).get("notAfter") if self._valid_for else None
        if not isinstance(ends, str) or ssl.cert_time_to_seconds(ends) - time.time() >= self._valid_for:
            return None
        return End(Reason.TLS_EXPIRING, f"at {ends}")

    def described(self) -> tuple[str, ...]:
        """Version, cipher and the certificate as far as it was verified, for a person."""
        cipher = self._tls.cipher()
        spoken = f"{self._tls.version()}, {cipher[0] if cipher else 'no cipher'}"
        shown: dict[str, Any] = self._tls.getpeercert() or {}
        names = ", ".join(str(name) for _, name in shown.get("subjectAltName", ())) or "no name"
        if not shown:
            return (spoken, "the certificate is not verified")
        return (
            spoken,
            f"certificate for {excerpt(names.encode(), 200)}, valid until {shown.get('notAfter')}",
        )

    def received(self, data: bytes) -> None:
        """Take bytes from the socket."""
        self._incoming.write(data)

    def read(self) -> bytes:
        """What the server said, as far as it can be read now; `finished` once it said that it will say no more. Raises
        ssl.SSLError."""
        pieces = []
        try:
            while piece := self._tls.read(_PIECE):
                pieces.append(piece)
            self.finished = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.finished = True
        return b"".join(pieces)

    def write(self, data: bytes) -> None:
        """Say something to the server. Raises ssl.SSLError."""
        self._tls.write(data)

    def to_send(self) -> bytes:
        """Bytes for the socket."""
        return self._outgoing.read()


def end_of_error(error: ssl.SSLError, established: bool) -> End:
    """How a probe ends at an error of TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return End(Reason.TLS_UNVERIFIED, error.verify_message or str(error))
    words = (error.reason or str(error)).replace("_", " ").lower()
    return End(Reason.BAD_ANSWER if established else Reason.TLS_FAILED, words)
