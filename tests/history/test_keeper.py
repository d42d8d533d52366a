"""The history behind an event loop."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

from hactl.history.keeper import LIMIT, Keeper
from hactl.history.store import FILE, Store
from support.alerts import event, until


def ignore(level: str, text: str) -> None:
    """Nobody listens."""


def damage(file: Path) -> None:
    """Overwrite all but the first page."""
    size = file.stat().st_size
    with file.open("r+b") as handle:
        handle.seek(4096)
        handle.write(b"rubbish!" * (size // 8 - 512))


async def test_what_is_asked_is_done_in_order(tmp_path: Path) -> None:
    """Orders that nobody waits for are done before what is asked after them."""
    keeper = Keeper(Store(tmp_path, ignore), ignore)
    assert await keeper.record([(event(number=1), ("ops",)), (event(number=2), ("ops",))]) == {
        "event-1",
        "event-2",
    }
    keeper.done("ops", ["event-1"])
    assert [item.id for item in await keeper.waiting("ops", 10)] == ["event-2"]
    keeper.forget([])
    assert await keeper.waiting("ops", 10) == []
    keeper.prune(0.0)
    assert await keeper.query(0.0, 0, 10, last=False) == []
    assert await keeper.close()


async def test_an_answer_is_bounded(tmp_path: Path) -> None:
    """However many events are asked for, an answer has at most LIMIT."""
    keeper = Keeper(Store(tmp_path, ignore), ignore)
    await keeper.record([(event(), ()) for _ in range(LIMIT + 5)])
    assert len(await keeper.query(0.0, 0, 1_000_000, last=False)) == LIMIT
    assert len(await keeper.query(0.0, 0, -1, last=False)) == 0
    assert await keeper.close()


async def test_the_loop_goes_on_while_the_disk_waits(tmp_path: Path) -> None:
    """A locked file delays the record, not the loop."""
    keeper = Keeper(Store(tmp_path, ignore), ignore)
    await keeper.record([(event(), ())])
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    recording = asyncio.ensure_future(keeper.record([(event(), ())]))
    longest = 0.0
    for _ in range(20):
        began = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - began)
    assert not recording.done()
    assert longest < 0.5
    other.execute("ROLLBACK")
    other.close()
    assert len(await recording) == 1
    assert await keeper.close()


async def test_what_the_store_says_arrives_in_the_loop(tmp_path: Path) -> None:
    """Words of the thread are spoken in the loop's thread."""
    said: list[tuple[str, int]] = []
    former = Store(tmp_path, ignore)
    former.record([(event(reason="x" * 2000), ()) for _ in range(3000)])
    former.close()
    store = Store(tmp_path, ignore)
    keeper = Keeper(store, lambda level, text: said.append((level, threading.get_ident())))
    damage(tmp_path / FILE)
    await keeper.record([(event(), ())])
    await until(lambda: said == [("error", threading.get_ident())])
    assert await keeper.close()
