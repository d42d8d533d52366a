"""The tables: events in order, alerts until delivered."""

import sqlite3
from pathlib import Path

import pytest

from hactl.history import schema
from hactl.history.database import MEMORY, Database, NewerFile
from notify.event import EventKind
from notify.holding import Told
from support.alerts import event


@pytest.fixture
def database() -> Database:
    """An empty history in memory."""
    return Database(MEMORY)


def test_events_come_back_as_they_were(database: Database) -> None:
    """Every field of an event survives, and rows count up from 1."""
    events = [event(number=1), event(number=2, reason="\u20ac\n'; DROP TABLE events; --")]
    database.record([(item, ()) for item in events])
    assert database.query(0.0, 0, 10, last=False) == [(1, events[0]), (2, events[1])]


def test_a_query_is_bounded_by_time_row_and_number(database: Database) -> None:
    """`since` is inclusive, `after` is not; the oldest or the newest of what is left, always in order."""
    database.record([(event(number=number, at=100.0 + number), ()) for number in range(1, 11)])

    def rows(since: float, after: int, limit: int, *, last: bool = False) -> list[int]:
        return [row for row, _ in database.query(since, after, limit, last=last)]

    assert rows(0.0, 0, 3) == [1, 2, 3]
    assert rows(0.0, 0, 3, last=True) == [8, 9, 10]
    assert rows(105.0, 0, 3) == [5, 6, 7]
    assert rows(0.0, 8, 100) == [9, 10]
    assert rows(0.0, 10, 100) == []
    assert database.last_row() == 10


def test_an_event_known_already_is_neither_kept_nor_spooled_again(database: Database) -> None:
    """The second record of an id changes nothing, even for other channels."""
    assert database.record([(event(number=1), ("ops",))]) == {"event-1"}
    database.done("ops", ["event-1"])
    assert database.record([(event(number=1), ("ops", "chat"))]) == set()
    assert database.all_waiting() == []
    assert len(database.query(0.0, 0, 10, last=False)) == 1


def test_the_spool_keeps_order_and_channels_apart(database: Database) -> None:
    """Each channel has its own rows, the oldest first, until they are done or the channel is forgotten."""
    events = [event(number=number) for number in range(3)]
    database.record([(item, ("ops", "chat")) for item in events])
    database.done("ops", ["event-0", "event-2", "event-9"])
    assert database.waiting("ops", 10) == [events[1]]
    assert database.waiting("chat", 2) == events[:2]
    database.forget(["ops"])
    assert database.waiting("chat", 10) == []
    assert database.waiting("ops", 10) == [events[1]]


def test_pruning_bounds_age_and_number(database: Database) -> None:
    """Old events go, and of the rest the newest stay; row numbers are not used again."""
    database.record([(event(number=number, at=float(number)), ("ops",)) for number in range(1, 11)])
    database.prune(4.0, 5)
    assert [row for row, _ in database.query(0.0, 0, 100, last=False)] == [6, 7, 8, 9, 10]
    assert len(database.waiting("ops", 100)) == 5
    database.prune(99.0, 5)
    database.record([(event(number=11), ())])
    assert database.last_row() == 11


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """When one event of a batch cannot be written none of the batch is."""
    broken = event(number=2, at=None)
    with pytest.raises(sqlite3.IntegrityError):
        database.record([(event(number=1), ("ops",)), (broken, ())])
    assert database.query(0.0, 0, 10, last=False) == []
    assert database.all_waiting() == []


def test_a_row_of_an_unknown_kind_is_left_out(tmp_path: Path) -> None:
    """What a later version wrote with a kind this one does not know hides nothing else."""
    path = tmp_path / "events.db"
    database = Database(path)
    database.record([(event(number=1), ()), (event(number=2), ())])
    with sqlite3.connect(path) as other:
        other.execute("UPDATE events SET kind = 'moon.full' WHERE row = 1")
    other.close()
    assert [row for row, _ in database.query(0.0, 0, 10, last=False)] == [2]
    database.close()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """A newer layout is not guessed at."""
    path = tmp_path / "events.db"
    Database(path).close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    other.close()
    with pytest.raises(NewerFile):
        Database(path)


def test_what_receivers_know_is_kept_with_what_was_delivered(database: Database) -> None:
    """By channel and problem; forgotten when it is over, and with its channel."""
    down = event(EventKind.SERVER_DOWN, "rs1@www", number=1)
    key = ("server", "rs1@www")
    database.record([(down, ("ops", "chat"))])
    for channel in ("ops", "chat"):
        database.done(channel, ["event-1"], [Told(key, down, 5.0, 2)])
    assert database.all_waiting() == []
    assert database.told("ops") == [Told(key, down, 5.0, 2)]
    database.done("ops", [], [Told(key)])
    assert database.told("ops") == []
    database.forget(["ops"])
    assert database.told("chat") == []
