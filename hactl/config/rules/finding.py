"""What a rule looks at, and what it says."""

from collections.abc import Mapping

import msgspec

from hactl.config.fault import Path
from hactl.config.schema.document import Document


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault or warning at a path; with `key` at the key rather than its value."""

    path: Path
    message: str
    warning: bool = False
    key: bool = False


class World(msgspec.Struct, frozen=True, kw_only=True):
    """The sound part of the document, and the names that the file gives in each section, faulty ones too.

    A reference to a faulty object is no fault of its own, so rules ask `named` and not the document.
    """

    document: Document
    names: Mapping[str, frozenset[str]]

    def named(self, section: str) -> frozenset[str]:
        """The names that the file gives in a section."""
        return self.names.get(section, frozenset())


def fault(*path: str | int, message: str, key: bool = False) -> Finding:
    """A finding that refuses the file."""
    return Finding(path=path, message=message, key=key)


def warning(*path: str | int, message: str, key: bool = False) -> Finding:
    """A finding that is told, and a fault only with --strict."""
    return Finding(path=path, message=message, warning=True, key=key)
