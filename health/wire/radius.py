"""The radius probe: Status-Server (RFC 5997), or with a user an Access-Request by password (RFC 2865, RFC 3579).

Its law: every request is signed, and an answer counts only when it is signed with the shared secret over our request.
"""

import hashlib
import hmac
import struct

from health.dialogue import DatagramDialogue, DatagramPlan, Kit
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, RadiusProbe
from health.wire.login import PASSWORD_LIMIT

_REQUEST, _ACCEPT, _REJECT, _ACCOUNTING, _CHALLENGE, _STATUS = 1, 2, 3, 5, 11, 12
_USER, _PASSWORD, _REPLY, _NAS, _SIGNATURE = 1, 2, 18, 32, 80
_HEAD = 20
_NAMES = {_REJECT: "Access-Reject", _CHALLENGE: "Access-Challenge"}
_LONGEST_PASSWORD = 128


class RadiusDialogue:
    """One request and its answer; the secrets are looked up when the request is made."""

    def __init__(self, probe: RadiusProbe, kit: Kit) -> None:
        self._probe = probe
        self._kit = kit
        self._secret = b""
        self._request = b""
        self._strange = b""

    def begin(self) -> bytes | End:
        """The signed request, or why there is none."""
        probe, kit = self._probe, self._kit
        word = b""
        for file, longest in ((probe.password_file, _LONGEST_PASSWORD), (probe.secret_file, PASSWORD_LIMIT)):
            content = "" if file is None else kit.secret(file)
            if content is None or len(content.encode()) > longest or (not content and file is not None):
                return End(Reason.CANNOT_RUN, f"{file} cannot be read, or used as it is")
            word, self._secret = self._secret, content.encode()
        self._request = self._made(word)
        return self._request

    def receive(self, data: bytes) -> bytes | End:
        """Judge our answer; what is not signed over our request is remembered for the person who asks why."""
        size = int.from_bytes(data[2:4], "big")
        if not _HEAD <= size <= len(data) or not self._signed(data[:size]):
            self._strange = data
            return b""
        code = data[0]
        if code == _ACCEPT or (code == _ACCOUNTING and self._probe.user is None):
            return End(Reason.OK, "Access-Accept" if code == _ACCEPT else "Accounting-Response")
        name = _NAMES.get(code, f"code {code}")
        words = _attribute(data[_HEAD:size], _REPLY)
        reason = Reason.LOGIN_FAILED if code in _NAMES else Reason.WRONG_STATUS
        return End(reason, f"{name} {excerpt(words)}".rstrip())

    def silence(self) -> End:
        """No answer of ours came in time; servers are silent to whom they do not know, or share no secret with."""
        if self._strange:
            return End(Reason.BAD_ANSWER, f"no answer signed with our secret: {excerpt(self._strange)}")
        return End(Reason.READ_TIMEOUT, "no answer; is this director a client there, with this secret?")

    def _made(self, password: bytes) -> bytes:
        ident, nonce = self._kit.random(1), self._kit.random(16)
        code, attributes = _STATUS, _packed(_NAS, self._kit.host.encode()[:253])
        if self._probe.user is not None:
            code = _REQUEST
            attributes += _packed(_USER, self._probe.user.encode()[:253])
            attributes += _packed(_PASSWORD, _hidden(password, self._secret, nonce))
        size = _HEAD + len(attributes) + 18
        head = bytes((code,)) + ident + struct.pack(">H", size) + nonce + attributes
        signature = hmac.digest(self._secret, head + _packed(_SIGNATURE, bytes(16)), "md5")
        return head + _packed(_SIGNATURE, signature)

    def _signed(self, data: bytes) -> bool:
        """Whether this is signed with our secret over our request (RFC 2865 section 3)."""
        if data[1] != self._request[1]:
            return False
        wanted = _md5(data[:4] + self._request[4:_HEAD] + data[_HEAD:] + self._secret)
        return hmac.compare_digest(wanted, data[4:_HEAD])


def plan(check: CheckSpec, probe: RadiusProbe, kit: Kit) -> DatagramPlan:
    """How this check is carried out."""

    def dialogue() -> DatagramDialogue:
        return RadiusDialogue(probe, kit)

    return DatagramPlan(check.address, check.port, dialogue)


def _packed(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2)) + value


def _hidden(password: bytes, secret: bytes, nonce: bytes) -> bytes:
    """The password as RFC 2865 section 5.2 hides it."""
    padded = password.ljust(max(16, (len(password) + 15) // 16 * 16), b"\0")
    found, before = b"", nonce
    for at in range(0, len(padded), 16):
        mask = _md5(secret + before)
        before = bytes(a ^ b for a, b in zip(padded[at : at + 16], mask, strict=True))
        found += before
    return found


def _attribute(attributes: bytes, kind: int) -> bytes:
    """The first attribute of this kind; empty where there is none."""
    while len(attributes) >= 2 and attributes[1] >= 2:
        if attributes[0] == kind:
            return attributes[2 : attributes[1]]
        attributes = attributes[attributes[1] :]
    return b""


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
