"""HTTP/1.1 as the control socket speaks it: bytes to requests, replies to bytes; core.

The law: whatever is sent, what is kept of it is bounded, by MAX_REQUEST bytes of a body and MAX_HEAD of all else. What is no
HTTP or too long is refused, and nothing that follows it is looked at. httptools, which is llhttp, knows the grammar.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

import httptools
import msgspec

from hactl.control.forms import Reply
from hactl.control.refusals import Code, RefusedError

MAX_REQUEST = 64 * 1024
"""Longest body of a request in bytes."""
MAX_HEAD = 32 * 1024
"""Most bytes of a request besides its body; looked at with each feeding, so that one of them may be beyond."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Request(msgspec.Struct, frozen=True):
    """A whole request. `last`: the connection ends with its answer."""

    method: str
    target: str
    body: bytes
    last: bool

    @property
    def path(self) -> str:
        """Without the query, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> list[tuple[str, str]]:
        """Names and values, decoded."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)


class Reader:
    """Reads one connection. Methods called `on_...` are called by httptools.

    `refused` says why nothing more is read; `awaited` that the client waits for our word before it sends a body.
    """

    def __init__(self) -> None:
        self.refused: RefusedError | None = None
        self.awaited = False
        self._parser = httptools.HttpRequestParser(self)
        self._complete: list[Request] = []
        self._ended = False
        self._besides = 0
        self.on_message_begin()

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete with these bytes. Sets `refused` where what follows them cannot be read."""
        self._besides += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ended = True  # We speak nothing else: the request is answered as if it had not asked.
        except httptools.HttpParserError as error:
            if not self._ended:
                self._refuse(Code.INVALID, f"this is no HTTP: {error}")
        if self._besides > MAX_HEAD:
            self._refuse(Code.TOO_LARGE, f"the head of a request is at most {MAX_HEAD} bytes")
        complete, self._complete = self._complete, []
        return complete

    def on_message_begin(self) -> None:
        """Another request."""
        self._target, self._body = bytearray(), bytearray()

    def on_url(self, piece: bytes) -> None:
        """The target, or more of it."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of all headers two matter."""
        match name.lower():
            case b"content-length" if int(value) > MAX_REQUEST:
                self._refuse_body()
            case b"expect":
                self.awaited = value.lower() == b"100-continue"

    def on_body(self, piece: bytes) -> None:
        """The body, or more of it."""
        self._besides -= len(piece)
        if len(self._body) + len(piece) > MAX_REQUEST:
            self._refuse_body()
        elif self.refused is None:
            self._body += piece

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.refused is not None or self._ended:
            return
        self._ended = not self._parser.should_keep_alive() or self._parser.should_upgrade()
        method, target = self._parser.get_method().decode(), self._target.decode()
        self._complete.append(Request(method, target, bytes(self._body), self._ended))
        self._besides, self.awaited = 0, False

    def _refuse_body(self) -> None:
        self._refuse(Code.TOO_LARGE, f"the body of a request is at most {MAX_REQUEST} bytes")

    def _refuse(self, code: Code, message: str) -> None:
        self.refused = self.refused or RefusedError(code, message)


def encoded(reply: Reply, date: str, *, last: bool, bodiless: bool = False) -> bytes:
    """An answer as it is sent; `date` as in its header, `bodiless` where HEAD asked."""
    head = (
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(reply.body)}",
        f"Date: {date}",
        *([f"Allow: {reply.allow}"] if reply.allow else []),
        f"Connection: {'close' if last else 'keep-alive'}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if bodiless else reply.body)
