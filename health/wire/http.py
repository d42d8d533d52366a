"""The http probe, inside TLS or not: one request, its status and body judged (RFC 9110, RFC 9112).

Its law: the probe ends as soon as the answer is decided; headers and body are bounded, and what httptools does
not take for HTTP is a bad answer.
"""

import functools
import hashlib
import re
from typing import NamedTuple

import httptools
import msgspec

from health.dialogue import Kit, Plan, Search, expression
from health.result import PASSED, End, Reason, excerpt
from health.spec import CheckSpec, HttpProbe, TlsSpec
from health.wire.request import Location, default_host, host_name, redirected, request

HEADERS_LIMIT = 64 * 1024
"""Bytes of an answer before its body."""
BODY_LIMIT = 1024 * 1024
"""Bytes of a body that is looked at."""
_parser = httptools.HttpResponseParser
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER, _FETCHED = 303, frozenset({301, 302})


class Body(NamedTuple):
    """What a body must satisfy, ready to be judged."""

    contains: bytes | None
    pattern: re.Pattern[bytes] | None
    sha256: str | None
    search: Search

    def found_early(self, body: bytearray, searched: int) -> bool:
        """Whether a body that may go on passes already; its first `searched` bytes were looked at before."""
        if self.contains is None or self.pattern is not None or self.sha256 is not None:
            return False
        return body.find(self.contains, max(0, searched - len(self.contains) + 1), BODY_LIMIT) >= 0

    def judge(self, body: bytes) -> End:
        """How a whole body fares."""
        if self.contains is not None and self.contains not in body:
            return End(Reason.NO_MATCH, "the body does not contain the text")
        if self.sha256 is not None and hashlib.sha256(body).hexdigest() != self.sha256.lower():
            return End(Reason.NO_MATCH, f"the body's SHA-256 is {hashlib.sha256(body).hexdigest()}")
        if self.pattern is None:
            return PASSED
        found = self.search(self.pattern, body)
        if found is None:
            return End(Reason.NO_MATCH, "the expression took too long; simplify it")
        return PASSED if found else End(Reason.NO_MATCH, "the body does not match the expression")


class Exchange(NamedTuple):
    """One request and the judgement of its answer; `redirects` is how many may still be followed."""

    check: CheckSpec
    probe: HttpProbe
    kit: Kit
    location: Location
    request: bytes
    body: Body | None
    redirects: int

    def followed(self, status: int, there: str) -> "Plan | End":
        """Go on where a redirect leads; what was posted is not posted again, as with browsers (RFC 9110 section 15.4)."""
        if self.redirects == 0:
            return End(Reason.WRONG_STATUS, f"more than {self.probe.redirects} redirects")
        location = redirected(self.location, there)
        if isinstance(location, str):
            return End(Reason.WRONG_STATUS, location)
        probe = self.probe
        if probe.method != "HEAD" and (
            status == _SEE_OTHER or (status in _FETCHED and probe.method == "POST")
        ):
            probe = msgspec.structs.replace(probe, method="GET", send_body=None)
        sent = request(probe.method, location, probe.headers, self.kit.agent, probe.send_body)
        return self._replace(
            probe=probe, location=location, request=sent, redirects=self.redirects - 1
        ).plan()

    def plan(self) -> Plan:
        """The conversation of this exchange: at the check's address, whatever the location's host is."""
        tls = (self.probe.tls or TlsSpec()) if self.location.scheme == "https" else None
        name = (tls.name if tls else None) or host_name(self.location.host)
        by_status = self.body is None and self.redirects == self.probe.redirects == 0
        dialogue = functools.partial(HttpDialogue if by_status else WholeHttpDialogue, self)
        return Plan(self.check.address, self.location.port, tls, name, dialogue)


class HttpDialogue:
    """Feeds httptools and decides by the status alone. Methods called `on_...` are called by httptools."""

    awaits_answer = True

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._parser: httptools.HttpResponseParser | None = _parser(self)
        # Lines that end in LF alone, as small programs write them (RFC 9112 section 2.2).
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._decided: End | Plan | None = None
        self._status = 0
        self._before_body = 0

    def begin(self) -> bytes:
        """The request."""
        return self._exchange.request

    def receive(self, data: bytes) -> bytes | End | Plan:
        """Parse; the callbacks decide."""
        parser = self._parser
        assert parser is not None
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # A 101 has been judged by its status like any other answer.
        except httptools.HttpParserError as error:
            if self._decided is None:
                self._decided = End(Reason.BAD_ANSWER, f"{error}: {excerpt(data)}")
        if self._status == 0:
            self._before_body += len(data)
            if self._before_body > HEADERS_LIMIT:
                self._decided = End(Reason.ANSWER_TOO_LONG, f"headers longer than {HEADERS_LIMIT} bytes")
        if self._decided is None:
            return b""
        self._parser = (
            None  # It holds us as we hold it; let go, so that nothing waits for the garbage collector.
        )
        return self._decided

    def eof(self) -> End | Plan:
        """An answer cut short."""
        return End(Reason.CLOSED, "within the headers" if self._before_body else "no answer")

    def on_headers_complete(self) -> None:
        """A status is there; one that announces another answer decides nothing."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self._status = status
        self._decided = self._judge(status)

    def _judge(self, status: int) -> End | Plan | None:
        for low, high in self._exchange.probe.status:
            if low <= status <= high:
                return _passed(status)
        return End(Reason.WRONG_STATUS, str(status))


@functools.lru_cache(maxsize=32)
def _passed(status: int) -> End:
    """One object for all answers of this status, of which thousands a second may come."""
    return End(Reason.OK, str(status))


class WholeHttpDialogue(HttpDialogue):
    """Decides by status, headers and body."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._body = bytearray()
        self._location: str | None = None
        self._length_known = False

    def eof(self) -> End | Plan:
        """The end of a body of unknown length, or an answer cut short."""
        if self._status == 0:
            return super().eof()
        if self._length_known or self._exchange.body is None:
            return End(Reason.CLOSED, "within the body")
        return self._exchange.body.judge(bytes(self._body))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, of this answer or of one that goes before it."""
        name = name.lower()
        if name == b"location":
            self._location = value.decode("latin-1")
        elif name in (b"content-length", b"transfer-encoding"):
            self._length_known = True

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        body = self._exchange.body
        if self._decided is not None or body is None:
            return
        searched = len(self._body)
        self._body += data
        if body.found_early(self._body, searched):
            self._decided = PASSED
        elif len(self._body) > BODY_LIMIT:
            self._decided = End(Reason.ANSWER_TOO_LONG, f"body longer than {BODY_LIMIT} bytes")

    def on_message_complete(self) -> None:
        """The whole body is there; also called after an answer that announces another."""
        if self._decided is None and self._status != 0 and self._exchange.body is not None:
            self._decided = self._exchange.body.judge(bytes(self._body))

    def _judge(self, status: int) -> End | Plan | None:
        exchange = self._exchange
        if exchange.probe.redirects and status in _REDIRECTS and self._location is not None:
            return exchange.followed(status, self._location)
        end = super()._judge(status)
        if (isinstance(end, End) and end.reason is not Reason.OK) or exchange.body is None:
            return end
        return exchange.body.judge(b"") if exchange.probe.method == "HEAD" else None


def plan(check: CheckSpec, probe: HttpProbe, kit: Kit) -> Plan:
    """How this check is carried out. Raises ProbeError."""
    scheme = "http" if probe.tls is None else "https"
    given = {name.lower(): value for name, value in probe.headers}.get("host")
    host = given or probe.host or default_host(scheme, check.address, check.port)
    location = Location(scheme, host, probe.path, check.port)
    sent = request(probe.method, location, probe.headers, kit.agent, probe.send_body)
    return Exchange(check, probe, kit, location, sent, _body(probe, kit), probe.redirects).plan()


def _body(probe: HttpProbe, kit: Kit) -> Body | None:
    match = probe.body
    if match is None or (match.contains is None and match.regex is None and match.sha256 is None):
        return None
    pattern = None if match.regex is None else expression(match.regex)
    contains = None if match.contains is None else match.contains.encode()
    return Body(contains, pattern, match.sha256, kit.search)
