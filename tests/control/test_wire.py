"""HTTP as bytes: requests in pieces and in a row, what is too long, and what an answer looks like."""

import pytest

from hactl.control import forms
from hactl.control.refusals import Code
from hactl.control.wire import MAX_HEAD, MAX_REQUEST, Reader, Request, encoded

GET = b"GET /v1/events?limit=1&last= HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/resume HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"POST /v1/resume HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
LAST = b"GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n"
DATE = "Fri, 27 Nov 2026 01:00:00 GMT"


def read(*pieces: bytes) -> tuple[list[Request], Code | None]:
    """All requests, and why there are no more."""
    reader = Reader()
    requests = [request for piece in pieces for request in reader.feed(piece)]
    return requests, reader.refused.code if reader.refused else None


def test_requests_in_a_row_however_they_are_cut() -> None:
    """Each is whole, in its order; after one that is the last, nothing is read."""
    data = GET + POST + CHUNKED + LAST
    expected = [
        Request("GET", "/v1/events?limit=1&last=", b"", False),
        Request("POST", "/v1/resume", b"{}", False),
        Request("POST", "/v1/resume", b"{}", False),
        Request("GET", "/v1/status", b"", True),
    ]
    assert read(data) == (expected, None)
    assert read(data + GET) == (expected, None)
    for at in range(len(data)):
        assert read(data[:at], data[at:]) == (expected, None)
    assert read(*(data[at : at + 1] for at in range(len(data)))) == (expected, None)


def test_path_and_query_are_decoded() -> None:
    """What names and values mean is not decided here."""
    (request,), _ = read(b"GET /v1/a%20b?c=%C3%A4+1&d&c=%ff HTTP/1.1\r\n\r\n")
    assert request.path == "/v1/a b"
    assert request.query == [("c", "ä 1"), ("d", ""), ("c", "\ufffd")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x16\x03\x01\x02", Code.INVALID),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Code.INVALID),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", Code.INVALID),
        (b"GET / HTTP/1.1\r\nContent-Length:\r\n\r\n", Code.INVALID),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Code.INVALID),
        (b"GET /" + b"a" * MAX_HEAD, Code.TOO_LARGE),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEAD, Code.TOO_LARGE),
        (CHUNKED[:-2] + b"Trailer: " + b"a" * MAX_HEAD, Code.TOO_LARGE),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_REQUEST + 1), Code.TOO_LARGE),
    ],
)
def test_what_is_refused(data: bytes, code: Code) -> None:
    """Whole or in pieces, and what came before it is served."""
    assert read(GET, data) == (read(GET)[0], code)
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    assert read(GET, *pieces) == (read(GET)[0], code)


def test_a_body_may_be_so_long_and_no_longer() -> None:
    """By its announced length and by its real one."""
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % MAX_REQUEST
    (request,), refused = read(head, b" " * MAX_REQUEST)
    assert (len(request.body), refused) == (MAX_REQUEST, None)
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read(head, chunk, chunk, b"0\r\n\r\n")[1] is None
    assert read(head, chunk, chunk, b"1\r\n \r\n0\r\n\r\n") == ([], Code.TOO_LARGE)


def test_who_waits_for_our_word() -> None:
    """Until the body is there; one that is too long anyway is refused at once."""
    reader = Reader()
    head = b"POST / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: %d\r\n\r\n"
    assert (reader.feed(head % 2), reader.awaited) == ([], True)
    assert (len(reader.feed(b"{}")), reader.awaited) == (1, False)
    assert read(head % (MAX_REQUEST + 1)) == ([], Code.TOO_LARGE)


def test_nothing_else_is_spoken() -> None:
    """Who wants another protocol gets the answer in this one, and then the end."""
    asked = b"GET /v1/status HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"
    assert read(asked, GET) == ([Request("GET", "/v1/status", b"", True)], None)


def test_an_answer() -> None:
    """With its length, and without its body where HEAD asked."""
    reply = forms.answer({"ok": True})
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 11\r\n"
        b"Date: Fri, 27 Nov 2026 01:00:00 GMT\r\nConnection: keep-alive\r\n\r\n"
    )
    assert encoded(reply, DATE, last=False) == head + b'{"ok":true}'
    assert encoded(reply, DATE, last=False, bodiless=True) == head
    refused = forms.Reply(405, b"{}", "GET,POST")
    assert b"405 Method Not Allowed\r\n" in encoded(refused, DATE, last=True)
    assert b"\r\nAllow: GET,POST\r\nConnection: close\r\n\r\n{}" in encoded(refused, DATE, last=True)
