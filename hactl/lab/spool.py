"""Commands for a lab inside a guest, through a folder that host and guest share.

A request is a file ``ID.request``; its output grows in ``ID.out`` and ``ID.err``; ``ID.status`` ends it;
``ID.cancel`` asks to end it early; ``ready`` says that the lab is up, ``stop`` asks it to end. Files that the
other side reads at once are renamed into place. Limits: no input, no terminal, output arrives within about a
tenth of a second.

Its law: both ends poll, because no event crosses from one kernel to the other.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

POLL = 0.05


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A command for a node."""

    node: str
    command: tuple[str, ...]


def place(path: Path, content: bytes) -> None:
    """Writes a file so that the other side sees it whole or not at all."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


class Caller:
    """The host's end: one command."""

    def __init__(self, folder: Path, request: Request) -> None:
        self.folder, self.name = folder, uuid.uuid4().hex
        place(self.path("request"), msgspec.json.encode(request))

    def path(self, kind: str) -> Path:
        """One of the request's files."""
        return self.folder / f"{self.name}.{kind}"

    def wait(self, stdout: BinaryIO, stderr: BinaryIO, going: Callable[[], bool]) -> int | None:
        """Hands output through to the command's end; its status, or None when ``going`` says no first."""
        places = {"out": 0, "err": 0}
        while True:
            ended = self.path("status").exists()
            for kind, stream in (("out", stdout), ("err", stderr)):
                places[kind] += self._copy(kind, places[kind], stream)
            if ended:
                return int(self.path("status").read_text())
            if not going():
                return None
            time.sleep(POLL)

    def _copy(self, kind: str, position: int, stream: BinaryIO) -> int:
        with contextlib.suppress(FileNotFoundError), self.path(kind).open("rb") as file:
            file.seek(position)
            data = file.read()
            stream.write(data)
            stream.flush()
            return len(data)
        return 0

    def cancel(self) -> None:
        """Asks the other side to end the command."""
        self.path("cancel").touch()

    def close(self) -> None:
        """Removes the request's files."""
        for path in self.folder.glob(f"{self.name}.*"):
            path.unlink(missing_ok=True)


def copy_out(source: BinaryIO, path: Path) -> None:
    """Appends a program's output to a file, each piece in the other kernel's sight at once."""
    with path.open("ab", buffering=0) as file:
        while data := os.read(source.fileno(), 65536):
            file.write(data)
            os.fdatasync(file.fileno())


class Agent:
    """The guest's end: runs what is asked for. ``words`` makes a command and environment of it."""

    def __init__(self, folder: Path, words: Callable[[Request], tuple[list[str], dict[str, str]]]) -> None:
        self.folder, self.words = folder, words

    def run(self) -> None:
        """Serves until the file ``stop`` appears."""
        (self.folder / "ready").touch()
        while not (self.folder / "stop").exists():
            for path in self.folder.glob("*.request"):
                request = path.read_bytes()
                path.unlink()
                threading.Thread(target=self._serve, args=(path.stem, request), daemon=True).start()
            time.sleep(POLL)

    def _serve(self, name: str, content: bytes) -> None:
        try:
            status = self._execute(name, msgspec.json.decode(content, type=Request))
        except (OSError, KeyError, msgspec.DecodeError) as error:
            (self.folder / f"{name}.err").write_text(f"hactl lab: {error}\n")
            status = 125
        place(self.folder / f"{name}.status", str(status).encode())

    def _execute(self, name: str, request: Request) -> int:
        command, environment = self.words(request)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        copies = [
            threading.Thread(target=copy_out, args=(stream, self.folder / f"{name}.{kind}"))
            for kind, stream in (("out", process.stdout), ("err", process.stderr))
        ]
        with process.stdout, process.stderr:
            for copy in copies:
                copy.start()
            while process.poll() is None:
                if (self.folder / f"{name}.cancel").exists():
                    os.killpg(process.pid, signal.SIGTERM)
                time.sleep(POLL)
            for copy in copies:
                copy.join()
        return process.returncode if process.returncode >= 0 else 128 - process.returncode
