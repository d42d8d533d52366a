"""The radius probe: its requests read by a server's rules, answers signed and not."""

import hashlib
import hmac

import pytest

from health.result import Reason
from health.spec import RadiusProbe
from support.probing import probed
from support.servers import answering, free_port

SECRET, WORD = "/etc/hactl/radius.secret", "/etc/hactl/radius.password"
SECRETS = {SECRET: "shared", WORD: "a word of more than sixteen"}
STATUS = RadiusProbe(secret_file=SECRET)
LOGIN = RadiusProbe(secret_file=SECRET, user="a", password_file=WORD)


def answer(request: bytes, code: int = 2, attributes: bytes = b"", secret: bytes = b"shared") -> bytes:
    """An answer signed over the request."""
    head = bytes((code, request[1])) + (20 + len(attributes)).to_bytes(2, "big")
    return head + hashlib.md5(head + request[4:20] + attributes + secret).digest() + attributes


def attributes(request: bytes) -> dict[int, bytes]:
    """The attributes of a request by their number."""
    found, at = {}, 20
    while at < len(request):
        found[request[at]] = request[at + 2 : at + request[at + 1]]
        at += request[at + 1]
    return found


def revealed(hidden: bytes, nonce: bytes) -> bytes:
    """The password as a server reads it (RFC 2865 section 5.2)."""
    found, before = b"", nonce
    for at in range(0, len(hidden), 16):
        mask = hashlib.md5(b"shared" + before).digest()
        before = hidden[at : at + 16]
        found += bytes(a ^ b for a, b in zip(before, mask, strict=True))
    return found.rstrip(b"\0")


@pytest.mark.parametrize(("probe", "code"), [(STATUS, 12), (LOGIN, 1)])
async def test_requests(probe: RadiusProbe, code: int) -> None:
    """The right code and length, a signature that fits, name and password of a login."""
    heard: list[bytes] = []

    def said(request: bytes) -> list[bytes]:
        heard.append(request)
        return [answer(request)]

    async with answering(said) as port:
        assert (await probed(port, probe, secrets=SECRETS)).result.reason is Reason.OK
    (request,) = heard
    found = attributes(request)
    assert (request[0], int.from_bytes(request[2:4], "big")) == (code, len(request))
    unsigned = request.replace(found[80], bytes(16))
    assert hmac.digest(b"shared", unsigned, "md5") == found[80]
    if code == 1:
        assert (found[1], revealed(found[2], request[4:20])) == (b"a", SECRETS[WORD].encode())


@pytest.mark.parametrize(
    ("probe", "said", "reason", "detail"),
    [
        (STATUS, lambda q: [answer(q, 5)], Reason.OK, "Accounting-Response"),
        (STATUS, lambda q: [answer(q, 5)[:-1], answer(q)], Reason.OK, "Access-Accept"),
        (LOGIN, lambda q: [answer(q, 5)], Reason.WRONG_STATUS, "code 5"),
        (LOGIN, lambda q: [answer(q, 3, b"\x12\x06no\x1b!")], Reason.LOGIN_FAILED, "Access-Reject no"),
        (LOGIN, lambda q: [answer(q, 11)], Reason.LOGIN_FAILED, "Access-Challenge"),
        (
            LOGIN,
            lambda q: [answer(q, secret=b"other")],
            Reason.BAD_ANSWER,
            "no answer signed with our secret",
        ),
        (LOGIN, lambda q: [answer(q, secret=b"other"), answer(q)], Reason.OK, ""),
        (LOGIN, lambda q: [answer(q[:1] + bytes((q[1] ^ 1,)) + q[2:])], Reason.BAD_ANSWER, ""),
        (LOGIN, lambda q: [b"", b"\2", b"\xff" * 4096, q], Reason.BAD_ANSWER, ""),
        (LOGIN, lambda q: [], Reason.READ_TIMEOUT, "is this director a client there"),
    ],
)
async def test_answers(probe: RadiusProbe, said: object, reason: Reason, detail: str) -> None:
    """What each answer means; what is not signed decides nothing."""
    async with answering(said) as port:  # type: ignore[arg-type]
        found = (await probed(port, probe, limit=0.4, secrets=SECRETS)).result
    assert (found.reason, detail in found.detail) == (reason, True), found
    assert found.detail.isprintable()


@pytest.mark.parametrize("secrets", [{}, {SECRET: ""}, {SECRET: "x" * 2000}, {SECRET: "x", WORD: "y" * 129}])
async def test_secrets_that_cannot_be_used(secrets: dict[str, str]) -> None:
    """It is this director's fault, and says which file, and nothing is sent."""
    found = (await probed(free_port(), LOGIN, secrets=secrets)).result
    assert found.reason is Reason.CANNOT_RUN, found
    assert "cannot be read, or used as it is" in found.detail
