"""A lab that was killed is removed by what it recorded; a living one is left alone."""

import os
from pathlib import Path

import pytest

from hactl.lab import records
from hactl.lab.records import Record


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records of this test alone."""
    monkeypatch.setenv("HACTL_LAB_DIR", str(tmp_path))


def record(identity: str, owner: tuple[int, int]) -> Path:
    """A record on disk, of a lab without namespaces."""
    folder = records.base_folder() / identity
    records.write(folder, Record(identity=identity, owner=owner, namespaces=(), nodes=(), guest=False))
    return folder


def test_only_labs_without_an_owner_are_swept() -> None:
    """A dead owner's lab goes, a reused process id is no owner, our own stays."""
    mine = record("mine", (os.getpid(), records.started(os.getpid())))
    dead = record("dead", (2**22 - 1, 1))
    reused = record("reused", (os.getpid(), 1))
    assert sorted(records.sweep()) == ["dead", "reused"]
    assert mine.exists()
    assert not dead.exists()
    assert not reused.exists()


def test_a_lab_is_on_record_while_it_is_there() -> None:
    """The record exists before anything of the lab does, and goes with it."""
    with records.lab("here", ("a",), (), guest=False) as folder:
        assert [found.identity for _, found in records.labs()] == ["here"]
    assert not folder.exists()
