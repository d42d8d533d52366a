"""The helper process that runs operators' programs as their users, for a worker that has no such right any more.

The law: it keeps the rights to change identity and to kill, and nothing else; it runs only commands that the
supervisor allowed, each as the user it was allowed for; its worker, which may have been turned by what it
talks to, has no say in that. When its worker is gone, so are the programs, and then it ends.

It is forked from its worker, which by then has imported all that it needs and done nothing else: what both have loaded
is in memory once.
"""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from hactl import process
from hactl.processes.ipc import Link, connect
from hactl.processes.messages import AllowPrograms
from hactl.workers.base import drop_privileges, load_codecs

CAP_KILL = 5
CAP_SETGID = 6
CAP_SETUID = 7
RUNNING = 64
"""Most programs at once."""
OURS = "HACTL_"
"""How the names of the variables begin that a worker may set: a turned one must not choose a program's libraries."""
OUTPUT_TOLD = 16 * 1024
"""Bytes of a program's output that its worker is told."""
NAME = "hactl-programs"
"""The name of the process, of which the kernel keeps 15 bytes."""
_STANDARD = 3
_OPEN_FILES = 1024
_MOMENT = 0.2


class Run(msgspec.Struct, frozen=True, tag=True):
    """Run this for at most `timeout` seconds, with `hosts` as further arguments; `id` is given back with the end."""

    id: int
    command: tuple[str, ...]
    user: str
    environment: dict[str, str]
    stdin: bytes
    timeout: float
    hosts: tuple[str, ...] = ()


class Left(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits for the end of this run any more."""

    id: int


class Ended(msgspec.Struct, frozen=True, tag=True):
    """A program has ended; `failure` in words, empty when its status was 0. `reason` None: it was not run at all.

    `output` is the beginning of what it wrote.
    """

    id: int
    failure: str
    reason: process.ExitReason | None = None
    status: int | None = None
    output: bytes = b""


class Helper:
    """Serves one worker over one link; what it may do comes over another."""

    def __init__(self) -> None:
        self.answer: Callable[[Ended], None] = lambda ended: None
        self._allowed: frozenset[tuple[tuple[str, ...], str]] = frozenset()
        self._hosts: dict[tuple[tuple[str, ...], str], frozenset[str]] = {}
        self._requests: asyncio.Queue[Run | Left | None] = asyncio.Queue()
        self._running = 0

    def allow(self, message: AllowPrograms) -> None:
        """The supervisor's word."""
        self._allowed = frozenset(message.programs)
        self._hosts = {(each.command, each.user): frozenset(each.hosts) for each in message.with_hosts}

    def receive(self, message: Run | Left) -> None:
        """The worker's wish. The word that allows it was said before, but may be read a moment later."""
        if isinstance(message, Left):
            self._requests.put_nowait(message)
        elif self._may(message):
            self._take(message)
        else:
            asyncio.get_running_loop().call_later(_MOMENT, self._take, message)

    def _take(self, message: Run) -> None:
        if not self._may(message):
            self.answer(Ended(message.id, "not a program of the configuration in force"))
        elif not all(name.startswith(OURS) for name in message.environment):
            self.answer(Ended(message.id, f"only variables named {OURS}... are handed to programs"))
        elif self._running >= RUNNING:
            self.answer(Ended(message.id, f"{RUNNING} programs run already", process.ExitReason.SCARCE))
        else:
            self._running += 1
            self._requests.put_nowait(message)

    def _may(self, message: Run) -> bool:
        program = (message.command, message.user)
        if not message.hosts:
            return program in self._allowed
        return self._hosts.get(program, frozenset()).issuperset(message.hosts)

    def lost(self, reason: str) -> None:
        """The worker is gone."""
        self._requests.put_nowait(None)

    async def serve(self) -> None:
        """Run what is asked until nobody waits for it or the worker is gone; what then still runs is killed."""
        async with asyncio.TaskGroup() as group:
            running: set[asyncio.Task[None]] = set()
            while (request := await self._requests.get()) is not None:
                if isinstance(request, Left):
                    for task in running:
                        if task.get_name() == str(request.id):
                            task.cancel()
                    continue
                task = group.create_task(self._run(request), name=str(request.id))
                running.add(task)
                task.add_done_callback(running.discard)
                task.add_done_callback(self._over)
            for task in running:
                task.cancel()

    async def _run(self, request: Run) -> None:
        end = await process.run(
            (*request.command, *request.hosts),
            env=request.environment,
            stdin=request.stdin,
            timeout=request.timeout,
            user=request.user,
        )
        self.answer(ended(request.id, end))

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running -= 1


def ended(number: int, end: process.Exit) -> Ended:
    """The end of a run as a worker is told."""
    return Ended(number, end.failure, end.reason, end.status, end.output[:OUTPUT_TOLD])


def start(user: str, allowed: socket.socket) -> socket.socket:
    """Start the helper, as root and before there is a second thread; the worker's end of the link to it. `allowed` is the
    supervisor's link to the helper. Nobody waits for the helper: it ends by itself when the link does.
    """
    ours, theirs = socket.socketpair()
    load_codecs()
    gc.freeze()  # A collection would write to each object, and with that unshare its page.
    if os.fork() == 0:
        _be_helper(user, theirs, allowed)
    theirs.close()
    return ours


def _be_helper(user: str, worker: socket.socket, allowed: socket.socket) -> None:
    """The rest of the life of a forked process; returns to nobody."""
    status = 1
    try:
        _close_all_but(worker.fileno(), allowed.fileno())
        signal.set_wakeup_fd(-1)
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(NAME)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
        os.umask(0o077)
        drop_privileges(user, keep=(CAP_KILL, CAP_SETGID, CAP_SETUID))
        asyncio.run(_main(worker, allowed))
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


def _close_all_but(*kept: int) -> None:
    """Of what is open beside the standard streams, the helper has only these; the worker's links are not its own."""
    low = _STANDARD
    for descriptor in sorted(kept):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


async def _main(worker: socket.socket, allowed: socket.socket) -> None:
    helper = Helper()
    link: Link[Run | Left] = Link(Run | Left, helper.receive, helper.lost)
    supervisor: Link[AllowPrograms] = Link(AllowPrograms, helper.allow)
    helper.answer = link.send
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # The worker may still have alerts to deliver; a handler, for an ignored signal would stay ignored in
        # the programs.
        loop.add_signal_handler(number, lambda: None)
    await connect(supervisor, allowed)
    await connect(link, worker)
    await helper.serve()
    supervisor.close()
