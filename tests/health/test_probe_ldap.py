"""The ldap probe: filters as RFC 4515 writes them, and servers that answer wrongly, slowly, halfway or too much."""

import pytest

from health.result import Reason
from health.spec import LdapProbe, TlsSpec
from health.wire.ldap_filter import FilterError, encoded_filter
from health.wire.ldap_message import element, integer
from support.probing import hostile, probed
from support.servers import Talk, saying, serving


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("(cn=a)", "a307 0402636e 040161"),
        ("cn=a", "a307 0402636e 040161"),
        ("(cn=*)", "8702636e"),
        ("(cn>=a)", "a507 0402636e 040161"),
        ("(cn~=a)", "a807 0402636e 040161"),
        ("(!(cn=*))", "a204 8702636e"),
        ("(&(cn=*)(sn=*))", "a008 8702636e 8702736e"),
        ("(|)", "a100"),
        ("(cn=\\2a)", "a307 0402636e 04012a"),
        ("(cn=a*b*c)", "a40f 0402636e 3009 800161 810162 820163"),
        ("(cn=*b)", "a409 0402636e 3003 820162"),
        ("(cn=)", "a306 0402636e 0400"),
    ],
)
def test_filters(text: str, encoded: str) -> None:
    """Each kind of item and combination, to the byte (RFC 4511 section 4.5.1.7)."""
    assert encoded_filter(text).hex() == encoded.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    ["", "(", "()", "(cn)", "(cn=a", "(cn=a))", "(&(cn=a)", "(c n=a)", "(cn=\\2)", "(cn=\\zz)", "(cn:dn:=a)",
     "(!" * 30 + "(cn=*)" + ")" * 30, "(cn=a(b)", "(!(cn=a)(cn=b))"],
)  # fmt: skip
def test_what_is_no_filter(text: str) -> None:
    """A sentence, and nothing else."""
    with pytest.raises(FilterError):
        encoded_filter(text)


def result(operation: int, code: int, number: int = 2, text: bytes = b"") -> bytes:
    """A response with a result."""
    body = element(0x0A, bytes((code,))) + element(4, b"") + element(4, text)
    return element(0x30, integer(number) + element(operation, body))


BOUND = result(0x61, 0)
ENTRY = element(0x30, integer(3) + element(0x64, element(4, b"dc=x") + element(0x30, b"")))
NOTICE = result(0x78, 52, number=0, text=b"shutting down")
FIND = LdapProbe(base="dc=x")


@pytest.mark.parametrize(
    ("probe", "answers", "reason", "detail"),
    [
        (LdapProbe(), [BOUND], Reason.OK, ""),
        (LdapProbe(), [result(0x61, 51)], Reason.WRONG_STATUS, "51 busy"),
        (LdapProbe(), [result(0x61, 49, text=b"no\x1b")], Reason.LOGIN_FAILED, "49 invalidCredentials no"),
        (LdapProbe(), [result(0x61, 0, number=9)], Reason.BAD_ANSWER, "message 9"),
        (LdapProbe(), [ENTRY], Reason.BAD_ANSWER, "operation 0x64"),
        (LdapProbe(), [NOTICE], Reason.CLOSED, "52 unavailable shutting down"),
        (FIND, [BOUND, ENTRY + result(0x65, 0, number=3)], Reason.OK, "found"),
        (FIND, [BOUND, ENTRY + result(0x65, 4, number=3)], Reason.OK, "found"),
        (FIND, [BOUND, result(0x65, 4, number=3)], Reason.WRONG_STATUS, "4"),
        (FIND, [BOUND, result(0x65, 0, number=3)], Reason.NO_MATCH, "no entry"),
        (FIND, [BOUND, ENTRY * 2000], Reason.ANSWER_TOO_LONG, "1000 answers"),
        (LdapProbe(), [b"\x30\x84\x7f\xff\xff\xff"], Reason.ANSWER_TOO_LONG, "bytes"),
        (LdapProbe(), [b"\x30\x80"], Reason.BAD_ANSWER, "a length"),
        (LdapProbe(), [b"\x30\x03\x02\x01\x02"], Reason.BAD_ANSWER, "ends too early"),
        (LdapProbe(starttls=TlsSpec()), [result(0x78, 2, number=1)], Reason.TLS_FAILED, "protocolError"),
        (
            LdapProbe(starttls=TlsSpec()),
            [result(0x78, 0, number=1) + BOUND],
            Reason.BAD_ANSWER,
            "in the clear",
        ),
    ],
)
async def test_answers(probe: LdapProbe, answers: list[bytes], reason: Reason, detail: str) -> None:
    """What each answer means."""
    async with serving(saying(*answers, pause=0.05)) as port:
        found = (await probed(port, probe)).result
    assert (found.reason, detail in found.detail) == (reason, True), found


@pytest.mark.parametrize(("talk", "reasons"), hostile(BOUND))
async def test_hostile(talk: Talk, reasons: set[Reason]) -> None:
    """Slow, half-open, oversized, garbage."""
    async with serving(talk) as port:
        found = (await probed(port, LdapProbe(), limit=0.4)).result
    assert found.reason in reasons, found
    assert found.detail.isprintable()
