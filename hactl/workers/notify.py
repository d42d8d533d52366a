"""The notify worker: events in, alerts out, and the history kept.

The law: a new generation changes nothing before its commit, and then only the channels that differ. The
directory of the history is made while still root; everything else happens as the worker's own user.
"""

import asyncio
import contextlib
import importlib
import os
import pwd
import socket
import stat
import sys
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hactl.control.page.server import PageServer
from hactl.history.keeper import Keeper
from hactl.history.store import Store
from hactl.identity import give_to_group
from hactl.processes.messages import (
    ChannelReport,
    ChannelTested,
    Commit,
    Discard,
    Emit,
    HistoryAnswer,
    HistoryQuery,
    NoteLevel,
    Prepared,
    PrepareNotify,
    Standing,
    Stop,
    TestChannel,
    Told,
    ToWorker,
)
from hactl.workers import base, programs
from hactl.workers.program_client import Programs
from notify import plugins
from notify.channels.base import Tools
from notify.channels.registry import build
from notify.dispatcher import Dispatcher
from notify.event import Event, EventKind

REPORT_INTERVAL = 1.0
PRUNE_INTERVAL = 3600.0
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
LOADED_LATE = ("encodings.idna", "encodings.punycode", "idna.uts46data")
"""Modules that libraries look up only when a name with letters beyond ASCII comes: then our files may be
out of reach."""
_RIGHTS, _RIGHTS_OF_GROUP = 0o750, 0o770
LOOKUPS = 32
"""Threads for name look-ups, so that some channels with a dead name server leave room for the others."""


class NotifyHandler:
    """The inside of the worker. `said` is what opening the store had to say; `helper` a socket to the
    helper that runs programs, or None; over `door` come the sockets on which the page is served."""

    def __init__(
        self,
        send: base.Send,
        store: Store,
        said: Sequence[tuple[str, str]],
        helper: socket.socket | None,
        door: socket.socket,
    ) -> None:
        self._send = send
        self._said = said
        self._keeper = Keeper(store, self._say)
        self._dispatcher = Dispatcher(self._keeper, self._failure)
        self._programs = Programs(helper, self._helper_lost)
        self._prepared: PrepareNotify | None = None
        self._committed: PrepareNotify | None = None
        self._queries: asyncio.Queue[HistoryQuery] = asyncio.Queue()
        self._tests: asyncio.Queue[TestChannel] = asyncio.Queue()
        self._reported: dict[str, ChannelReport] = {}
        self._page = PageServer(door, send, self._rows, lambda fault: self._say("error", fault))

    def receive(self, message: ToWorker) -> None:
        """Take one message; never waits."""
        match message:
            case Emit(event):
                self._dispatcher.emit(event)
                self._page.emit(event)
            case Standing(there, acknowledged):
                self._dispatcher.stand(there, acknowledged)
            case Told():
                self._page.told(message)
            case HistoryQuery():
                self._queries.put_nowait(message)
            case TestChannel():
                self._tests.put_nowait(message)
            case PrepareNotify():
                self._prepare(message)
            case Commit(generation):
                if self._prepared is not None and self._prepared.generation == generation:
                    self._commit(self._prepared)
            case Discard(generation):
                if self._prepared is not None and self._prepared.generation == generation:
                    self._prepared = None
            case Stop():
                self._dispatcher.stop()
            case _:
                pass

    def lost(self, reason: str) -> None:
        """The supervisor is gone: deliver what can be delivered, and end."""
        self._dispatcher.stop()

    async def run(self) -> None:
        """Work until stopped."""
        for level, text in self._said:
            self._say(level, text)
        await self._programs.connect()
        async with asyncio.TaskGroup() as group:
            works = (self._answer(), self._test(), self._report_regularly(), self._page.run())
            others = [group.create_task(work) for work in works]
            await self._dispatcher.run()
            for task in others:
                task.cancel()
        self._report()
        if not await self._keeper.close():
            base.note(self._send, NoteLevel.WARNING, "the history could not be closed in time")

    def _say(self, level: str, text: str) -> None:
        base.note(self._send, NoteLevel(level), text)

    def _prepare(self, message: PrepareNotify) -> None:
        tools = self._tools(message)
        for channel in message.spec.channels:
            try:
                build(channel, tools)
            except (KeyError, ValueError) as error:
                self._send(Prepared(message.generation, f"channel {channel.name}: {error}"))
                return
        self._prepared = message
        self._send(Prepared(message.generation))

    def _commit(self, message: PrepareNotify) -> None:
        self._prepared, self._committed = None, message
        self._page.apply(message.page)
        self._dispatcher.apply(message.spec.channels, self._tools(message))
        self._keeper.prune(message.spec.history)
        self._reported.clear()

    def _tools(self, message: PrepareNotify) -> Tools:
        return Tools(run_program=self._programs.run, secrets=message.secrets, node=message.node)

    def _failure(self, channel: str, state: str, reason: str) -> Event:
        """The event notify.failed, and a line in the log in case no channel carries it."""
        base.note(
            self._send, NoteLevel.WARNING, "alerts not delivered", channel=channel, state=state, reason=reason
        )
        committed = self._committed
        return Event(
            id=uuid.uuid4().hex,
            kind=EventKind.NOTIFY_FAILED,
            cluster=committed.cluster if committed else "",
            node=committed.node if committed else "",
            subject=channel,
            new=state,
            reason=reason,
            severity=EventKind.NOTIFY_FAILED.severity,
            at=time.time(),
        )

    def _helper_lost(self, reason: str) -> None:
        """Only root can start another: end, to be started anew as a whole."""
        base.note(self._send, NoteLevel.ERROR, "the helper that runs programs has ended", reason=reason)
        self._dispatcher.stop()

    async def _answer(self) -> None:
        while True:
            query = await self._queries.get()
            self._send(HistoryAnswer(query.id, tuple(await self._rows(query))))

    async def _test(self) -> None:
        """One test after the other: an operator waits for each."""
        while True:
            asked = await self._tests.get()
            self._send(ChannelTested(asked.id, await self._dispatcher.test(asked.channel, asked.event)))

    async def _rows(self, query: HistoryQuery) -> Sequence[tuple[int, Event]]:
        return await self._keeper.query(query.since, query.after, query.limit, last=query.last)

    async def _report_regularly(self) -> None:
        pruned = time.monotonic()
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            self._report()
            if self._committed is not None and time.monotonic() - pruned >= PRUNE_INTERVAL:
                pruned = time.monotonic()
                self._keeper.prune(self._committed.spec.history)

    def _report(self) -> None:
        for lane in self._dispatcher.reports():
            report = ChannelReport(
                lane.name, lane.delivered, lane.failed, lane.waiting, lane.error, lane.held
            )
            if self._reported.get(lane.name) != report:
                self._reported[lane.name] = report
                self._send(report)


def make_directory(state_dir: Path, user: str) -> Path:
    """The directory of the history in `state_dir`, with what it holds belonging to `user` where we are root.

    Where we may not give files away, as under the unit, it is the group's. Raises OSError when it cannot be made.
    """
    directory = state_dir / "history"
    state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    directory.mkdir(exist_ok=True)
    uid, gid = _owner(user)
    found = directory.stat()
    if found.st_uid == uid and stat.S_IMODE(found.st_mode) == _RIGHTS:
        return directory
    try:
        os.chown(directory, uid, gid, follow_symlinks=False)
    except PermissionError:
        with contextlib.suppress(
            PermissionError
        ):  # somebody else's it may stay; what cannot be opened is said
            give_to_group(directory, gid)
            directory.chmod(_RIGHTS_OF_GROUP)
        return directory
    directory.chmod(_RIGHTS)
    for file in directory.iterdir():
        _give(file, uid, gid)
    return directory


def _owner(user: str) -> tuple[int, int]:
    """Whose the history is: the worker's user where we are root, else ours."""
    if os.geteuid() != 0 or not user:
        return os.geteuid(), os.getegid()
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _give(file: Path, uid: int, gid: int) -> None:
    """Give a plain file to the user. Its directory is not ours alone: neither links nor second names are
    followed."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid != uid:
            os.fchown(handle, uid, gid)
    finally:
        os.close(handle)


async def _main(
    options: base.Options, store: Store, said: Sequence[tuple[str, str]], helper: socket.socket | None
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup"))
    door = socket.socket(fileno=options.door)
    await base.serve(options.fd, lambda send: NotifyHandler(send, store, said, helper, door))
    # A thread may hang in a name look-up or on the disk, and an ordinary exit would wait for it; all is saved
    # by now.
    os._exit(0)


def main() -> None:
    """Entry point."""
    options = base.options(sys.argv[1:])
    for name in LOADED_LATE:
        importlib.import_module(name)
    plugins.load()
    directory = make_directory(Path(options.state_dir), options.user)
    with socket.socket(fileno=options.allowed) as allowed:
        is_root = os.geteuid() == 0 and options.user
        helper = programs.start(options.user, allowed) if is_root else None
    os.umask(0o027)
    # The state directory may be closed to this user. The right to pass through it is kept until the history
    # is open, and
    # no longer; the file is then read without any other right.
    base.drop_privileges(options.user, keep=(CAP_DAC_READ_SEARCH, CAP_SETPCAP))
    said: list[tuple[str, str]] = []
    store = Store(directory, lambda level, text: said.append((level, text)))
    base.give_up_capabilities(CAP_DAC_READ_SEARCH, CAP_SETPCAP)
    asyncio.run(_main(options, store, said, helper))


if __name__ == "__main__":
    main()
