"""The health worker: runs the checks it is given and tells the supervisor what they say.

Its law: it has no privileges, because what a probed server answers is hostile input; without its supervisor it
has nobody to tell and ends at once.
"""

import asyncio
import gc
import os
import resource
import socket
import sys
from collections.abc import Mapping

import uvloop

from hactl import __version__
from hactl.processes.messages import (
    Commit,
    Discard,
    NoteLevel,
    Outcomes,
    Prepared,
    PrepareHealth,
    Stop,
    ToWorker,
    Transitions,
)
from hactl.workers import base, programs
from hactl.workers.check_programs import runner
from hactl.workers.program_client import Programs
from health.dialogue import ProbeError
from health.neighbours import Neighbours
from health.pool import Generation, Pool
from health.probes.ping import PingSocket, open_sockets
from health.result import Health, Transition

OUTCOMES_INTERVAL = 1.0


class HealthHandler:
    """Turns messages into work of the pool, and the pool's findings into messages."""

    def __init__(
        self, send: base.Send, helper: socket.socket | None, ping_sockets: Mapping[int, PingSocket | str]
    ) -> None:
        self._send = send
        self._programs = Programs(helper, self._helper_lost)
        self._pool = Pool(
            asyncio.get_running_loop(),
            f"hactl/{__version__}",
            self._changed,
            run_program=runner(self._programs),
            ping_sockets=ping_sockets,
        )
        self._prepared: tuple[int, Generation] | None = None
        self._stopped = asyncio.Event()
        self._internal_errors = 0
        self._undecided = 0
        self._is_short = False
        self._neighbours: Neighbours | None = None

    def receive(self, message: ToWorker) -> None:
        """Take one message."""
        if isinstance(message, PrepareHealth):
            self._prepare(message)
        elif isinstance(message, Commit):
            self._commit(message.generation)
        elif isinstance(message, Discard):
            self._prepared = None
        elif isinstance(message, Stop):
            self._stopped.set()

    def lost(self, reason: str) -> None:
        """The supervisor is gone: end."""
        self._stopped.set()

    async def run(self) -> None:
        """Send the latest results each second until stopped."""
        await self._programs.connect()
        try:
            self._neighbours = Neighbours(asyncio.get_running_loop(), self._pool.gone)
        except OSError as error:
            text = "hosts that leave the network are noticed by their checks only"
            base.note(self._send, NoteLevel.INFO, text, why=error.strerror or str(error))
        while not self._stopped.is_set():
            try:
                await asyncio.wait_for(self._stopped.wait(), OUTCOMES_INTERVAL)
            except TimeoutError:
                self._report()
        if self._neighbours is not None:
            self._neighbours.close()
        self._pool.close()
        self._programs.close()

    def _helper_lost(self, reason: str) -> None:
        """Only root can start another: end, to be started anew as a whole."""
        if not self._stopped.is_set():
            base.note(self._send, NoteLevel.ERROR, "the helper that runs programs has ended", reason=reason)
            self._stopped.set()

    def _prepare(self, message: PrepareHealth) -> None:
        try:
            generation = self._pool.prepare(message.spec, message.secrets)
        except ProbeError as error:
            self._prepared = None
            self._send(Prepared(message.generation, str(error)))
            return
        for warning in generation.warnings:
            base.note(self._send, NoteLevel.WARNING, "checks cannot run as configured", why=warning)
        self._prepared = message.generation, generation
        self._send(Prepared(message.generation))

    def _commit(self, number: int) -> None:
        if self._prepared is None or self._prepared[0] != number:
            base.note(self._send, NoteLevel.ERROR, "told to commit what was not prepared", generation=number)
            return
        applied = self._pool.apply(self._prepared[1])
        self._prepared = None
        # The checks stay as well: each look at ten thousand of them would hold everything up for 10 ms and more.
        gc.collect()
        gc.freeze()
        base.note(
            self._send,
            NoteLevel.INFO,
            "checks in force",
            generation=number,
            kept=applied.kept,
            started=applied.started,
            stopped=applied.stopped,
        )

    def _changed(self, transitions: tuple[Transition, ...]) -> None:
        self._send(Transitions(transitions))
        if any(change.new is Health.DOWN for change in transitions):
            # Whether others fail with it is seen by their latest results, for which nobody should have to wait.
            self._tell_outcomes()

    def _tell_outcomes(self) -> None:
        outcomes = self._pool.outcomes()
        if outcomes:
            self._send(Outcomes(outcomes))
        repeats = self._pool.repeats()
        if repeats.checks:
            self._send(repeats)

    def _report(self) -> None:
        self._tell_outcomes()
        errors = self._pool.counts.internal_errors
        if errors > self._internal_errors:
            base.note(
                self._send,
                NoteLevel.ERROR,
                "probes failed by a fault of hactl",
                count=errors - self._internal_errors,
            )
            self._internal_errors = errors
        self._say_shortage(self._pool.counts.undecided)

    def _say_shortage(self, undecided: int) -> None:
        """Say once that this host is out of what probes need, for the table then stands still, and when that is over."""
        is_short, self._undecided = undecided > self._undecided, undecided
        if is_short is self._is_short:
            return
        self._is_short = is_short
        if is_short:
            text = "this host is out of resources for checks: their verdicts stand"
            base.note(self._send, NoteLevel.ERROR, text)
        else:
            base.note(self._send, NoteLevel.INFO, "this host has resources for all checks again")


def main() -> None:
    """Run the worker on the socket given."""
    arguments = base.options(sys.argv[1:])
    with socket.socket(fileno=arguments.allowed) as allowed:
        is_root = os.geteuid() == 0 and arguments.user
        helper = programs.start(arguments.user, allowed) if is_root else None
    ping_sockets = open_sockets()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.freeze()  # What was imported stays: the collector need never look at it.
    base.drop_privileges(arguments.user, keep=(base.CAP_NET_RAW,) if arguments.mark else ())
    uvloop.run(base.serve(arguments.fd, lambda send: HealthHandler(send, helper, ping_sockets)))


if __name__ == "__main__":
    main()
