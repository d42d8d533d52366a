"""`hactl top`: rows and rates, and the screen with its keys, driven as by an operator."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from hactl.cli.top import Top
from hactl.cli.top_rows import Row, Sample, Sort, cells, heading, later, rows, short
from hactl.control.client import UnreachableError
from support.fake_daemon import STATUS_FILE


def status() -> dict[str, Any]:
    """A pair's status."""
    loaded: dict[str, Any] = json.loads(STATUS_FILE.read_text())
    return loaded


def counted(connections: int, into: int) -> dict[str, Any]:
    """The same with counters at rs1@www."""
    shown = status()
    shown["services"]["www"]["servers"]["rs1"]["counters"] = {
        "connections": connections,
        "bytes_in": into,
        "bytes_out": 0,
    }
    return shown


def of(found: list[Row], key: str) -> Row:
    """The row of this server."""
    return next(row for row in found if row.key == key)


def test_a_rate_is_taken_over_two_steps_of_the_kernels_sums() -> None:
    """From the sample of four seconds ago where there is one, and older ones are let go."""
    past = [Sample(at, {}) for at in (0.0, 2.0, 4.0)]
    assert [one.at for one in later(past, Sample(6.0, {}))] == [2.0, 4.0]
    assert [one.at for one in later(past[2:], Sample(6.0, {}))] == [4.0]
    assert list(later([], Sample(6.0, {}))) == []


def test_rates_come_from_two_looks() -> None:
    """Per second; nothing before the second look, and no negative rate when the kernel began anew."""
    first, second = Sample(10.0, counted(100, 1000)), Sample(12.0, counted(150, 5000))
    assert of(rows(None, first, Sort.NAME), "rs1@www").new is None
    row = of(rows(first, second, Sort.NAME), "rs1@www")
    assert (row.new, row.into, row.out) == (25.0, 2000.0, 0.0)
    assert of(rows(second, first, Sort.NAME), "rs1@www").new is None
    assert of(rows(Sample(9.0, counted(999, 0)), first, Sort.NAME), "rs1@www").new == 0.0
    assert of(rows(first, second, Sort.NAME), "six@mark").new is None


def test_orders() -> None:
    """Trouble first; the busiest first; names."""
    now = Sample(1.0, status())
    assert rows(None, now, Sort.HEALTH)[0].state == "down"
    assert rows(None, now, Sort.ACTIVE)[0].key == "rs1@www"
    assert [row.key for row in rows(None, now, Sort.NAME)] == [
        "six@mark",
        "rs1@www",
        "rs2@www",
        "rs3@www",
        "rs4@www",
    ]
    assert rows(None, now, Sort.LATENCY)[0].key == "rs1@www"
    every, sort = set(), Sort.NAME
    for _ in Sort:
        every.add(sort)
        sort = sort.following()
    assert (every, sort) == (set(Sort), Sort.NAME)


def test_search_and_text() -> None:
    """Words anywhere in a row; nothing from outside can speak to the terminal."""
    now = Sample(1.0, status())
    assert [row.server for row in rows(None, now, Sort.NAME, "refused")] == ["rs3"]
    assert all("\x1b" not in field for row in rows(None, now, Sort.NAME) for field in cells(row))
    texts = [text for line in heading(status()) for text, _ in line]
    assert "router web: master" in texts
    assert any("degraded" in text for text in texts)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (3.25, "3.2"),
        (950.0, "950"),
        (12345.0, "12.3k"),
        (2e6, "2.0M"),
        (5e11, "500G"),
    ],
)
def test_short_numbers(number: float | None, text: str) -> None:
    """At most five characters."""
    assert short(number) == text


class FakeClient:
    """A daemon that answers from memory."""

    def __init__(self) -> None:
        self.status = counted(100, 1000)
        self.gone = False
        self.looks = 0
        self.posted: list[tuple[str, dict[str, Any]]] = []

    def get(self, what: str) -> dict[str, Any]:
        """The status, or no answer."""
        self.looks += 1
        if self.gone:
            raise UnreachableError("no daemon at /run/hactl/hactl.sock")
        return self.status

    def post(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        """Done."""
        self.posted.append((what, content))
        return {"warnings": []}


async def until(pilot: Pilot[None], what: Callable[[], bool]) -> None:
    """Let the screen work until this holds."""
    async with asyncio.timeout(20):
        while not what():
            await pilot.pause(0.02)


def head(app: Top) -> str:
    """The heading's text."""
    return str(app.query_one("#head", Static).render())


def shown(app: Top) -> list[str]:
    """The names in the table, in order."""
    table = app.query_one(DataTable)
    return [str(table.get_row_at(number)[1]) for number in range(table.row_count)]


async def test_the_screen_and_its_keys() -> None:
    """Rows appear, the order changes, a search leaves one, and Escape brings all back."""
    app = Top(FakeClient(), 0.05)
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 5)
        assert shown(app)[0] == "rs3"
        assert "router web: master" in head(app)
        for _ in range(2):
            await pilot.press("s")
        assert "active connections" in head(app)
        await until(pilot, lambda: shown(app)[0] == "rs1")
        await pilot.press("slash", *"refused", "enter")
        await until(pilot, lambda: shown(app) == ["rs3"])
        await pilot.press("escape")
        await until(pilot, lambda: len(shown(app)) == 5)


async def test_an_operator_drains_with_a_key() -> None:
    """After one more question; Escape leaves everything as it is."""
    client = FakeClient()
    app = Top(client, 0.05)
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 5)
        await pilot.press("d", "escape")
        await pilot.pause()
        assert client.posted == []
        await pilot.press("d", *"disk")
        before = client.looks
        await until(pilot, lambda: client.looks > before + 2)
        await pilot.press("enter")
        await until(pilot, lambda: bool(client.posted))
    assert client.posted == [
        ("overrides", {"action": "drain", "server": "rs3", "service": "www", "reason": "disk"})
    ]


async def test_the_chosen_row_stays_chosen() -> None:
    """When the order changes under the cursor, it goes along: a key never hits another server than the one that is lit."""
    client = FakeClient()
    app = Top(client, 0.05)
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 5)
        changed = counted(100, 1000)
        changed["services"]["www"]["servers"]["rs1"]["health"] = "down"
        client.status = changed
        await until(pilot, lambda: shown(app)[0] == "rs1")
        assert shown(app)[app.query_one(DataTable).cursor_row] == "rs3"


async def test_a_daemon_that_is_gone_is_said() -> None:
    """The last rows stay, and the heading tells that they are old."""
    client = FakeClient()
    app = Top(client, 0.05)
    async with app.run_test(size=(140, 30)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 5)
        client.gone = True
        await until(pilot, lambda: "no daemon at" in head(app))
        assert len(shown(app)) == 5
        client.gone = False
        await until(pilot, lambda: "no daemon at" not in head(app))
