"""Commands cross the shared folder with status, both outputs, and their end on demand."""

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hactl.lab import spool


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A shared folder with an agent that runs commands as they are."""
    agent = spool.Agent(tmp_path, lambda request: (list(request.command), dict(os.environ)))
    thread = threading.Thread(target=agent.run)
    thread.start()
    yield tmp_path
    (tmp_path / "stop").touch()
    thread.join(10)
    assert not thread.is_alive()


def call(folder: Path, *command: str) -> tuple[int | None, bytes, bytes]:
    """Status and outputs of a command."""
    out, err = io.BytesIO(), io.BytesIO()
    caller = spool.Caller(folder, spool.Request(node="x", command=command))
    status = caller.wait(out, err, lambda: True)
    caller.close()
    return status, out.getvalue(), err.getvalue()


def test_status_and_outputs_come_back(folder: Path) -> None:
    """Exit status and both outputs of a command arrive, and its files are gone."""
    assert call(folder, "sh", "-c", "echo out; echo err >&2; exit 9") == (9, b"out\n", b"err\n")
    assert [path.name for path in folder.iterdir()] == ["ready"]


def test_a_missing_program_is_a_sentence(folder: Path) -> None:
    """A command that cannot be started ends with 125 and a reason."""
    status, _, error = call(folder, "/nonexistent/program")
    assert status == 125
    assert b"No such file" in error


def test_a_command_ends_when_it_is_cancelled(folder: Path) -> None:
    """Ctrl-C on this side ends the program on the other."""
    caller = spool.Caller(folder, spool.Request(node="x", command=("sleep", "60")))
    begin = time.monotonic()
    caller.cancel()
    assert caller.wait(io.BytesIO(), io.BytesIO(), lambda: True) == 128 + 15
    assert time.monotonic() - begin < 30


def test_a_lab_that_ends_answers_nothing(tmp_path: Path) -> None:
    """Without an agent the caller leaves as soon as the lab is gone."""
    caller = spool.Caller(tmp_path, spool.Request(node="x", command=("true",)))
    assert caller.wait(io.BytesIO(), io.BytesIO(), lambda: False) is None
