"""Small texts: spans, ages, durations, columns, the socket in a configuration."""

from datetime import UTC

import click
import pytest

from hactl.cli.common import socket_in
from hactl.cli.durations import Duration
from hactl.cli.events_view import event_line
from hactl.cli.text import Cell, ago, ahead, moment, span, table
from hactl.printable import printable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (59.9, "59s"), (60, "1m"), (192, "3m 12s"), (3600, "1h"), (7500, "2h 5m"), (3605, "1h"),
        (86400, "1d"), (273600 + 86400, "4d 4h"), (-5, "0s"),
    ],
)  # fmt: skip
def test_span(seconds: float, text: str) -> None:
    """A length of time shows its two largest units and no zero."""
    assert span(seconds) == text


def test_ago() -> None:
    """An age is text; a moment ahead of the clock, a missing one and a broken one do no harm."""
    assert ago("1970-01-01T00:00:10Z", 202.0) == "3m 12s ago"
    assert ago("1970-01-01T00:00:10.5Z", 11.0) == "just now"
    assert ago("1970-01-01T00:00:10Z", 0.0) == "just now"
    assert ago(None, 0.0) == ""
    assert ago("yesterday", 0.0) == ""
    assert moment("1970-01-01T01:00:00+01:00") == 0
    assert ahead(60.0, 0.0) == "in 1m"
    assert ahead(0.0, 60.0) == "now"


@pytest.mark.parametrize(
    ("text", "words"), [("5", "needs a unit: 5s"), ("", "must be a duration"), ("0s", "longer than 0s")]
)
def test_wrong_duration(text: str, words: str) -> None:
    """What the file does not take the command line does not take either, nor a duration of nothing."""
    assert Duration().convert("1.5h", None, None) == 5400.0
    with pytest.raises(click.BadParameter, match=words):
        Duration().convert(text, None, None)


def test_table() -> None:
    """Columns are aligned by what is visible, nothing trails, and an empty field keeps its place."""
    rows: list[tuple[Cell | str, ...]] = [("A", "LONG", "C"), ("aaa", "", "c"), ("a", Cell("b", "red"), "")]
    assert table(rows, colours=False) == ["A    LONG  C", "aaa        c", "a    b"]
    assert table(rows, colours=True)[2] == "a    \x1b[31mb\x1b[0m"


def test_clean() -> None:
    """Control characters are shown, letters of every language stay."""
    assert printable("a\x1b[31m\nü漢\x9b") == "a\\x1b[31m\\nü漢\\x9b"


def test_event_line() -> None:
    """An event is one line: time, severity, kind, subject, change, reason."""
    event = {
        "row": 3, "id": "x", "kind": "server.down", "severity": "warning", "cluster": "web", "node": "lb1",
        "subject": "rs1@www", "old": "up", "new": "down", "reason": "connect_refused\n!",
        "at": "2026-01-01T12:00:00.5Z",
    }  # fmt: skip
    line = "2026-01-01 12:00:00  warning   server.down          rs1@www  up -> down: connect_refused\\n!"
    assert event_line(event, zone=UTC) == line
    assert event_line({"kind": "config.loaded", "new": "loaded"}, zone=UTC).split() == [
        "config.loaded",
        "loaded",
    ]
    assert "\x1b[33mwarning \x1b[0m" in event_line(event, colours=True)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            "cluster: web\ncontrol:\n  # socket: /no\n\n  socket: /run/a.sock  # ours\n  group: adm\n",
            "/run/a.sock",
        ),
        ("control: {group: adm, socket: '/run/b.sock'}\n", "/run/b.sock"),
        ("control: {socket: /run/b.sock, group: adm}\n", "/run/b.sock"),
        ('control:\n    socket: "/run/c.sock"', "/run/c.sock"),
        ("control:\n  group: adm\nother:\n  socket: /run/no.sock\n", None),
        ("# control: {socket: /run/no.sock}\n", None),
        ("control:\n  socket: ${RUN}/d.sock\n", None),
        ("control:\n  socket: /run/${NAME}.sock\n", None),
        ("control:\n", None),
        ("", None),
    ],
)
def test_socket_of_a_configuration(text: str, path: str | None) -> None:
    """The control socket is found in a file's text in both YAML styles, and nothing else is taken for it."""
    assert socket_in(text) == path
