"""The client's half of SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).

Its law: the server's wishes are bounded, its proof is verified, and what a password costs to prepare is paid once for
each salt.
"""

import base64
import binascii
import functools
import hashlib
import hmac
import unicodedata
from typing import Final

MECHANISM: Final = b"SCRAM-SHA-256"
ITERATIONS_LIMIT: Final = 50_000
"""Rounds of hashing done for a server: some 20 ms."""
_HEADER: Final = b"n,,"


class ScramError(ValueError):
    """The server breaks the exchange."""


class Scram:
    """One exchange; the user's name is left to the protocol around it, as PostgreSQL has it."""

    def __init__(self, password: bytes, nonce: bytes) -> None:
        self._password = password
        self._first = b"n=,r=" + base64.b64encode(nonce)
        self._expected = b""
        self.proven = False
        """Whether the server has shown that it knows the password."""

    def first(self) -> bytes:
        """What the client says first."""
        return _HEADER + self._first

    def final(self, challenge: bytes) -> bytes:
        """The proof for the server's challenge, of which there is one. Raises ScramError."""
        if self._expected:
            raise ScramError("asks for a second proof")
        fields = _fields(challenge)
        nonce, salt = fields.get(b"r", b""), _decoded(fields.get(b"s", b""))
        count = fields.get(b"i", b"")
        if not nonce.startswith(self._first[5:]) or len(nonce) == len(self._first[5:]):
            raise ScramError("gives another nonce back")
        if not count.isdigit() or len(count) > 9 or not 0 < int(count) <= ITERATIONS_LIMIT:
            raise ScramError(f"asks for more than {ITERATIONS_LIMIT} rounds, or for none")
        salted = _salted(_prepared(self._password), salt, int(count))
        bare = b"c=" + base64.b64encode(_HEADER) + b",r=" + nonce
        signed = self._first + b"," + challenge + b"," + bare
        key = _mac(salted, b"Client Key")
        signature = _mac(hashlib.sha256(key).digest(), signed)
        self._expected = _mac(_mac(salted, b"Server Key"), signed)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return bare + b",p=" + base64.b64encode(proof)

    def verify(self, final: bytes) -> None:
        """Whether the server knows the password as well. Raises ScramError."""
        if not hmac.compare_digest(_decoded(_fields(final).get(b"v", b"")), self._expected):
            raise ScramError("does not prove that it knows the password")
        self.proven = True


def _fields(message: bytes) -> dict[bytes, bytes]:
    return {field[:1]: field[2:] for field in message.split(b",") if field[1:2] == b"="}


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ScramError("sends no base64") from error


def _prepared(password: bytes) -> bytes:
    """SASLprep, as far as it changes what people use; what it forbids is taken as it is, as PostgreSQL does."""
    return password if password.isascii() else unicodedata.normalize("NFKC", password.decode()).encode()


@functools.lru_cache(maxsize=256)
def _salted(password: bytes, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations)


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
