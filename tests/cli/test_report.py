"""`hactl report` as an operator uses it: text, JSON, CSV and the page."""

import csv
import io
import json
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from click.testing import Result

from hactl.cli.report_view import Report, as_json, share
from hactl.history.availability import Line, Span, Subject
from notify.event import EventKind
from support.commandline import hactl
from support.fake_daemon import FakeDaemon, event, fake_daemon

DAY = 86400.0


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    """A daemon with a history: rs1@www was down for an hour two days ago, for a reason that tries to be markup."""
    with fake_daemon(tmp_path / "s") as running:
        monkeypatch.setenv("HACTL_SOCKET", running.path)
        down = msgspec.structs.replace(event(1), at=time.time() - 2 * DAY, reason="<script>alert(1)</script>")
        up = msgspec.structs.replace(
            down, id="up", kind=EventKind.SERVER_UP, old="down", new="up", reason="ok", at=down.at + 3600
        )
        running.commands.history = [(1, down), (2, up)]
        yield running


def report(*arguments: str) -> Result:
    """The command."""
    return hactl("report", *arguments)


def test_text(daemon: FakeDaemon) -> None:
    """The line of the server, with its downtime; services and others are there from status."""
    result = report("--since", "10d", "--downtimes")
    (line,) = (line for line in result.output.splitlines() if line.startswith("server") and "rs1@www" in line)
    assert line.split() == ["server", "rs1@www", "99.583", "%", "1", "1h", "1h", "-", "10d"]
    assert "service" in result.output
    assert "<script>alert(1)</script>" in result.output.splitlines()[-1]


def test_json_and_csv_say_the_same(daemon: FakeDaemon) -> None:
    """Numbers for programs."""
    lines = json.loads(report("--since", "10d", "--json").output)["lines"]
    rows = list(csv.DictReader(io.StringIO(report("--since", "10d", "--csv").output)))
    one = next(line for line in lines if line["name"] == "rs1@www")
    row = next(row for row in rows if row["name"] == "rs1@www")
    assert (one["downtimes"], one["down_s"], row["longest_s"]) == (1, 3600.0, "3600.0")
    assert [period["state"] for period in one["periods"]] == ["up", "down", "up"]
    assert len(lines) == len(rows) > 3


class Tags(HTMLParser):
    """The tags of a page, and those that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page(daemon: FakeDaemon, tmp_path: Path) -> None:
    """One sound file: a bar for each line, nothing from elsewhere, and markup in a reason stays text."""
    assert report("--since", "10d", "--html", str(tmp_path / "r.html")).exit_code == 0
    text = (tmp_path / "r.html").read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.seen.count("svg") == len(json.loads(report("--json").output)["lines"])
    assert "http" not in text
    assert "&lt;script&gt;" in text


def test_a_name(daemon: FakeDaemon) -> None:
    """Only that; an unknown one is answered with the nearest."""
    assert report("--since", "10d", "rs1@www", "--csv").output.count("\n") == 2
    result = report("rs1@ww")
    assert (result.exit_code, "did you mean 'rs1@www'?" in result.stderr) == (1, True)


def test_a_file_that_cannot_be_written(daemon: FakeDaemon) -> None:
    """One sentence, exit status 1."""
    result = report("--html", "/nowhere/r.html")
    assert (result.exit_code, result.stderr) == (
        1,
        "hactl: /nowhere/r.html cannot be written: No such file or directory\n",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (1.0, "100 %"),
        (0.999999999, "99.999 %"),
        (0.99583, "99.583 %"),
        (0.5, "50.0 %"),
        (0.0, "0.0 %"),
    ],
)
def test_less_than_all_is_never_a_hundred(value: float | None, text: str) -> None:
    """A rounded 100 would hide a downtime, in the numbers for programs as well."""
    assert share(value) == text
    spans = () if value is None else (Span(0.0, value, "up"), Span(value, 1.0, "down"))
    line = Line(subject=Subject.SERVICE, name="www", spans=tuple(one for one in spans if one.length))
    (shown,) = as_json(Report(cluster="web", node="lb1", since=0.0, until=1.0, lines=(line,)))["lines"]
    assert shown["available"] == (value if value is None or value == 1.0 else pytest.approx(value, abs=1e-6))
    assert (shown["available"] == 1.0) == (value == 1.0)
