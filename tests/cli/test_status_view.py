"""The status screen, whole, from a daemon's JSON. HACTL_REWRITE=1 writes the expected texts anew."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hactl.cli.show import fitted
from hactl.cli.status_view import is_well, only, screen

DATA = Path(__file__).parent / "data"
NOON = 1767268800.0
"""2026-01-01 12:00:00 UTC."""


def load(name: str) -> dict[str, Any]:
    """A status as the daemon sends it."""
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return loaded


def expect(name: str, text: str) -> None:
    """Compare with the kept text, or keep this one."""
    kept = DATA / f"{name}.txt"
    if os.environ.get("HACTL_REWRITE"):
        kept.write_text(text)
    assert text == kept.read_text()


@pytest.mark.parametrize("name", ["pair", "lone"])
def test_screen(name: str) -> None:
    """The whole screen as an operator sees it."""
    expect(name, screen(load(name), NOON))


def test_screen_of_one_service() -> None:
    """With a service named, only it is shown."""
    expect("pair-mark", screen(only(load("pair"), ("mark",)), NOON))


def test_screen_in_colour() -> None:
    """Colours stand around words, and columns stay where they are without them."""
    expect("pair-colour", screen(load("pair"), NOON, colours=True))


def test_an_empty_status_is_shown() -> None:
    """A daemon of another version that sends nothing we know is no traceback."""
    assert "cluster ?" in screen({}, NOON)


def test_no_control_character_reaches_the_terminal() -> None:
    """What a probed server said cannot clear the screen."""
    assert "\x1b" not in screen(load("pair"), NOON)
    assert "disk\\x1b[2Jswap" in screen(load("pair"), NOON)


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"routers": {"web": {"state": "backup"}}}, True),
        ({"routers": {"web": {"state": "init"}}}, True),
        ({"routers": {"web": {"state": "fault"}}}, False),
        ({"peers": {"lb2": {"state": "unknown"}}}, True),
        ({"peers": {"lb2": {"state": "down"}}}, False),
        ({"sync": None}, True),
        ({"sync": {"state": "up"}}, True),
        ({"sync": {"state": "fault"}}, False),
        ({"witness": None}, True),
        ({"witness": {"targets": {"ping 10.77.0.1": {"seen": True}}}}, True),
        ({"witness": {"targets": {"ping 10.77.0.1": {"seen": False}}}}, False),
        ({"services": {"www": {"state": "down"}}}, False),
        ({"services": {"www": {"state": "up", "servers": {"a": {"health": "unknown"}}}}}, True),
        ({"services": {"www": {"state": "up", "servers": {"a": {"health": "down"}}}}}, False),
        ({"services": {"www": {"servers": {"a": {"health": "down", "admin": "disabled"}}}}}, True),
    ],
)
def test_judgement(change: dict[str, Any], well: bool) -> None:
    """Down and fault are bad; backup, init, unknown and a server the operator took out are not."""
    assert is_well(change) is well


def test_only_names_what_is_missing() -> None:
    """An unknown service is named, so the caller can suggest another."""
    with pytest.raises(KeyError, match="ww"):
        only(load("pair"), ("ww",))


def test_checks_of_one_service() -> None:
    """Named, a service is shown with its checks, why one does not count, and who shares it."""
    status = load("pair")
    (first, *_) = status["services"]["www"]["servers"].values()
    first["checks"] = {
        "page": {"state": "up", "reason": "ok", "latency_ms": 1.25, "at": "2026-01-01T11:59:50Z",
                 "shared_with": ["rs1@api", "rs1@a", "rs1@b", "rs1@c"]},
        "port": {"state": "down", "reason": "no_match", "detail": "PANG", "held": True, "damped": True},
    }  # fmt: skip
    text = screen(only(status, ("www",)), NOON)
    lines = [line for line in text.splitlines() if " page " in line or " port " in line]
    assert "ok" in lines[-2]
    assert lines[-2].endswith("rs1@api rs1@a rs1@b +1")
    assert "no_match: PANG; what it depends on is down; it fell too often" in lines[-1]
    assert "SHARED WITH" not in screen(status, NOON)


def test_a_drain_to_the_end_says_what_it_waits_for() -> None:
    """By enable alone, or with a latest moment; a plain drain as ever."""
    status = load("pair")
    wish = {"server": "rs1", "service": "www", "admin": "drain", "by": "root", "at": "2026-01-01T11:59:00Z"}
    late = {"remove": True, "remove_by": "2026-01-01T12:10:00Z"}
    status["overrides"] = [wish, wish | {"remove": True}, wish | late]
    lines = [line for line in screen(status, NOON).splitlines() if line.startswith("rs1@www")]
    assert [line.split("ago")[1].strip() for line in lines] == [
        "by enable",
        "by enable; out when connections have ended",
        "by enable; out when connections have ended, in 10m at the latest",
    ]


@pytest.mark.parametrize(
    ("lines", "rows", "columns", "shown"),
    [
        (["a" * 40] * 5, 5, 40, 5),
        (["a" * 41] * 5, 5, 40, 2),
        (["", "a" * 119, "b", "c"], 6, 40, 4),
        (["", "a" * 119, "b", "c"], 5, 40, 2),
        (["\x1b[31m" + "a" * 40 + "\x1b[0m"] * 5, 5, 40, 5),
        (["a" * 400, "b"], 3, 40, 1),
    ],
)
def test_a_watched_screen_counts_rows_and_not_lines(
    lines: list[str], rows: int, columns: int, shown: int
) -> None:
    """On a narrow terminal long lines wrap; what is one row too much would push the first ones out. Colours take no room."""
    text = "".join(f"{line}\n" for line in lines)
    seen = fitted(text, rows, columns)
    if shown == len(lines):
        assert seen == text
    else:
        assert seen.splitlines() == [
            *lines[:shown],
            f"... and {len(lines) - shown} lines more; name a service",
        ]
