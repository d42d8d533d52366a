"""The notify worker: events in, alerts out, and the history kept.

The law: a new generation changes nothing before its commit, and then only the channels that differ. The
directory of the history is made while still root; everything else happens as the worker's own user.
"""

import asyncio
import os
import socket
import sys
import time
import uuid
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hactl.history.directory import DIRECTORY, make_directory
from hactl.history.keeper import Keeper
from hactl.history.store import Store
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
from hactl.processes.parts import Part, read
from hactl.workers import base, parts, programs
from hactl.workers.program_client import Programs
from notify.channels.base import Tools
from notify.dispatcher import Dispatcher
from notify.event import Event, EventKind

if TYPE_CHECKING:
    from hactl.control.page.server import PageServer

REPORT_INTERVAL = 1.0
PRUNE_INTERVAL = 3600.0
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
LOOKUPS = 32
"""Threads for name look-ups, so that some channels with a dead name server leave room for the others."""


class NotifyHandler:
    """The inside of the worker. `said` is what opening the store had to say; `helper` a socket to the
    helper that runs programs, or None; over `door` come the sockets on which the page is served, by a worker that
    has this part."""

    def __init__(
        self,
        send: base.Send,
        store: Store,
        said: Sequence[tuple[str, str]],
        helper: socket.socket | None,
        door: socket.socket,
        loaded: Collection[Part],
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
        self._door = door
        self._page = self._page_server() if Part.PAGE in loaded else None

    def receive(self, message: ToWorker) -> None:
        """Take one message; never waits."""
        match message:
            case Emit(event):
                self._dispatcher.emit(event)
                self._show(event)
            case Standing(there, acknowledged):
                self._dispatcher.stand(there, acknowledged)
            case Told():
                self._show(message)
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
            works = [self._answer(), self._test(), self._report_regularly()]
            if self._page is not None:
                works.append(self._page.run())
            others = [group.create_task(work) for work in works]
            await self._dispatcher.run()
            for task in others:
                task.cancel()
        self._report()
        if not await self._keeper.close():
            base.note(self._send, NoteLevel.WARNING, "the history could not be closed in time")

    def _page_server(self) -> "PageServer":
        """Imported here, for it brings aiohttp and prometheus_client: 11 MB that are of no use where no page is."""
        from hactl.control.page.server import PageServer

        return PageServer(self._door, self._send, self._rows, lambda fault: self._say("error", fault))

    def _show(self, what: Event | Told) -> None:
        if self._page is None:
            return
        if isinstance(what, Told):
            self._page.told(what)
        else:
            self._page.emit(what)

    def _say(self, level: str, text: str) -> None:
        base.note(self._send, NoteLevel(level), text)

    def _prepare(self, message: PrepareNotify) -> None:
        self._prepared = message
        self._send(Prepared(message.generation))

    def _commit(self, message: PrepareNotify) -> None:
        self._prepared, self._committed = None, message
        if self._page is not None:
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


async def _main(
    options: base.Options,
    store: Store,
    said: Sequence[tuple[str, str]],
    helper: socket.socket | None,
    loaded: Collection[Part],
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup"))
    door = socket.socket(fileno=options.door)
    await base.serve(options.fd, lambda send: NotifyHandler(send, store, said, helper, door, loaded))
    # A thread may hang in a name look-up or on the disk, and an ordinary exit would wait for it; all is saved
    # by now.
    os._exit(0)


def _directory(options: base.Options, said: list[tuple[str, str]]) -> Path:
    """Where the history is; one that cannot be made is said, and the store does without a disk."""
    state_dir = Path(options.state_dir)
    try:
        return make_directory(state_dir, options.user)
    except OSError as error:
        directory = state_dir / DIRECTORY
        said.append(("error", f"{directory} cannot be made or used: {error.strerror}"))
        return directory


def main() -> None:
    """Entry point."""
    words, wanted = read(sys.argv[1:])
    options = base.options(words)
    with socket.socket(fileno=options.allowed) as allowed:
        is_root = os.geteuid() == 0 and options.user
        helper = programs.start(options.user, allowed) if is_root else None
    parts.load(wanted)  # after the helper was forked, which needs none of them
    said: list[tuple[str, str]] = []
    directory = _directory(options, said)
    os.umask(0o027)
    # The state directory may be closed to this user. The right to pass through it is kept until the history
    # is open, and
    # no longer; the file is then read without any other right.
    base.drop_privileges(options.user, keep=(CAP_DAC_READ_SEARCH, CAP_SETPCAP))
    store = Store(directory, lambda level, text: said.append((level, text)))
    base.give_up_capabilities(CAP_DAC_READ_SEARCH, CAP_SETPCAP)
    asyncio.run(_main(options, store, said, helper, wanted))


if __name__ == "__main__":
    main()
