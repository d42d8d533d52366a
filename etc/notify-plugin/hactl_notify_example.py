"""A channel that appends a line for each event to a file: the smallest useful plug-in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from notify import render
from notify.channels.base import DeliveryError, Tools
from notify.event import Event


class FileChannel:
    """Appends to `path`. The worker's user must be allowed to."""

    batch = 100

    def __init__(self, path: Path) -> None:
        self._path = path

    async def deliver(self, events: Sequence[Event]) -> str:
        """Raise DeliveryError and the events are tried again later; return and they are done."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                for event in events:
                    file.write(f"{render.when(event.at)} {render.headline(event)}\n")
        except OSError as error:
            raise DeliveryError(f"{self._path}: {error.strerror}") from error
        return ""


def make(options: Mapping[str, Any], tools: Tools, timeout: float) -> FileChannel:
    """What the entry point names. `options` stand in hactl.yaml; `timeout` is seconds for one delivery."""
    return FileChannel(Path(options["path"]))
