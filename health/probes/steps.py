"""What happened in one probe and when, for a person who asks.

Its law: what was said with a secret in it is not shown, and a secret that comes back is blotted out; what a server says
is bounded and printable.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple

from health.result import excerpt

STEPS_LIMIT = 100
"""Steps kept of one probe; a server that says its answer byte by byte would make more."""
_LINES = 20
_LINE = 200


class Step(NamedTuple):
    """One thing that happened; `at` is monotonic seconds, in a report seconds since the start."""

    name: str
    at: float
    lines: tuple[str, ...] = ()


class Steps:
    """Notes the steps of a probe; `secret` is what the probe looks its secrets up with."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self.taken: list[Step] = []
        self._secrets = secrets or {}
        self._hidden = False

    def secret(self, file: str) -> str | None:
        """The content of a secret file; what is sent next holds it."""
        self._hidden = True
        return self._secrets.get(file)

    def mark(self, name: str, *lines: str) -> None:
        """Something happened."""
        if len(self.taken) < STEPS_LIMIT or name == "end":
            self.taken.append(Step(name, time.monotonic(), lines))

    def sent(self, data: bytes) -> None:
        """This was said to the server, inside TLS or in the clear."""
        if data:
            hidden, self._hidden = self._hidden, False
            self.mark(
                "sent", *((f"{len(data)} bytes with a secret in them",) if hidden else self._shown(data))
            )

    def received(self, data: bytes) -> None:
        """The server said this."""
        if data:
            self.mark("received", *self._shown(data))

    def _shown(self, data: bytes) -> tuple[str, ...]:
        for secret in self._secrets.values():
            data = data.replace(secret.encode(), b"***") if secret else data
        if b"\0" in data or sum(byte > 126 or byte < 9 for byte in data[:_LINE]) > len(data[:_LINE]) // 4:
            return (f"{len(data)} bytes: {excerpt(data, _LINE // 2)}",)
        lines = data.rstrip(b"\r\n").split(b"\n", _LINES)
        shown = tuple(excerpt(line.removesuffix(b"\r"), _LINE) for line in lines[:_LINES])
        return shown if len(lines) <= _LINES else (*shown, f"... {len(lines[_LINES])} bytes more")


def endpoint(name: tuple[object, ...]) -> str:
    """An address and port as a person writes them, from a socket's name."""
    return f"{name[0]} port {name[1]}"
