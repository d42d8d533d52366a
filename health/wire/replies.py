"""Replies that begin with a number of three digits, of one line or several (RFC 959 section 4.2, RFC 5321 section 4.2).

Its law: what has no such number breaks the protocol; a number that was not asked for says so with the server's words.
"""

from typing import NamedTuple

from health.result import Reason, excerpt
from health.wire.talk import Over, Turns

LINES_LIMIT = 100
"""Lines of one reply."""


class Reply(NamedTuple):
    """Its number and the text of each line."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """Number and last line, printable, for a detail."""
        return f"{self.code} {excerpt(self.lines[-1])}".rstrip()


def reply(say: bytes) -> Turns[bytes, Reply]:
    """Say something (empty: nothing) and gather the whole reply. Raises Over.

    The reply is of several lines when the first has a minus after the number; it ends with the line that begins with
    the same number and no minus. FTP allows anything between.
    """
    first = yield say
    code = _code(first)
    if code is None:
        raise Over(Reason.BAD_ANSWER, f"said {excerpt(first)}")
    lines = [first[4:]]
    last = first[3:4] != b"-"
    while not last:
        line = yield b""
        own = _code(line) == code
        last = own and line[3:4] != b"-"
        lines.append(line[4:] if own else line)
        if len(lines) > LINES_LIMIT:
            raise Over(Reason.ANSWER_TOO_LONG, f"a reply of more than {LINES_LIMIT} lines")
    return Reply(code, tuple(lines))


def expected(say: bytes, *codes: int, reason: Reason = Reason.WRONG_STATUS) -> Turns[bytes, Reply]:
    """Say something and have one of these numbers as the reply; another ends the probe with `reason`. Raises Over."""
    said = yield from reply(say)
    if said.code not in codes:
        raise Over(reason, said.text)
    return said


def _code(line: bytes) -> int | None:
    """The number at the front of a line, None where there is none."""
    number, follows = line[:3], line[3:4]
    if len(number) == 3 and number.isdigit() and number[:1] in b"12345" and follows in (b" ", b"-", b""):
        return int(number)
    return None
