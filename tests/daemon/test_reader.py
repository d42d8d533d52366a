"""The configuration read by a process of its own."""

import signal
import sys
from pathlib import Path

import pytest

from hactl.config.load import load
from hactl.config.reading import Reading
from hactl.processes import reader

DATA = Path(__file__).parents[1] / "config" / "data"


@pytest.mark.parametrize(
    ("file", "node"), [("design-example.yaml", "lb1"), ("design-example.yaml", "lb9"), ("none", None)]
)
async def test_it_says_what_reading_here_says(file: str, node: str | None) -> None:
    """Configuration, faults and strangers come over whole, at a start and at a reload."""
    path = str(DATA / file)
    here = load(path, node)
    told = Reading(**{name: getattr(here, name) for name in Reading.__struct_fields__})
    assert reader.finish(path, reader.begin(path, node)) == told
    assert await reader.read(path, node) == told
    assert (told.config is not None, bool(told.stranger), bool(told.faults)).count(True) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", f"was killed by signal {int(signal.SIGKILL)}"),
        ("raise SystemExit(3)", "ended with status 3"),
    ],
)
async def test_a_reader_that_dies_is_a_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    """One sentence, like any other fault; the daemon goes on with what it has."""
    monkeypatch.setattr(reader, "_command", lambda path, node: (sys.executable, "-c", code))
    fault = f"/etc/x.yaml:1:1: cannot be read: the process that reads it {said}"
    assert [str(one) for one in (await reader.read("/etc/x.yaml", None)).faults] == [fault]
    assert [str(one) for one in reader.finish("/etc/x.yaml", reader.begin("/etc/x.yaml", None)).faults] == [
        fault
    ]
