"""The agent probe: a server says itself how it is and what share of connections it wants (HAProxy's agent-check).

Its law: what is not said changes nothing, silence least of all: whether a server lives is for other checks to find out. Only
the first line counts, and unknown words in it do not.

Source: HAProxy Configuration Manual, section 5.2, "agent-check".
"""

import re
from typing import Final

from health.dialogue import Kit, Plan
from health.result import PERCENT_LIMIT, Advice, End, Health, Mode, Reason, excerpt
from health.spec import AgentProbe, CheckSpec

LINE_LIMIT = 1024
"""Bytes in which the first line must end."""
_PERCENT: Final = re.compile(rb"(?:weight:)?([0-9]{1,4})%")
_MODES: Final = {b"ready": Mode.READY, b"drain": Mode.DRAIN, b"maint": Mode.MAINT}
_DOWN: Final = frozenset({b"down", b"fail", b"failed", b"stopped"})
_ENDS: Final = re.compile(rb"[\r\n]")


def plan(check: CheckSpec, probe: AgentProbe, kit: Kit) -> Plan:
    """How this check is carried out."""
    send = (probe.send or "").encode()
    return Plan(check.address, check.port, dialogue=lambda: _Listening(send))


class _Listening:
    """Send, then read one line; the end of the connection ends it too."""

    awaits_answer = True

    def __init__(self, send: bytes) -> None:
        self._send = send
        self._line = bytearray()

    def begin(self) -> bytes:
        """What the agent is told."""
        return self._send

    def receive(self, data: bytes) -> bytes | End:
        """Wait for the end of the line."""
        self._line += data
        line, *rest = _ENDS.split(bytes(self._line), maxsplit=1)
        if rest:
            return read(line)
        if len(line) > LINE_LIMIT:
            return End(Reason.ANSWER_TOO_LONG, f"no line of {LINE_LIMIT} bytes: {excerpt(line)}")
        return b""

    def eof(self) -> End:
        """The agent has said all."""
        return read(bytes(self._line)) if self._line else End(Reason.CLOSED, "no answer")


def read(line: bytes) -> End:
    """What a line says: words and a percentage in any order, then perhaps a sharp and what people may read."""
    words, _, why = line.partition(b"#")
    percent, mode, health = None, None, None
    for word in re.split(rb"[\s,]+", words.lower()):
        if found := _PERCENT.fullmatch(word):
            percent = min(int(found[1]), PERCENT_LIMIT)
        elif word in _MODES:
            mode = _MODES[word]
        elif word == b"up" or word in _DOWN:
            health = word
    if percent is None and mode is None and health is None:
        return End(Reason.BAD_ANSWER, f"said {excerpt(line)}")
    advice = Advice(percent, mode) if percent is not None or mode is not None else None
    reason = Reason.SAID_NOTHING if health is None else Reason.OK if health == b"up" else Reason.SAID_DOWN
    said = excerpt(words.strip()) + (f" ({excerpt(why.strip())})" if why.strip() else "")
    return End(reason, said, advice=advice)


def standing(end: End, before: Health) -> End:
    """The result of an agent's answer after the verdict `before`: as it was, unless it said up or down."""
    if end.reason in (Reason.OK, Reason.SAID_DOWN):
        return end
    said = end.detail
    if end.reason is not Reason.SAID_NOTHING:
        said = f"no word: {end.reason.text}" + (f" ({said})" if said else "")
    return end._replace(reason=Reason.SAID_DOWN if before is Health.DOWN else Reason.OK, detail=said)
