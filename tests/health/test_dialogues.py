"""Dialogues alone, fed with anything in any pieces: they never raise, and how bytes are cut decides nothing."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from health.dialogue import Dialogue, Farewell, Kit, Plan, StartTls
from health.result import End, Reason
from health.spec import BodyMatch, CheckSpec, HttpProbe, SshProbe, TcpProbe
from health.wire import http, ssh, tcp


def search(pattern: re.Pattern[bytes], data: bytes) -> bool:
    """A search without a time limit."""
    return pattern.search(data) is not None


KIT = Kit("hactl/test", "lb1", search, bytes, {"/p": "secret"}.get)


def check(probe: HttpProbe | TcpProbe) -> CheckSpec:
    """A check by this probe."""
    return CheckSpec(address="192.0.2.1", port=80, probe=probe)


def opened(plan: Plan) -> Dialogue:
    """A dialogue that has begun."""
    assert plan.dialogue is not None
    dialogue = plan.dialogue()
    dialogue.begin()
    return dialogue


def http_dialogue(probe: HttpProbe) -> Dialogue:
    """The dialogue of an http probe."""
    return opened(http.plan(check(probe), probe, KIT))


def tcp_dialogue(probe: TcpProbe) -> Dialogue:
    """The dialogue of a tcp probe."""
    return opened(tcp.plan(check(probe), probe, KIT))


def ending(dialogue: Dialogue, pieces: list[bytes]) -> Reason | str:
    """How a dialogue ends that is fed with these pieces and then the end."""
    for piece in pieces:
        answer = dialogue.receive(piece) if piece else b""
        if not isinstance(answer, bytes):
            break
    else:
        answer = dialogue.eof()
    if isinstance(answer, StartTls):
        return "go on inside TLS"
    if isinstance(answer, Farewell):
        return answer.end.reason
    return answer.reason if isinstance(answer, End) else f"go on at {answer.port}"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;a=b\r\nk\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nit is ok",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: https://192.0.2.1:8443/\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\x00\x01",
    b"banner\r\nSSH-2.0-OpenSSH_9.2\r\n",
    b"220 mail.example.org ready\r\n",
]
PROBES = [
    HttpProbe(),
    HttpProbe(redirects=1),
    HttpProbe(body=BodyMatch(contains="ok")),
    HttpProbe(body=BodyMatch(regex="o.?k", sha256="0" * 64), redirects=2),
    HttpProbe(method="HEAD", body=BodyMatch(contains="ok")),
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """An answer with some bytes changed, or anything at all."""
    data = bytearray(draw(st.sampled_from([*ANSWERS, draw(st.binary(max_size=300))])))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


@given(st.sampled_from(PROBES), spoilt(), st.lists(st.integers(0, 400), max_size=8))
@example(PROBES[2], ANSWERS[1], list(range(100)))
@example(PROBES[1], ANSWERS[5], [])
def test_http_is_the_same_in_any_pieces(probe: HttpProbe, data: bytes, places: list[int]) -> None:
    """One reason for the same bytes, and never an exception."""
    assert ending(http_dialogue(probe), cut(data, places)) == ending(http_dialogue(probe), [data])


@given(spoilt(), st.lists(st.integers(0, 400), max_size=8))
def test_ssh_is_the_same_in_any_pieces(data: bytes, places: list[int]) -> None:
    """One reason for the same bytes, and never an exception."""
    plan = ssh.plan(check(TcpProbe()), SshProbe(), KIT)
    assert ending(opened(plan), cut(data, places)) == ending(opened(plan), [data])


@given(spoilt(), st.lists(st.integers(0, 400), max_size=8), st.sampled_from(["ready", "ok", "\r\n", ""]))
def test_tcp_finds_text_in_any_pieces(data: bytes, places: list[int], text: str) -> None:
    """Text is found wherever the bytes are cut."""
    for probe in (TcpProbe(expect=text), TcpProbe(expect_regex=re.escape(text))):
        reason = ending(tcp_dialogue(probe), cut(data, places))
        if data:
            assert (reason is Reason.OK) == (text.encode() in data)


def test_bytes_beyond_the_limit_do_not_match() -> None:
    """What stands after the part of an answer that counts is not found."""
    probe = TcpProbe(expect="ready")
    assert ending(tcp_dialogue(probe), [b"x" * tcp.ANSWER_LIMIT + b"ready"]) is Reason.ANSWER_TOO_LONG


@pytest.mark.parametrize("limit", [http.BODY_LIMIT, http.BODY_LIMIT + 1])
def test_body_limit(limit: int) -> None:
    """A body as long as the limit is judged, one byte more is too long."""
    data = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * limit
    expected = Reason.NO_MATCH if limit == http.BODY_LIMIT else Reason.ANSWER_TOO_LONG
    assert ending(http_dialogue(PROBES[2]), [data]) is expected


def test_redirects_are_counted_down() -> None:
    """A redirect gives another conversation, with one redirect less; the last one is refused."""
    plan = http.plan(check(HttpProbe(redirects=1)), HttpProbe(redirects=1), KIT)
    answer = opened(plan).receive(ANSWERS[4])
    assert isinstance(answer, Plan)
    assert (answer.address, answer.port, answer.tls) == ("192.0.2.1", 80, None)
    end = opened(answer).receive(ANSWERS[4])
    assert isinstance(end, End)
    assert end.reason is Reason.WRONG_STATUS
