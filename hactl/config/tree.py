"""The file as a tree whose every node knows its place.

A mapping's keys are always words. `raw` is a scalar's text as the file has it, before `${NAME}` is replaced: messages
quote it and the drift hash covers it, so what the environment holds shows up in neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from hactl.config.fault import Fault, Path, path_text
from hactl.config.words import Scalar


class Member(msgspec.Struct):
    """One key of a mapping, where it stands, and its value."""

    line: int
    column: int
    node: Node


class Node(msgspec.Struct):
    """A scalar, a mapping or a list. `size` counts the nodes below and itself, aliases expanded."""

    file: str
    line: int
    column: int
    value: Scalar | dict[str, Member] | list[Node]
    raw: str = ""
    size: int = 1


def plain(node: Node) -> Any:
    """The tree as dicts, lists and scalars, without places."""
    if isinstance(node.value, dict):
        return {key: plain(member.node) for key, member in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def without(root: Node, section: str) -> bytes:
    """All of a file but one section, in its order, as JSON."""
    sections = root.value if isinstance(root.value, dict) else {}
    return msgspec.json.encode([(key, plain(sections[key].node)) for key in sections if key != section])


def move(node: Node, lines: int) -> None:
    """Have all of a tree, in which there is no alias, stand so many lines further down."""
    node.line += lines
    if isinstance(node.value, dict):
        for member in node.value.values():
            member.line += lines
            move(member.node, lines)
    elif isinstance(node.value, list):
        for item in node.value:
            move(item, lines)


def find(root: Node, path: Path) -> Node:
    """The node at a path, or the deepest one on the way that exists."""
    node = root
    for part in path:
        if isinstance(node.value, dict) and isinstance(part, str) and part in node.value:
            node = node.value[part].node
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            break
    return node


def clipped(root: Node, path: Path) -> Path:
    """A path as far as it exists: a short form has no nodes for what it stands for."""
    for length in range(1, len(path) + 1):
        if find(root, path[:length]) is find(root, path[: length - 1]):
            return path[: length - 1]
    return path


def fault_at(root: Node, path: Path, message: str, *, key: bool = False) -> Fault:
    """A fault at the value of a path, or with `key` at the key that names it."""
    node = find(root, path)
    file, line, column = node.file, node.line, node.column
    parent = find(root, path[:-1])
    member = parent.value.get(str(path[-1])) if key and path and isinstance(parent.value, dict) else None
    if member is not None:
        file, line, column = parent.file, member.line, member.column
    return Fault(file=file, line=line, column=column, path=path_text(path), message=message)


def digest(root: Node, known: Mapping[tuple[str, str], msgspec.Raw] = MappingProxyType({})) -> str:
    """SHA-256 over the file's content as written: keys sorted, the directors' order kept, `${NAME}` not replaced.

    `known` has the `content` of nodes by section and name.
    """
    sections = root.value if isinstance(root.value, dict) else {}
    written = {section: _section(section, sections[section].node, known) for section in sorted(sections)}
    directors = sections.get("directors")
    order = list(directors.node.value) if directors and isinstance(directors.node.value, dict) else []
    return hashlib.sha256(msgspec.json.encode([written, order])).hexdigest()


def content(node: Node) -> msgspec.Raw:
    """What `digest` covers of a node, as JSON."""
    return msgspec.Raw(msgspec.json.encode(_canonical(node)))


def _section(section: str, node: Node, known: Mapping[tuple[str, str], msgspec.Raw]) -> Any:
    if not known or not isinstance(node.value, dict):
        return _canonical(node)
    return {
        name: known[section, name] if (section, name) in known else _canonical(node.value[name].node)
        for name in sorted(node.value)
    }


def _canonical(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _canonical(node.value[key].node) for key in sorted(node.value)}
    if isinstance(node.value, list):
        return [_canonical(item) for item in node.value]
    return node.value if "${" not in node.raw else node.raw
