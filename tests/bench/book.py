"""Where a part of the bench writes down what it measures: one JSON file, whole after each sample; an abort loses none.

Owns the conditions that are told with the figures. No name of this machine and no path of it is among them.
"""

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from support.keepalived import PROGRAM

FOLDER = Path("build/bench")


class Book:
    """The file of one part. `about` are settings that belong to the conditions."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._path = path
        self._conditions = conditions() | {"load before": os.getloadavg()} | dict(about)
        self._samples: list[Any] = []
        self._began = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, kind: str, sample: Any) -> None:
        """One more; `sample` is a mapping, a struct or anything else that becomes an object of JSON."""
        self._samples.append({"kind": kind, "of": sample})
        took = {"took": round(time.monotonic() - self._began), "load after": os.getloadavg()}
        document = {"conditions": self._conditions | took, "samples": self._samples}
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
        new.replace(self._path)


class Document(msgspec.Struct, frozen=True):
    """What a book holds."""

    conditions: dict[str, Any]
    samples: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The samples of a kind."""
        return [one["of"] for one in self.samples if one["kind"] == kind]


def read(path: Path) -> Document:
    """Raises OSError, msgspec.MsgspecError."""
    return msgspec.json.decode(path.read_bytes(), type=Document)


def conditions() -> dict[str, Any]:
    """When and on what."""
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)
    words = (said.stdout + said.stderr).split()
    return {
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "python": platform.python_version(),
        "hactl": version("hactl"),
        "keepalived": next((word for word in words if word.startswith("v")), "?").removeprefix("v"),
    }
