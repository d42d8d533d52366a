"""The configuration from a file on disk: the one part of this package that touches the host (edge).

Reads files, the environment and the host name, and hands them to the pure parts: text to tree, tree to schema, rules,
specs of one director.
"""

import os
import socket
from collections.abc import Mapping
from typing import Any

from hactl.config.build import build
from hactl.config.compose import MAX_BYTES
from hactl.config.examine import examine
from hactl.config.fault import in_order, suggestion
from hactl.config.reading import Reading
from hactl.config.schema.document import Document
from hactl.config.show import shown_document
from hactl.config.source import Source
from hactl.config.tree import digest


class Loaded(Reading, frozen=True, kw_only=True):
    """What became of a file, and the file itself: `document` is there when it has no fault."""

    document: Document | None = None


def load(
    path: str,
    node: str | None = None,
    *,
    env: Mapping[str, str] = os.environ,
    hostname: str | None = None,
) -> Loaded:
    """Read, check and resolve one file. Never raises for anything in the file or for an unreadable one."""
    source = Source(_read, env)
    root = source.tree(path)
    if root is None:
        return Loaded(path=path, faults=in_order(source.faults, path))
    verdict = examine(root)
    known = {(fault.file, fault.line, fault.column) for fault in source.faults}
    further = (f for f in verdict.faults if (f.file, f.line, f.column) not in known)
    faults = in_order((*source.faults, *further), path)
    warnings = in_order(verdict.warnings, path)
    document = verdict.document
    if faults or document is None:
        return Loaded(path=path, faults=faults, warnings=warnings)
    name = _director(document, node, socket.gethostname() if hostname is None else hostname)
    return Loaded(
        path=path,
        warnings=warnings,
        config=build(document, name, sha256=digest(root)) if name else None,
        stranger="" if name else _stranger(document, node, hostname),
        document=document,
    )


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def _director(document: Document, node: str | None, hostname: str) -> str | None:
    """The director meant: by name, or by host name, full or short."""
    wanted = (node,) if node is not None else (hostname, hostname.partition(".")[0])
    for name in wanted:
        if name in document.directors:
            return name
    if node is not None:
        return None
    short = [name for name in document.directors if name.partition(".")[0] == wanted[-1]]
    return short[0] if len(short) == 1 else None


def _stranger(document: Document, node: str | None, hostname: str | None) -> str:
    if node is not None:
        return f"there is no director '{node}' in the file{suggestion(node, document.directors)}"
    host = socket.gethostname() if hostname is None else hostname
    return (
        f"this host ('{host}') is none of the directors ({', '.join(document.directors)}); "
        "name one with --node"
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = Document.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "hactl.yaml"}


def effective(loaded: Loaded) -> dict[str, Any]:
    """The whole configuration with every default filled in, in the form of the file, secrets masked.

    Seen from the director of `loaded.config`, or from the first one where there is none; empty for a faulty file.
    """
    if loaded.document is None:
        return {}
    node = loaded.config.node if loaded.config else next(iter(loaded.document.directors))
    return shown_document(loaded.document, node)
