"""YAML text to a tree of nodes with places.

Built on the parser's events, so that every bound is ours: depth, number of nodes with aliases expanded (no "billion
laughs"), keys given twice, tags. Never raises for any text: what cannot be read is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from hactl.config.environment import expand
from hactl.config.fault import Fault, path_text
from hactl.config.syntax import sentence
from hactl.config.tree import Member, Node
from hactl.config.words import resolve

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 40
MAX_NODES: Final = 1_000_000

Include = Callable[[Node, str], Node | None]
"""Given the scalar node of an `!include` and its path in the tree: the root of the file named, None after a fault."""

_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ODD_KEYS = frozenset({"", "<<"})
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


class TooMuchError(Exception):
    """A bound was passed: nothing more of this file is read."""


class Composer:
    """Builds the tree of one file; `faults` gathers what is wrong with its form."""

    def __init__(self, file: str, env: Mapping[str, str], include: Include) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._env = env
        self._include = include
        self._anchors: dict[str, Node | None] = {}
        self._path: list[str | int] = []
        self._total = 0
        self._events: Any = None

    def compose(self, data: bytes) -> Node | None:
        """The root of the file, None where there is none to work with."""
        text = self._decode(data)
        if text is None:
            return None
        self._events = _LOADER(text)
        try:
            return self._document()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._fault(mark, sentence(error, text), path="")
        except yaml.YAMLError as error:
            self._fault(None, f"cannot be read as YAML: {error}", path="")
        except TooMuchError:
            pass
        finally:
            self._events.dispose()
        return None

    def _decode(self, data: bytes) -> str | None:
        if len(data) > MAX_BYTES:
            self._fault(None, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", path="")
            return None
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            line = before.count(b"\n") + 1
            column = len(before) - (before.rfind(b"\n") + 1) + 1
            self._place_fault(line, column, f"is not UTF-8 text: byte 0x{data[error.start]:02x}")
            return None
        bad = _UNPRINTABLE.search(text)
        if bad:
            line = text.count("\n", 0, bad.start()) + 1
            column = bad.start() - text.rfind("\n", 0, bad.start())
            self._place_fault(line, column, f"a character that no text has: U+{ord(bad.group()):04X}")
            return None
        return text

    def _document(self) -> Node | None:
        self._events.get_event()
        start = self._events.get_event()
        if isinstance(start, yaml.StreamEndEvent):
            self._fault(None, "the file is empty", path="")
            return None
        root = self._node(self._events.get_event())
        self._events.get_event()
        further = self._events.get_event()
        if isinstance(further, yaml.DocumentStartEvent):
            self._fault(
                further.start_mark, "a second document starts here ('---'); one file holds one", path=""
            )
        return root

    def _node(self, event: Any) -> Node:
        if type(event) is yaml.AliasEvent:
            return self._alias(event)
        if len(self._path) > MAX_DEPTH:
            self._fault(event.start_mark, f"nested more than {MAX_DEPTH} levels deep", path="")
            raise TooMuchError
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        kind = type(event)
        if kind is yaml.ScalarEvent:
            node = self._scalar(event)
        elif kind is yaml.SequenceStartEvent:
            node = self._list(event)
        else:
            node = self._mapping(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _count(self, size: int, mark: Any) -> None:
        self._total += size
        if self._total > MAX_NODES:
            self._fault(
                mark, f"the file holds more than {MAX_NODES} values once aliases (*name) are expanded"
            )
            raise TooMuchError

    def _alias(self, event: Any) -> Node:
        known = self._anchors.get(event.anchor)
        if known is not None:
            self._count(known.size, event.start_mark)
            return known
        inside = event.anchor in self._anchors
        reason = "contains itself" if inside else "is not defined before (no &" + event.anchor + ")"
        self._fault(event.start_mark, f"the alias *{event.anchor} {reason}")
        return self._new(event, "", None)

    def _new(self, event: Any, raw: str, value: Any, size: int = 1) -> Node:
        mark = event.start_mark
        return Node(self.file, mark.line + 1, mark.column + 1, value, raw, size)

    def _scalar(self, event: Any) -> Node:
        self._count(1, event.start_mark)
        raw: str = event.value
        tag = event.tag
        if tag == "!include":
            return self._included(event)
        if tag is not None and tag not in _STRING_TAGS:
            self._fault(event.start_mark, f"the tag {tag} is not known; the one there is: !include")
        text = raw
        if "${" in raw:
            text, problems = expand(raw, self._env)
            for problem in problems:
                self._fault(event.start_mark, problem)
        quoted = bool(event.style) or tag in _STRING_TAGS
        return self._new(event, raw, text if quoted else resolve(text))

    def _included(self, event: Any) -> Node:
        asked = self._new(event, event.value, event.value)
        root = self._include(asked, path_text(tuple(self._path)))
        if root is None:
            return self._new(event, event.value, None)
        self._count(root.size, event.start_mark)
        return root

    def _list(self, event: Any) -> Node:
        self._tag(event)
        self._count(1, event.start_mark)
        node = self._new(event, "", [])
        items: list[Node] = []
        while not isinstance(follow := self._events.get_event(), yaml.SequenceEndEvent):
            self._path.append(len(items))
            items.append(self._node(follow))
            self._path.pop()
        node.value = items
        node.size += sum(item.size for item in items)
        return node

    def _mapping(self, event: Any) -> Node:
        self._tag(event)
        self._count(1, event.start_mark)
        members: dict[str, Member] = {}
        size, next_event, path = 1, self._events.get_event, self._path
        while type(follow := next_event()) is not yaml.MappingEndEvent:
            plain = type(follow) is yaml.ScalarEvent and follow.value not in _ODD_KEYS
            name = follow.value if plain else self._key(follow)
            path.append(name)
            value = self._node(next_event())
            first = members.get(name)
            mark = follow.start_mark
            if first is not None:
                self._fault(
                    mark, f"the key is given twice, first in line {first.line}, column {first.column}"
                )
            else:
                members[name] = Member(mark.line + 1, mark.column + 1, value)
                size += value.size
            path.pop()
        return self._new(event, "", members, size)

    def _key(self, event: Any) -> str:
        if type(event) is yaml.ScalarEvent and (event.value or event.style):
            if event.value == "<<" and not event.style:
                self._fault(event.start_mark, "the merge key << is not part of YAML 1.2; write the keys out")
            return str(event.value)
        self._fault(event.start_mark, "a key must be a word, such as 'name:'")
        raise TooMuchError

    def _tag(self, event: Any) -> None:
        if event.tag is not None:
            self._fault(
                event.start_mark, f"the tag {event.tag} is not known here; !include takes a file's name"
            )

    def _place_fault(self, line: int, column: int, message: str, path: str = "") -> None:
        self.faults.append(Fault(file=self.file, line=line, column=column, path=path, message=message))

    def _fault(self, mark: Any, message: str, *, path: str | None = None) -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self._place_fault(line, column, message, path_text(tuple(self._path)) if path is None else path)
