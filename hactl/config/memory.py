"""What the last sound reading of a file found, kept for the next one: services and pools whose text is the same; core.

The law: what is recalled equals what would be read, places included, and it is recalled only into a file without fault: of
one with faults everything is read, so that every message is what it always was.
"""

from collections.abc import Mapping

import msgspec

from hactl.config.blocks import Block, Blocks, Place, stand, without
from hactl.config.build import Built
from hactl.config.compose import MAX_BYTES, MAX_NODES
from hactl.config.schema.base import Section
from hactl.config.schema.document import Document
from hactl.config.tree import Member, Node, content, move


class Known(msgspec.Struct):
    """A block with what was read of it; `content` as `hactl.config.tree.digest` takes it, once somebody asked."""

    block: Block
    node: Node
    model: Section
    content: msgspec.Raw | None = None

    def moved(self, block: Block) -> Node:
        """Its node where the block stands now."""
        if block.line != self.block.line:
            move(self.node, block.line - self.block.line)
        self.block = block
        return self.node


class Recalled(msgspec.Struct, frozen=True):
    """What is known of a file: of some of its `blocks`; `data` is the rest of it, in which the others are to be read."""

    blocks: Blocks
    known: Mapping[Place, Known]
    data: bytes

    def models(self) -> dict[Place, Section]:
        """What the schema made of each."""
        return {place: each.model for place, each in self.known.items()}

    def contents(self) -> dict[Place, msgspec.Raw]:
        """What each adds to the digest."""
        for each in self.known.values():
            each.content = each.content or content(each.node)
        return {place: each.content for place, each in self.known.items() if each.content is not None}

    def fill(self, root: Node) -> bool:
        """Put what is known into the tree of the rest; False where that cannot be, and the whole must be read."""
        if not stand(self.blocks, root):
            return False
        for (section, name), each in self.known.items():
            node = _section(root, section)
            member = _members(node)[name]
            member.node = each.moved(self.blocks[section, name])
            for above in (node, root):
                above.size += member.node.size - 1
        return root.size <= MAX_NODES


class Memory:
    """Of one file, the one that was read last without a fault."""

    def __init__(self) -> None:
        self._path = ""
        self._known: dict[Place, Known] = {}
        self.built: Built | None = None

    def recall(self, path: str, data: bytes, blocks: Blocks) -> Recalled | None:
        """What is known of the content of a file, cut in blocks; None where that is nothing."""
        if path != self._path or len(data) > MAX_BYTES:
            return None
        known = {place: self._known[place] for place, block in blocks.items() if self._knows(place, block)}
        return Recalled(blocks, known, without(data, {p: blocks[p] for p in known})) if known else None

    def _knows(self, place: Place, block: Block) -> bool:
        known = self._known.get(place)
        return known is not None and (known.block.text, known.block.column) == (block.text, block.column)

    def keep(self, path: str, blocks: Blocks, root: Node, document: Document, built: Built | None) -> None:
        """A sound reading: forget all others."""
        before, self._path, self.built, self._known = self._known, path, built, {}
        if not stand(blocks, root):
            return
        for (section, name), block in blocks.items():
            node = _members(_section(root, section))[name].node
            known = before.get((section, name))
            if known is not None and known.node is node:
                self._known[section, name] = known
            elif block.alone:
                self._known[section, name] = Known(block, node, getattr(document, section)[name])


def _section(root: Node, section: str) -> Node:
    return _members(root)[section].node


def _members(node: Node) -> dict[str, Member]:
    assert isinstance(node.value, dict)
    return node.value
