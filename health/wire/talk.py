"""Protocols of request and answer: what arrives is cut into units, and a generator says what follows each.

Its law: units come one by one and in order however the bytes were cut; their size and number are bounded; and
nothing that was said in the clear is taken for something said inside TLS.
"""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from health.dialogue import Answer, Farewell, StartTls
from health.result import End, Reason, excerpt

UNITS_LIMIT = 1000
"""Units taken from one server in one conversation."""
LINE_LIMIT = 8 * 1024
"""Longest line in bytes, its end included."""

Unit = TypeVar("Unit")
Given = TypeVar("Given")
Step = bytes | StartTls
Turns = Generator[Step, Unit, Given]
"""Yields what to say (empty: nothing) and is given the next unit; after a StartTls it is given nothing of use."""
Cut = Callable[[bytearray], Unit | End | None]
"""Takes the next unit off the front of what arrived; None: not all there yet; an End: it never will be."""


class Over(Exception):
    """The conversation is decided, from wherever in it."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.end = End(reason, detail)


class Talk(Generic[Unit]):
    """A dialogue that takes its turns from a generator."""

    awaits_answer = True

    def __init__(self, turns: Turns[Unit, End | Farewell], cut: Cut[Unit]) -> None:
        self._turns = turns
        self._cut = cut
        self._buffer = bytearray()
        self._units = 0

    def begin(self) -> Answer:
        """What to say first; nothing where the server speaks first."""
        return self._step(lambda: next(self._turns))

    def receive(self, data: bytes) -> Answer:
        """Cut units off and answer each."""
        self._buffer += data
        said = b""
        while True:
            unit = self._cut(self._buffer)
            if unit is None:
                return said
            answer = unit if isinstance(unit, End) else self._turn(unit)
            if not isinstance(answer, bytes):
                return answer
            said += answer

    def eof(self) -> End:
        """The server ended before all was said."""
        return End(Reason.CLOSED, f"after {excerpt(bytes(self._buffer))}" if self._buffer else self._so_far())

    def _so_far(self) -> str:
        return f"after {self._units} answers" if self._units else "no answer"

    def _turn(self, unit: Unit) -> Answer:
        self._units += 1
        if self._units > UNITS_LIMIT:
            return End(Reason.ANSWER_TOO_LONG, f"more than {UNITS_LIMIT} answers")
        return self._step(lambda: self._turns.send(unit))

    def _step(self, turn: Callable[[], Step]) -> Answer:
        try:
            step = turn()
        except StopIteration as stop:
            end: End | Farewell = stop.value
            return end
        except Over as over:
            return over.end
        if isinstance(step, bytes):
            return step
        if self._buffer:
            return End(Reason.BAD_ANSWER, "said more in the clear after it agreed to TLS")
        return step._replace(secured=self.begin)


def line(buffer: bytearray) -> bytes | End | None:
    """Take one line off, without its end."""
    found = buffer.find(b"\n", 0, LINE_LIMIT)
    if found < 0:
        if len(buffer) < LINE_LIMIT:
            return None
        return End(
            Reason.ANSWER_TOO_LONG, f"a line of more than {LINE_LIMIT} bytes: {excerpt(bytes(buffer))}"
        )
    taken = bytes(buffer[:found])
    del buffer[: found + 1]
    return taken.removesuffix(b"\r")
