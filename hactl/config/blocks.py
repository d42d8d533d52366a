"""The text of a file in blocks: each service and each pool with the lines that are its own; core.

The law: a block's text alone says what it means. Where that is in doubt there are no blocks, and where YAML's own parser
sees the keys elsewhere than they were cut (`stand`) they count for nothing.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from hactl.config.tree import Node

_SECTION = re.compile(rb"\n(pools|services): *(?:#[^\n]*)?(?=\n)")
_SECTION_END = re.compile(rb"\n[^ #\n]")
_FIRST = re.compile(rb"(?:\n *(?:#[^\n]*)?(?=\n))*\n( +)[^ #\n]")
_ODD_BREAKS = (b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
"""What YAML takes for the end of a line beside the usual one."""
_TIES = (b"&", b"*", b"!", b"${")
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
        return not any(tie in self.text for tie in _TIES)


Blocks = Mapping[Place, Block]


def cut(data: bytes) -> Blocks:
    """The blocks of a file, in order."""
    text = b"\n" + data  # So every line has a break before it, which is where the line begins in the file.
    sections = list(_SECTION.finditer(text))
    names = [match[1] for match in sections]
    if len(set(names)) < len(names) or any(each in data for each in _ODD_BREAKS):
        return {}
    found: dict[Place, Block] = {}
    for match in sections:
        end = _SECTION_END.search(text, match.end())
        for name, block in _members(text, match.end(), end.start() if end else len(data)):
            found[match[1].decode(), name] = block
    return found


def _members(text: bytes, start: int, end: int) -> Iterator[tuple[str, Block]]:
    """What stands between two breaks: keys in one column, and whatever is further to the right; else nothing."""
    first = _FIRST.match(text, start, end + 1)
    if first is None:
        return
    indent = len(first[1])
    lines = re.compile(rb"\n(?: {%d}([A-Za-z0-9._-]+):(?=[ \n])| {0,%d}[^ #\n])" % (indent, indent))
    heads = list(lines.finditer(text, start, end + 1))
    if not all(head[1] for head in heads):
        return
    line, at = 1, 0
    for head, follower in zip(heads, [*(each.start() for each in heads[1:]), end], strict=True):
        line, at = line + text.count(b"\n", at + 1, head.start() + 1), head.start()
        own = text[head.start() + 1 : follower + 1]
        yield head[1].decode(), Block(own, head.start(), head.end() - head.start() - 1, line, indent + 1)


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
        wanted = [(name, one.line, one.column) for (where, name), one in blocks.items() if where == section]
        if seen != wanted or not _is_block(node):
            return False
    return True


def _is_block(node: Node) -> bool:
    """A mapping without braces begins where its first key does."""
    first = next(iter(node.value.values()), None) if isinstance(node.value, dict) else None
    return first is not None and (first.line, first.column) == (node.line, node.column)
