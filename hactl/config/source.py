"""A file and all that it includes, as one tree.

`!include NAME` stands for the content of the file NAME, relative to the file that says so. The law: cycles, unreadable
files and too many of them are faults, and a node keeps the name of the file that it stands in.
"""

import posixpath
from collections.abc import Callable, Mapping
from typing import Final

from hactl.config.compose import Composer
from hactl.config.fault import Fault
from hactl.config.tree import Node

MAX_FILES: Final = 1000

Read = Callable[[str], bytes]
"""The content of a file, at most `MAX_BYTES` + 1 of it; OSError where it cannot be read."""


class Source:
    """Reads a file and its includes; `faults` gathers what is wrong with their form."""

    def __init__(self, read: Read, env: Mapping[str, str]) -> None:
        self.faults: list[Fault] = []
        self._read = read
        self._env = env
        self._open: list[str] = []
        self._files = 0

    def tree(self, path: str) -> Node | None:
        """The whole tree of a file, None where there is none to work with."""
        try:
            data = self._read(path)
        except (OSError, ValueError) as error:
            message = f"cannot be read: {_reason(error)}"
            self.faults.append(Fault(file=path, line=1, column=1, path="", message=message))
            return None
        return self._composed(path, data)

    def _composed(self, path: str, data: bytes) -> Node | None:
        composer = Composer(path, self._env, lambda node, where: self._include(path, node, where))
        self._open.append(path)
        root = composer.compose(data)
        self._open.pop()
        self.faults += composer.faults
        return root

    def _include(self, including: str, node: Node, where: str) -> Node | None:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(including), node.raw))
        self._files += 1
        if name in map(posixpath.normpath, self._open):
            chain = " -> ".join([*self._open, name])
            self._refuse(node, where, f"the file includes itself: {chain}")
            return None
        if self._files > MAX_FILES:
            self._refuse(node, where, f"more than {MAX_FILES} files included")
            return None
        try:
            data = self._read(name)
        except (OSError, ValueError) as error:
            self._refuse(node, where, f"cannot read {name}: {_reason(error)}")
            return None
        return self._composed(name, data)

    def _refuse(self, node: Node, where: str, message: str) -> None:
        self.faults.append(
            Fault(file=node.file, line=node.line, column=node.column, path=where, message=message)
        )


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
