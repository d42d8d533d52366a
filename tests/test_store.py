"""Small files in the state directory: whole, or said to be broken."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hactl import store


def test_replace_is_whole(tmp_path: Path) -> None:
    """A file is replaced, its rights are the owner's alone, and no draft is left."""
    file = tmp_path / "f"
    store.replace(file, b"one")
    store.replace(file, b"two")
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["f"]


def test_load(tmp_path: Path) -> None:
    """A missing file is empty, a broken one is set aside with a sentence, one that cannot be read is a sentence."""
    file = tmp_path / "f"
    assert store.load(file, int, 0) == (0, "")
    file.write_bytes(b"7")
    assert store.load(file, int, 0) == (7, "")
    file.write_bytes(b"seven")
    value, text = store.load(file, int, 0)
    assert value == 0
    assert f"moved to {file}.broken" in text
    file.mkdir()
    assert store.load(file, int, 0) == (0, f"{file} cannot be read: Is a directory")


def test_trouble(tmp_path: Path) -> None:
    """A directory that can be written is no trouble; one that is not there is, in words."""
    assert store.trouble(tmp_path) == ""
    assert os.listdir(tmp_path) == []
    assert "No such file or directory" in store.trouble(tmp_path / "gone")


async def test_a_host_without_a_thread_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a disk that cannot be written for now, and no more."""
    await store.keep(tmp_path / "f", b"one")

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    with pytest.raises(OSError, match="can't start new thread"):
        await store.keep(tmp_path / "f", b"two")
    monkeypatch.undo()
    assert (tmp_path / "f").read_bytes() == b"one"


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_where_everybody_may_write_nothing_is_kept(tmp_path: Path, mode: int) -> None:
    """Somebody else could have put there beforehand what we would read, or a link to what we would give away."""
    store.prepare(tmp_path / "state")
    store.prepare(tmp_path / "state")
    tmp_path.chmod(mode)
    with pytest.raises(PermissionError, match="everybody may write there"):
        store.prepare(tmp_path)
