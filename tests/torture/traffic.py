"""A client that asks the VIP for its director's name all the time, whatever happens: `hactl.lab.meter` at a gentle pace."""

import subprocess
import sys
from types import TracebackType
from typing import Self

import msgspec
from torture.ground import Net
from torture.places import VIP

from hactl.lab.meter import Setup
from hactl.lab.samples import Recording

PROBE_EVERY = 0.02
REQUEST_EVERY = 0.2


class Traffic:
    """Datagrams and connections from the client to the VIP, answered by the directors' hosts themselves."""

    def __init__(self, net: Net) -> None:
        self._setup = Setup(
            client=net.namespace("client"),
            directors={name: net.namespace(name) for name in net.directors},
            vip=VIP,
            probe_interval=PROBE_EVERY,
            request_interval=REQUEST_EVERY,
        )
        self._begun = False

    def __enter__(self) -> Self:
        text = msgspec.json.encode(self._setup).decode()
        command = [sys.executable, "-m", "hactl.lab.meter", text]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def begin(self) -> None:
        """A new recording."""
        if self._begun:
            self.end()
        self._say("start")
        self._begun = True

    def end(self) -> Recording:
        """What the client saw since the beginning."""
        self._say("stop")
        self._begun = False
        return msgspec.json.decode(self._answer(), type=Recording)

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        self._process.stdin.flush()

    def _answer(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the client has ended"
        return line
