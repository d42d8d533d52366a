"""Questions that are out between two processes: each has a number, and its answer bears it.

The law: who asks waits so long and no longer; an answer that comes late, or to a question that nobody asked, is let go.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from hactl.patience import came

T = TypeVar("T")


class Questions(Generic[T]):
    """Used within one event loop."""

    def __init__(self) -> None:
        self._out: dict[int, asyncio.Future[T]] = {}

    async def ask(self, number: int, send: Callable[[], None], within: float) -> T:
        """Send the question, and its answer. Raises TimeoutError when none comes `within` seconds, those in which this
        process stood still not counted."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._out[number] = answer
        send()
        try:
            if not await came(answer, within):
                raise TimeoutError
            return answer.result()
        finally:
            self._out.pop(number, None)

    def answered(self, number: int, answer: T) -> None:
        """An answer came."""
        waiting = self._out.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def answer_all(self, answer: Callable[[int], T]) -> None:
        """Answer every question that is out: nobody else will any more. `answer` makes one from the number."""
        for number in tuple(self._out):
            self.answered(number, answer(number))
