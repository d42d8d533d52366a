"""The history on a disk that is damaged, full or not there."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl.history import store
from hactl.history.store import BROKEN_KEPT, FILE, Store
from support import disk
from support.alerts import event


class Said(list[tuple[str, str]]):
    """What the store said."""

    def __call__(self, level: str, text: str) -> None:
        """Take one line."""
        self.append((level, text))


@pytest.fixture
def said() -> Said:
    """Lines for a person."""
    return Said()


def ids(history: Store) -> list[str]:
    """Ids of all events."""
    return [item.id for _, item in history.query(0.0, 0, 100, last=True)]


def test_events_and_alerts_survive_a_restart(tmp_path: Path, said: Said) -> None:
    """Closed or simply left, the file has all."""
    history = Store(tmp_path, said)
    history.record([(event(number=1), ("ops",))])
    again = Store(tmp_path, said)
    assert ids(again) == ["event-1"]
    assert [item.id for item in again.waiting("ops", 10)] == ["event-1"]
    history.close()
    again.close()
    assert said == []


def test_a_damaged_file_is_kept_aside(tmp_path: Path, said: Said) -> None:
    """Rubbish instead of a database: a new one is begun, the rubbish kept, and it is said."""
    (tmp_path / FILE).write_bytes(b"rubbish" * 4096)
    history = Store(tmp_path, said)
    history.record([(event(number=1), ())])
    history.close()
    (aside,) = tmp_path.glob(f"{FILE}.broken-*Z")
    assert aside.read_bytes() == b"rubbish" * 4096
    assert len(said) == 1
    assert said[0][0] == "error"
    assert aside.name in said[0][1]
    assert Store(tmp_path, said).query(0.0, 0, 10, last=False)[0][1].id == "event-1"


def test_damage_while_running_loses_no_event_after_it(tmp_path: Path, said: Said) -> None:
    """Pages overwritten under an open history: the next record goes into a new file."""
    history = Store(tmp_path, said)
    history.record([(event(number=number, reason="x" * 2000), ()) for number in range(3000)])
    history.close()
    size = (tmp_path / FILE).stat().st_size
    history = Store(tmp_path, said)
    with open(tmp_path / FILE, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    history.record([(event(number=1000), ("ops",))])
    assert "event-1000" in ids(history)
    assert [item.id for item in history.waiting("ops", 10)] == ["event-1000"]
    assert [level for level, _ in said] == ["error"]
    history.close()


def test_only_some_broken_files_are_kept(tmp_path: Path, said: Said) -> None:
    """Damage that comes back again and again does not fill the disk."""
    for number in range(BROKEN_KEPT + 2):
        (tmp_path / f"{FILE}.broken-2026010{number}T000000Z").write_bytes(b"old")
    (tmp_path / FILE).write_bytes(b"rubbish" * 4096)
    Store(tmp_path, said).close()
    left = sorted(tmp_path.glob(f"{FILE}.broken-*Z"))
    assert len(left) == BROKEN_KEPT
    assert left[-1].read_bytes() == b"rubbish" * 4096


def test_without_a_directory_it_works_in_memory_and_returns(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No directory: events and alerts are held, said, and written once there is one."""
    monkeypatch.setattr(store, "RETRY", 0.0)
    directory = tmp_path / "history"
    history = Store(directory, said)
    history.record([(event(number=1), ("ops",)), (event(number=2), ("ops",))])
    history.done("ops", ["event-1"])
    assert ids(history) == ["event-1", "event-2"]
    directory.mkdir()
    history.record([(event(number=3), ())])
    history.close()
    again = Store(directory, said)
    assert ids(again) == ["event-1", "event-2", "event-3"]
    assert [item.id for item in again.waiting("ops", 10)] == ["event-2"]
    again.close()
    assert [level for level, _ in said] == ["error", "warning"]
    assert "2 events were held" in said[1][1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    with disk.small_disk(tmp_path / "disk") as directory:
        yield directory


def test_a_full_disk_holds_events_in_memory_until_there_is_room(
    small_disk: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disk full: rows go on counting, what was delivered stays delivered, and all is written when there is room."""
    history = Store(small_disk, said)
    history.record([(event(at=0.0), ()) for _ in range(5)])
    history.prune(1000.0)
    history.record([(event(number=1), ("ops",)), (event(number=2), ("ops",))])
    ballast = small_disk / "ballast"
    disk.fill(ballast)
    for number in range(3, 60):
        history.record([(event(number=number, reason="x" * 4000), ("ops",))])
    assert [level for level, _ in said] == ["error"]
    history.done("ops", [f"event-{number}" for number in range(1, 50)])
    rows = history.query(0.0, 0, 100, last=False)
    assert [row for row, _ in rows] == list(range(6, 65))
    assert [item.id for _, item in rows] == [f"event-{number}" for number in range(1, 60)]
    ballast.unlink()
    monkeypatch.setattr(history, "_retry_at", 0.0)
    assert history.query(0.0, 0, 100, last=False) == rows
    assert [level for level, _ in said] == ["error", "warning"]
    history.close()
    again = Store(small_disk, said)
    assert again.query(0.0, 0, 100, last=False) == rows
    assert [item.id for item in again.waiting("ops", 100)] == [f"event-{number}" for number in range(50, 60)]
    again.close()


def test_memory_is_bounded(tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held in memory, the oldest events go first when there are too many."""
    monkeypatch.setattr(store, "HELD", 10)
    history = Store(tmp_path / "nowhere", said)
    for number in range(25):
        history.record([(event(number=number), ("ops",))])
    assert ids(history) == [f"event-{number}" for number in range(15, 25)]
    assert len(history.waiting("ops", 100)) == 10
    history.close()


def test_a_link_in_the_files_place_is_not_written_through(tmp_path: Path, said: Said) -> None:
    """A file that is no database is renamed, not changed, wherever it is."""
    victim = tmp_path / "victim"
    victim.write_text("precious" * 1000)
    directory = tmp_path / "history"
    directory.mkdir()
    (directory / FILE).symlink_to(victim)
    Store(directory, said).close()
    assert victim.read_text() == "precious" * 1000


def test_two_processes_on_one_file(tmp_path: Path, said: Said) -> None:
    """Somebody who reads the file meanwhile disturbs nothing."""
    history = Store(tmp_path, said)
    history.record([(event(number=1), ())])
    reader = sqlite3.connect(tmp_path / FILE)
    rows = reader.execute("SELECT id FROM events")
    history.record([(event(number=2), ())])
    assert rows.fetchall() == [("event-1",)]
    reader.close()
    history.close()
    assert said == []
