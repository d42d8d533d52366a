"""A worker's side of the helper that runs operators' programs."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Mapping

from hactl import process
from hactl.processes.ipc import Link, connect
from hactl.processes.questions import Questions
from hactl.workers.programs import Ended, Left, Run, ended

GRACE = 5.0
"""Seconds beyond a program's own time in which the helper must have answered."""


class Programs:
    """Has programs run by the helper at the other end of `sock`; without one (None) runs them itself, as it is."""

    def __init__(self, sock: socket.socket | None, on_lost: Callable[[str], None]) -> None:
        self._sock = sock
        self._on_lost = on_lost
        self._link: Link[Ended] | None = None if sock is None else Link(Ended, self._ended, self._lost)
        self._ids = itertools.count(1)
        self._questions: Questions[Ended] = Questions()

    async def connect(self) -> None:
        """Join the link; what was asked of the helper before is sent now."""
        if self._link is not None and self._sock is not None:
            await connect(self._link, self._sock)

    async def run(
        self,
        command: tuple[str, ...],
        user: str,
        environment: Mapping[str, str],
        stdin: bytes,
        within: float,
    ) -> str:
        """Run a program for at most `within` seconds; the failure in words, empty when its status was 0."""
        return (await self.attend(command, user, environment, stdin, within)).failure

    async def attend(
        self,
        command: tuple[str, ...],
        user: str,
        environment: Mapping[str, str],
        stdin: bytes,
        within: float,
        hosts: tuple[str, ...] = (),
    ) -> Ended:
        """The same, with hosts as further arguments; how it ended, with the reason and what it wrote. When this is cancelled
        the program is killed."""
        if self._link is None:
            whole = (*command, *hosts)
            return ended(0, await process.run(whole, env=environment, stdin=stdin, timeout=within, user=user))
        link, number = self._link, next(self._ids)
        asked = Run(number, command, user, dict(environment), stdin, within, hosts)
        try:
            return await self._questions.ask(number, lambda: link.send(asked), within + GRACE)
        except asyncio.CancelledError:
            link.send(Left(number))
            raise
        except TimeoutError:
            return Ended(number, "the helper that runs programs does not answer")

    def close(self) -> None:
        """Let the helper end, and with it what it runs."""
        if self._link is not None:
            self._link.close()

    def _ended(self, message: Ended) -> None:
        self._questions.answered(message.id, message)

    def _lost(self, reason: str) -> None:
        self._questions.answer_all(lambda number: Ended(number, "the helper that runs programs has ended"))
        self._on_lost(reason)
