"""One SQLite file with the events and the alerts not yet delivered; or the same in memory.

Owns the connection and its transactions. Every method may raise sqlite3.Error; what then happens is decided
by the store. Used from one thread at a time.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hactl.history import schema
from notify.event import Event
from notify.holding import Told

MEMORY = ":memory:"
CHECKED = 64 * 1024 * 1024
"""Bytes up to which a file is checked when it is opened; damage in a larger one shows when it is touched."""
BUSY = 1.0
"""Seconds to wait for somebody else who reads or copies the file."""

Waiting = tuple[str, str, str]
"""A row of the spool: channel, id, event as JSON."""
_Run = Callable[..., sqlite3.Cursor]


class NewerFile(sqlite3.DatabaseError):
    """The file was written by a later version of this program."""


class Database:
    """An open history. Raises sqlite3.Error when the file cannot be opened or is damaged."""

    def __init__(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except sqlite3.Error:
            self._connection.close()
            raise

    def _open(self) -> None:
        run = self._connection.execute
        run("PRAGMA journal_mode = WAL")
        # An alert must outlive a power cut too: each commit waits for the disk, in a thread of its own.
        run("PRAGMA synchronous = FULL")
        run("PRAGMA temp_store = MEMORY")
        run("PRAGMA journal_size_limit = 4194304")
        (version,) = run("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            raise NewerFile(f"the history is of version {version}, this program knows {schema.VERSION}")
        if self._size() <= CHECKED:
            (verdict,) = run("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        if version == 0:
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {schema.CREATE} PRAGMA user_version = {schema.VERSION}; COMMIT;"
            )
        run(schema.CREATE_TOLD)

    def _size(self) -> int:
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (size,) = self._connection.execute("PRAGMA page_size").fetchone()
        return int(pages * size)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def record(self, entries: Iterable[tuple[Event, tuple[str, ...]]]) -> set[str]:
        """Add events and what waits for them in one transaction; returns the ids that were not known before."""
        fresh: set[str] = set()
        with self._transaction() as run:
            for event, channels in entries:
                if run(schema.ADD_EVENT, msgspec.to_builtins(event)).rowcount == 0:
                    continue
                fresh.add(event.id)
                if channels:
                    text = msgspec.json.encode(event).decode()
                    for channel in channels:
                        run(schema.ADD_WAITING, (channel, event.id, text))
        return fresh

    def query(self, since: float, after: int, limit: int, *, last: bool) -> list[tuple[int, Event]]:
        """Events at or after `since` (wall clock) behind row `after`: the oldest `limit`, or with `last` the newest."""
        statement = schema.NEWEST if last else schema.OLDEST
        rows = self._connection.execute(statement, (since, after, limit)).fetchall()
        return [found for row in (reversed(rows) if last else rows) if (found := _event(row))]

    def last_row(self) -> int:
        """Number of the newest event, 0 when there is none."""
        (row,) = self._connection.execute(schema.LAST_ROW).fetchone()
        return int(row)

    def start_after(self, row: int) -> None:
        """Let the first event of this empty history have the number after `row`."""
        self._connection.execute(schema.START_ROW, (row,))

    def prune(self, before: float, keep: int) -> None:
        """Drop events older than `before` (wall clock) and all but the newest `keep`; the spool is bounded by `keep`."""
        with self._transaction() as run:
            run(schema.DROP_OLD, (before, keep))
            run(schema.TRIM_SPOOL, (keep,))

    def waiting(self, channel: str, limit: int) -> list[Event]:
        """The oldest events this channel has not delivered."""
        rows = self._connection.execute(schema.WAITING, (channel, limit)).fetchall()
        return [event for (text,) in rows if (event := _decoded(text)) is not None]

    def all_waiting(self) -> list[Waiting]:
        """The whole spool."""
        return self._connection.execute(schema.ALL_WAITING).fetchall()

    def set_waiting(self, rows: Sequence[Waiting]) -> None:
        """Make this the whole spool."""
        with self._transaction() as run:
            run("DELETE FROM spool")
            for row in rows:
                run(schema.ADD_WAITING, row)

    def done(self, channel: str, ids: Iterable[str], told: Iterable[Told] = ()) -> None:
        """Take delivered events out of the spool, and keep what the receiver knows then."""
        with self._transaction() as run:
            for event_id in ids:
                run(schema.DONE, (channel, event_id))
            for row in told:
                if row.event is None:
                    run(schema.UNTOLD, (channel, *row.key))
                else:
                    text = msgspec.json.encode(row.event).decode()
                    run(schema.SET_TOLD, (channel, *row.key, text, row.at, row.times))

    def told(self, channel: str) -> list[Told]:
        """What the channel's receiver knew of problems."""
        rows = self._connection.execute(schema.TOLD, (channel,)).fetchall()
        found = ((row, _decoded(row[2])) for row in rows)
        return [Told((row[0], row[1]), event, row[3], row[4]) for row, event in found if event is not None]

    def all_told(self) -> list[tuple[Any, ...]]:
        """What all receivers knew, as rows."""
        return self._connection.execute(schema.ALL_TOLD).fetchall()

    def set_told(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make this all that receivers knew."""
        with self._transaction() as run:
            run("DELETE FROM told")
            for row in rows:
                run(schema.SET_TOLD, row)

    def forget(self, kept: Iterable[str]) -> None:
        """Take out what waits for any channel but these, and what their receivers knew."""
        known = set(kept)
        with self._transaction() as run:
            for names, drop in (
                (schema.CHANNELS, schema.FORGET),
                (schema.TOLD_CHANNELS, schema.FORGET_TOLD),
            ):
                for (channel,) in run(names).fetchall():
                    if channel not in known:
                        run(drop, (channel,))

    @contextmanager
    def _transaction(self) -> Iterator[_Run]:
        """BEGIN to COMMIT, or ROLLBACK when something in between failed."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection.execute
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _decoded(text: str) -> Event | None:
    """An event kept as JSON; None for one this version cannot read."""
    try:
        return msgspec.json.decode(text, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _event(row: tuple[Any, ...]) -> tuple[int, Event] | None:
    """A row of events with its number; None for one this version cannot read."""
    names = ("id", "at", "kind", "severity", "cluster", "node", "subject", "old", "new", "reason")
    try:
        return row[0], msgspec.convert(dict(zip(names, row[1:], strict=True)), Event)
    except msgspec.ValidationError:
        return None
