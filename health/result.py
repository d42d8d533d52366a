"""How one probe ended: a closed list of reasons, each with a text a person can read.

The same word stands in status, log, event and metric.
"""

from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec


class Reason(StrEnum):
    """Why a probe passed or failed. `OK` is the only one that passes."""

    OK = "ok"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_UNREACHABLE = "connect_unreachable"
    CONNECT_FAILED = "connect_failed"
    CLOSED = "closed"
    READ_TIMEOUT = "read_timeout"
    TLS_FAILED = "tls_failed"
    TLS_UNVERIFIED = "tls_unverified"
    TLS_EXPIRING = "tls_expiring"
    BAD_ANSWER = "bad_answer"
    ANSWER_TOO_LONG = "answer_too_long"
    LOGIN_FAILED = "login_failed"
    WRONG_STATUS = "wrong_status"
    NO_MATCH = "no_match"
    NO_REPLY = "no_reply"
    PROGRAM_FAILED = "program_failed"
    PROGRAM_TIMEOUT = "program_timeout"
    NO_NUMBER = "no_number"
    NOT_RUNNING = "not_running"
    SAID_DOWN = "said_down"
    SAID_NOTHING = "said_nothing"
    CANNOT_RUN = "cannot_run"
    INTERNAL_ERROR = "internal_error"

    @property
    def text(self) -> str:
        """The reason in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Reason.OK: "passed",
    Reason.CONNECT_REFUSED: "connection refused",
    Reason.CONNECT_TIMEOUT: "no answer to the connection attempt in time",
    Reason.CONNECT_UNREACHABLE: "no route to the server",
    Reason.CONNECT_FAILED: "connection failed",
    Reason.CLOSED: "the server closed or reset the connection early",
    Reason.READ_TIMEOUT: "connected, but no complete answer in time",
    Reason.TLS_FAILED: "TLS handshake failed",
    Reason.TLS_UNVERIFIED: "the TLS certificate could not be verified",
    Reason.TLS_EXPIRING: "the TLS certificate ends soon",
    Reason.BAD_ANSWER: "the answer breaks the protocol",
    Reason.ANSWER_TOO_LONG: "the answer is longer than the limit",
    Reason.LOGIN_FAILED: "the server refused the login",
    Reason.WRONG_STATUS: "unexpected status code",
    Reason.NO_MATCH: "the answer does not hold what was expected",
    Reason.NO_REPLY: "no reply to the ping in time",
    Reason.PROGRAM_FAILED: "the program failed",
    Reason.PROGRAM_TIMEOUT: "the program did not end in time",
    Reason.NO_NUMBER: "no number can be read",
    Reason.NOT_RUNNING: "not enough of it runs",
    Reason.SAID_DOWN: "the server says itself that it is down",
    Reason.SAID_NOTHING: "the server says neither up nor down",
    Reason.CANNOT_RUN: "this director cannot run the check",
    Reason.INTERNAL_ERROR: "the probe itself failed; this is a fault of hactl",
}

DETAIL_LIMIT = 200
"""Longest detail in characters: what a server says is hostile input and goes into logs."""
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
"""A finite time: a worker that a server has turned could say others, which no status can show."""


LABEL_LIMIT, UNIT_LIMIT, MEASURES_LIMIT = 60, 8, 20
"""Longest name and unit of a measure, and most measures of one result."""


class Measure(msgspec.Struct, frozen=True):
    """Something that a program measured."""

    label: Annotated[str, msgspec.Meta(max_length=LABEL_LIMIT)]
    value: Annotated[float, msgspec.Meta(ge=-1e100, le=1e100)]
    unit: Annotated[str, msgspec.Meta(max_length=UNIT_LIMIT)] = ""


PERCENT_LIMIT = 1000
"""Largest share of its weight that a server can ask for."""


class Mode(StrEnum):
    """What a server wants to be, by its own word."""

    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


class Advice(msgspec.Struct, frozen=True):
    """What a server says of itself besides up and down: a share of its weight in percent; None: it says nothing of it."""

    percent: Annotated[int, msgspec.Meta(ge=0, le=PERCENT_LIMIT)] | None = None
    mode: Mode | None = None

    @property
    def text(self) -> str:
        """The advice as an agent writes it."""
        share = None if self.percent is None else f"{self.percent}%"
        return " ".join(word for word in (share, self.mode) if word)


def merged(old: Advice | None, new: Advice | None) -> Advice | None:
    """What stands after another word: what is not said anew stays."""
    if old is None or new is None:
        return new or old
    return Advice(
        old.percent if new.percent is None else new.percent, old.mode if new.mode is None else new.mode
    )


class End(NamedTuple):
    """What a probe concluded, before its time is added."""

    reason: Reason
    detail: str = ""
    number: int | None = None
    measures: tuple[Measure, ...] = ()
    advice: Advice | None = None

    def result(self, elapsed: float) -> "Result":
        """The same with its time. The detail may hold a server's own words: it is bounded and made one printable line."""
        shown = (
            self.detail if self.detail.isprintable() else "".join(map(_printable, self.detail[:DETAIL_LIMIT]))
        )
        return Result(
            reason=self.reason,
            detail=shown[:DETAIL_LIMIT],
            elapsed=elapsed,
            number=self.number,
            measures=self.measures,
            advice=self.advice,
        )


PASSED = End(Reason.OK)


def _printable(character: str) -> str:
    return character if character.isprintable() else "?"


def excerpt(data: bytes, limit: int = 60) -> str:
    """The beginning of received bytes in printable ASCII, for a detail."""
    text = data[:limit].decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")
    return text + ("..." if len(data) > limit else "")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The end of one probe. `detail` adds a specific such as the status code; `elapsed` is seconds.

    `number` is what a probe read that reads one, None of every other.
    """

    reason: Reason
    detail: Annotated[str, msgspec.Meta(max_length=DETAIL_LIMIT)] = ""
    elapsed: Seconds = 0.0
    number: int | None = None
    measures: Annotated[tuple[Measure, ...], msgspec.Meta(max_length=MEASURES_LIMIT)] = ()
    advice: Advice | None = None

    @property
    def passed(self) -> bool:
        """Whether the check passed."""
        return self.reason is Reason.OK


class Health(StrEnum):
    """What the checks say about a target. Unknown: too few results yet."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict changed. `check` is the `CheckSpec.id`; `at` is monotonic seconds, `since` when the results that
    changed it began."""

    check: str
    old: Health
    new: Health
    result: Result
    at: Seconds
    since: Seconds = 0.0
    damped: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The latest result of one check with its verdict, for status. `at` is monotonic seconds.

    `since` is when the results began that changed the verdict, 0 where this one changed nothing. `damped`: it fell too
    often. `held`: the check it depends on is down, so nothing is concluded.
    """

    check: str
    health: Health
    result: Result
    at: Seconds
    since: Seconds = 0.0
    damped: bool = False
    held: bool = False


class Repeats(msgspec.Struct, frozen=True, tag=True):
    """Checks that passed once more, with a result that differs from the last one told by its times only.

    One column each: `CheckSpec.id`, when the probe ended (monotonic seconds), how long it took.
    """

    checks: tuple[str, ...]
    at: tuple[Seconds, ...]
    elapsed: tuple[Seconds, ...]


def outcome(change: Transition) -> Outcome:
    """The result that changed a verdict, with the new one."""
    return Outcome(
        check=change.check,
        health=change.new,
        result=change.result,
        at=change.at,
        since=change.since,
        damped=change.damped,
    )


def remembering(before: Outcome | None, now: Outcome) -> Outcome:
    """The later outcome with the advice that still stands from the one before."""
    if before is None or before.result.advice is None:
        return now
    advice = merged(before.result.advice, now.result.advice)
    if advice == now.result.advice:
        return now
    return msgspec.structs.replace(now, result=msgspec.structs.replace(now.result, advice=advice))
