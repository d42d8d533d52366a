"""The configuration from a file on disk: the one part of this package that touches the host (edge).

Reads files, the environment and the host name, and hands them to the pure parts: text to tree, tree to schema, rules,
specs of one director.
"""

import functools
import os
import socket
from collections.abc import Mapping
from typing import Any

import msgspec

from hactl.config.blocks import Blocks, Place, cut
from hactl.config.build import rebuild
from hactl.config.compose import MAX_BYTES
from hactl.config.examine import examine
from hactl.config.fault import Fault, in_order, suggestion
from hactl.config.memory import Memory
from hactl.config.reading import Reading
from hactl.config.schema.document import Document
from hactl.config.show import shown_document
from hactl.config.source import Read, Source
from hactl.config.tree import Node, digest, without


class Loaded(Reading, frozen=True, kw_only=True):
    """What became of a file, and the file itself: `document` is there when it has no fault."""

    document: Document | None = None


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A file's tree and what was found in it; the document where there is no fault. `contents` as `digest` takes them."""

    root: Node | None = None
    document: Document | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    contents: Mapping[Place, msgspec.Raw] = {}


def load(
    path: str,
    node: str | None = None,
    *,
    env: Mapping[str, str] = os.environ,
    hostname: str | None = None,
    memory: Memory | None = None,
) -> Loaded:
    """Read, check and resolve one file. Never raises for anything in the file or for an unreadable one.

    `memory` is that of earlier readings in the same environment; what it holds saves work and changes no result.
    """
    read = functools.cache(_read)
    memory = Memory() if memory is None else memory
    blocks = _blocks(path, read)
    judged = _recalled(path, read, env, memory, blocks) or _afresh(path, read, env)
    root, document = judged.root, judged.document
    if root is None or document is None:
        return Loaded(path=path, faults=judged.faults, warnings=judged.warnings)
    name = _director(document, node, socket.gethostname() if hostname is None else hostname)
    sha256 = digest(root, judged.contents)
    built = None
    if name is not None:
        around = without(root, "services")
        built = rebuild(memory.built, document, name, around=around, sha256=sha256)
    memory.keep(path, blocks, root, document, built)
    return Loaded(
        path=path,
        warnings=judged.warnings,
        config=built.config if built else None,
        stranger="" if name else _stranger(document, node, hostname),
        document=document,
    )


def _afresh(path: str, read: Read, env: Mapping[str, str]) -> _Judged:
    source = Source(read, env)
    root = source.tree(path)
    if root is None:
        return _Judged(faults=in_order(source.faults, path))
    verdict = examine(root)
    known = {(fault.file, fault.line, fault.column) for fault in source.faults}
    further = (f for f in verdict.faults if (f.file, f.line, f.column) not in known)
    faults = in_order((*source.faults, *further), path)
    return _Judged(
        root=root,
        document=None if faults else verdict.document,
        faults=faults,
        warnings=in_order(verdict.warnings, path),
    )


def _blocks(path: str, read: Read) -> Blocks:
    try:
        return cut(read(path))
    except (OSError, ValueError):
        return {}


def _recalled(
    path: str, read: Read, env: Mapping[str, str], memory: Memory, blocks: Blocks
) -> _Judged | None:
    """The same with the help of what is known; None where that is nothing, or where a fault must be told."""
    recalled = memory.recall(path, read(path), blocks) if blocks else None
    if recalled is None:
        return None
    source = Source(lambda name: recalled.data if name == path else read(name), env)
    root = source.tree(path)
    if root is None or source.faults or not recalled.fill(root):
        return None
    verdict = examine(root, recalled.models())
    if verdict.faults or verdict.document is None:
        return None
    return _Judged(
        root=root,
        document=verdict.document,
        warnings=in_order(verdict.warnings, path),
        contents=recalled.contents(),
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
