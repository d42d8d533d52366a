"""Which database is in force: the file, a new file when it was damaged, memory while the disk refuses.

The law: recording never fails. What the disk does not take is held in memory, said, and written when the disk
takes it again; a damaged file is moved aside, never deleted while it is one of the newest BROKEN_KEPT. Used
by one thread.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from hactl.history.database import MEMORY, Database, NewerFile
from notify.event import Event
from notify.holding import Told

FILE = "events.db"
KEEP = 1_000_000
"""Most events in the file: some 300 MB."""
HELD = 20_000
"""Most events and alerts held in memory."""
CARRIED = 1000
"""Events taken along from the file, so that they can still be shown while the disk refuses."""
RETRY = 30.0
"""Seconds until the disk is tried again."""
BROKEN_KEPT = 3
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}

Say = Callable[[str, str], None]
"""Told what a person should know: level ("info", "warning", "error") and text."""
T = TypeVar("T")


class Store:
    """The history and the spool in `directory`. Opening never fails: without a disk it starts in memory."""

    def __init__(self, directory: Path, say: Say) -> None:
        self.say = say
        """May be replaced before the store is handed to another thread."""
        self._path = directory / FILE
        self._on_disk = False
        self._copied = True
        self._first_held = 0
        self._retry_at = 0.0
        self._database = self._open()

    def record(self, entries: Sequence[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Keep events with the channels each must reach; the ids of those not known before."""
        fresh = self._do(lambda database: database.record(entries))
        if not self._on_disk:
            self._database.prune(0.0, HELD)
        return fresh

    def query(self, since: float, after: int, limit: int, *, last: bool) -> list[tuple[int, Event]]:
        """Events with their rows, see Database.query."""
        return self._do(lambda database: database.query(since, after, limit, last=last))

    def waiting(self, channel: str, limit: int) -> list[Event]:
        """The oldest events that the channel has not delivered."""
        return self._do(lambda database: database.waiting(channel, limit))

    def told(self, channel: str) -> list[Told]:
        """What the channel's receiver knew of problems."""
        return self._do(lambda database: database.told(channel))

    def done(self, channel: str, ids: Sequence[str], told: Sequence[Told] = ()) -> None:
        """Take delivered or lost events out of the spool, and keep what the receiver knows."""
        self._do(lambda database: database.done(channel, ids, told))

    def forget(self, kept: Sequence[str]) -> None:
        """Take out what waits for any channel but these."""
        self._do(lambda database: database.forget(kept))

    def prune(self, age: float) -> None:
        """Drop events older than `age` seconds, and the oldest beyond KEEP."""
        self._do(lambda database: database.prune(time.time() - age, KEEP if self._on_disk else HELD))

    def close(self) -> None:
        """Write what can be written and close."""
        self._retry_at = 0.0
        self._return_to_disk()
        self._database.close()

    def _do(self, act: Callable[[Database], T]) -> T:
        self._return_to_disk()
        try:
            return act(self._database)
        except sqlite3.Error as error:
            self._database = self._recovered(error)
        try:
            return act(self._database)
        except sqlite3.Error as error:
            self._database = self._hold(error)
        return act(self._database)

    def _open(self) -> Database:
        try:
            database = Database(self._path)
        except sqlite3.Error as error:
            return self._renew(error, []) if _is_damage(error) else self._hold(error)
        self._on_disk = True
        return database

    def _recovered(self, error: sqlite3.Error) -> Database:
        """What to go on with after the database in force has failed."""
        if not (self._on_disk and _is_damage(error)):
            return self._hold(error)
        alerts = []
        with contextlib.suppress(sqlite3.Error):
            alerts = self._database.all_waiting()
        self._database.close()
        return self._renew(error, alerts)

    def _renew(self, error: sqlite3.Error, alerts: list[tuple[str, str, str]]) -> Database:
        """A new file in the place of the damaged one, with the alerts that could still be read."""
        try:
            aside = _move_aside(self._path)
            database = Database(self._path)
            database.set_waiting(alerts)
        except (sqlite3.Error, OSError) as again:
            return self._hold(again)
        self._on_disk = True
        self.say(
            "error", f"the history was damaged ({error}); it is kept as {aside.name} and a new one was begun"
        )
        return database

    def _hold(self, error: Exception) -> Database:
        """A database in memory with what could be read from the one in force."""
        memory = Database(MEMORY)
        former = getattr(self, "_database", None)
        self._copied = False
        if former is not None:
            with contextlib.suppress(sqlite3.Error):
                carried = former.query(0.0, 0, CARRIED, last=True)
                memory.start_after(former.last_row() - len(carried))
                memory.record([(event, ()) for _, event in carried])
                memory.set_waiting(former.all_waiting())
                memory.set_told(former.all_told())
                self._copied = True
            former.close()
        self._on_disk = False
        self._first_held = memory.last_row() + 1
        self._retry_at = time.monotonic() + RETRY
        self.say("error", f"the history cannot be written ({error}): events and alerts are held in memory")
        return memory

    def _return_to_disk(self) -> None:
        if self._on_disk or time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + RETRY
        try:
            disk = Database(self._path)
        except sqlite3.Error:
            return
        memory = self._database
        held = memory.query(0.0, self._first_held - 1, HELD, last=False)
        alerts = memory.all_waiting()
        try:
            disk.record([(event, ()) for _, event in held])
            disk.set_waiting(alerts if self._copied else [*disk.all_waiting(), *alerts])
            if self._copied:
                disk.set_told(memory.all_told())
        except sqlite3.Error:
            disk.close()
            return
        memory.close()
        self._database, self._on_disk = disk, True
        self.say("warning", f"the history can be written again: {len(held)} events were held in memory")


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is at fault, rather than the disk or its permissions."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, NewerFile) or code is None or code & 0xFF in _DAMAGE


def _move_aside(path: Path) -> Path:
    """Rename the file and what belongs to it; of earlier ones only the newest stay."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.broken-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    broken = sorted(path.parent.glob(f"{path.name}.broken-*Z"))
    for old in broken[:-BROKEN_KEPT]:
        for suffix in ("-wal", "-shm", ""):
            Path(f"{old}{suffix}").unlink(missing_ok=True)
    return aside
