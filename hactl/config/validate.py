"""A tree to the schema's document, with every fault at its node.

The law: one faulty object hides nothing. What is at fault is cut out, by named object, and the rest read again, so that
the rules can look at all that is sound.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hactl.config.fault import Fault, Path, path_text
from hactl.config.schema.base import Objects
from hactl.config.schema.document import Document
from hactl.config.sentences import missing, sentence, shown, unknown_key
from hactl.config.tree import Node, clipped, fault_at, find, plain
from hactl.secrets.masks import MASK, holds_secrets

NAMED: Final = ("directors", "routers", "groups", "checks", "pools", "services", "notify")
"""Sections that hold objects by name."""

_STAND_INS: Final[dict[str, Any]] = {"cluster": "unknown", "directors": {}}


def validate(root: Node, known: Objects = MappingProxyType({})) -> tuple[Document | None, list[Fault]]:
    """The document, of the sound part where there are faults; None where too little is sound.

    `known` are objects by section and name that were read before, from what stands in the tree.
    """
    if not isinstance(root.value, dict):
        what = f"must be a mapping (cluster: ..., directors: ...), not {shown(root)}"
        return None, [fault_at(root, (), f"the file {what}")]
    faults, data = [], _plain(root, known)
    if _has_empty(data):
        faults = [
            fault_at(root, path, "has no value; give one, or remove the key") for path in _empty(root, ())
        ]
        data = _without_empty(data)
    models: dict[int, type[BaseModel]] = {}
    try:
        return Document.model_validate(data, context=models), faults
    except ValidationError as error:
        details = error.errors(include_url=False)
    empty = {fault.path for fault in faults}
    found = [_fault(root, data, models, detail) for detail in details]
    faults += [fault for fault in found if fault.path not in empty]
    return _sound_part(data, details), faults


def _plain(root: Node, known: Objects) -> dict[str, Any]:
    """The tree as the schema takes it."""
    sections = root.value if isinstance(root.value, dict) else {}
    held = {section for section, _ in known}
    return {
        section: _section(section, member.node, known) if section in held else plain(member.node)
        for section, member in sections.items()
    }


def _section(section: str, node: Node, known: Objects) -> Any:
    if not isinstance(node.value, dict):
        return plain(node)
    return {
        name: known[section, name] if (section, name) in known else plain(member.node)
        for name, member in node.value.items()
    }


def _has_empty(value: Any) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    return None in inside or any(_has_empty(each) for each in inside if isinstance(each, (dict, list)))


def _empty(node: Node, path: Path) -> Iterator[Path]:
    if isinstance(node.value, dict):
        for key, member in node.value.items():
            yield from _empty(member.node, (*path, key))
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from _empty(item, (*path, index))
    elif node.value is None:
        yield path


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_empty(item) for item in value if item is not None]
    return value


def _sound_part(data: dict[str, Any], details: list[ErrorDetails]) -> Document | None:
    for detail in details:
        section, *rest = _path(detail["loc"])
        if section in NAMED and rest and isinstance(data.get(str(section)), dict):
            data[str(section)].pop(rest[0], None)
        else:
            data.pop(str(section), None)
    try:
        return Document.model_validate(_STAND_INS | data)
    except ValidationError:
        return None


def _path(loc: tuple[int | str, ...]) -> Path:
    """The place in the tree: pydantic's, without the tags of unions."""
    return tuple(part for part in loc if not (isinstance(part, str) and part[:1] == "<" and part[-1:] == ">"))


def _fault(root: Node, data: Any, known: dict[int, type[BaseModel]], detail: ErrorDetails) -> Fault:
    path = _path(detail["loc"])
    kind = detail["type"]
    if path[-1] == "[key]":
        path = path[:-1]
        text = Node("", 0, 0, path[-1], str(path[-1]))
        return fault_at(root, path, sentence(detail, text, path), key=True)
    if kind == "extra_forbidden":
        return fault_at(root, path, unknown_key(str(path[-1]), _model(data, known, path[:-1])), key=True)
    if kind == "missing":
        message = missing(str(path[-1]), _model(data, known, path[:-1]))
        place = fault_at(root, path[:-1], message, key=True)
        return msgspec.structs.replace(place, path=path_text(path))
    return fault_at(root, clipped(root, path), sentence(detail, _quotable(find(root, path), path), path))


def _quotable(node: Node, path: Path) -> Node:
    """The node as a message may quote it: where secrets stand, or are written by mistake, a mask in its place."""
    if not isinstance(node.value, dict | list) and holds_secrets(map(str, path)):
        return msgspec.structs.replace(node, value=MASK, raw=MASK)
    return node


def _model(data: Any, known: dict[int, type[BaseModel]], path: Path) -> type[BaseModel] | None:
    """The model that read the mapping at a path."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return known.get(id(data))
