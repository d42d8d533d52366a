"""The text of a file in blocks: each service and each pool with the lines that are its own; core.

The law: a block's text alone says what it means. Where that is in doubt there are no blocks, and where YAML's own parser
sees the keys elsewhere than they were cut (`stand`) they count for nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from hactl.config.tree import Node

SECTIONS: Final = ("pools", "services")
_SECTION = re.compile(rb"^(pools|services): *(?:#[^\n]*)?\n", re.MULTILINE)
_SECTION_END = re.compile(rb"^[^ #\n]", re.MULTILINE)
_FIRST = re.compile(rb"(?: *(?:#[^\n]*)?\n)*( +)[^ #\n]")
_ODD_BREAKS = (b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
"""What YAML takes for the end of a line beside the usual one."""
_REACHES_OUT = re.compile(rb"[&*!]|\$\{")
"""Anchors, aliases and tags, includes among them, and the environment: what may tie a text to something outside of it."""

Place = tuple[str, str]
"""A section and a name in it."""


class Block(msgspec.Struct, frozen=True):
    """Its `text` begins after `start` bytes with its key, which takes `key` of them and stands in this line and column."""

    text: bytes
    start: int
    key: int
    line: int
    column: int

    @property
    def alone(self) -> bool:
        """Whether nothing ties it to what stands elsewhere."""
        return _REACHES_OUT.search(self.text) is None


Blocks = Mapping[Place, Block]


def cut(data: bytes) -> Blocks:
    """The blocks of a file, in order."""
    sections = list(_SECTION.finditer(data))
    names = [match[1] for match in sections]
    if len(set(names)) < len(names) or any(each in data for each in _ODD_BREAKS):
        return {}
    found: dict[Place, Block] = {}
    for match in sections:
        end = _SECTION_END.search(data, match.end())
        for name, block in _members(data, match.end(), end.start() if end else len(data)):
            found[match[1].decode(), name] = block
    return found


def _members(data: bytes, start: int, end: int) -> Iterator[tuple[str, Block]]:
    first = _FIRST.match(data, start, end)
    if first is None:
        return
    indent = len(first[1])
    keys = re.compile(rb"^ {%d}([A-Za-z0-9._-]+):(?=[ \n])" % indent, re.MULTILINE)
    lines = re.compile(rb"^ {0,%d}[^ #\n]" % indent, re.MULTILINE)
    heads = list(keys.finditer(data, start, end))
    if len(heads) < sum(1 for _ in lines.finditer(data, start, end)):
        return
    line, at = 1, 0
    for head, follower in zip(heads, [*(each.start() for each in heads[1:]), end], strict=True):
        line, at = line + data.count(b"\n", at, head.start()), head.start()
        text = data[head.start() : follower]
        yield head[1].decode(), Block(text, head.start(), head.end() - head.start(), line, indent + 1)


def without(data: bytes, blocks: Blocks) -> bytes:
    """The file with nothing but the keys of these blocks, each line where it was."""
    parts, end = [], 0
    for block in blocks.values():
        parts += [data[end : block.start], block.text[: block.key], b"\n" * block.text.count(b"\n")]
        end = block.start + len(block.text)
    return b"".join([*parts, data[end:]])


def stand(blocks: Blocks, root: Node) -> bool:
    """Whether the file's tree has exactly these keys in these places, one below the other."""
    for section in {section for section, _ in blocks}:
        if not _is_block(root) or not isinstance(root.value, dict) or section not in root.value:
            return False
        node = root.value[section].node
        members = node.value if isinstance(node.value, dict) else {}
        seen = [(name, member.line, member.column) for name, member in members.items()]
        cut_ = [(name, one.line, one.column) for (where, name), one in blocks.items() if where == section]
        if seen != cut_ or not _is_block(node):
            return False
    return True


def _is_block(node: Node) -> bool:
    """A mapping without braces begins where its first key does."""
    first = next(iter(node.value.values()), None) if isinstance(node.value, dict) else None
    return first is not None and (first.line, first.column) == (node.line, node.column)
