"""What pydantic finds wrong, in an operator's words.

Every kind of error that the schema can produce has a sentence here; a kind without one falls back to pydantic's own
text, which a test forbids for the faults it knows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from hactl.config import hints
from hactl.config.fault import Path, suggestion
from hactl.config.schema.base import keys_of
from hactl.config.tree import Node
from hactl.config.words import resolve

Sentence = Callable[[Mapping[str, Any], Node], str]


def shown(node: Node) -> str:
    """A value as a message quotes it: as the file has it, never what the environment put there."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    text = node.raw if len(node.raw) <= 60 else node.raw[:57] + "..."
    return f"'{text}'" if isinstance(node.value, str) else text


def unknown_key(key: str, model: type[BaseModel] | None) -> str:
    """For a key that its section does not know."""
    return f"unknown key{hints.for_key(key, keys_of(model) if model else [])}"


def missing(key: str, model: type[BaseModel] | None) -> str:
    """For a key that must be given."""
    fields = {} if model is None else {f.alias or name: f for name, f in model.model_fields.items()}
    field = fields.get(key)
    words = _words(field.annotation) if field else []
    if words:
        return f"is required: {_either(words)}"
    return f"is required: {field.description.rstrip('.')}" if field and field.description else "is required"


def sentence(error: ErrorDetails, node: Node, path: Path) -> str:
    """For every other error, which concerns the value of a node."""
    kind = error["type"]
    known = _SENTENCES.get(kind)
    text = known(error.get("ctx", {}), node) if known else error["msg"]
    return text + hints.for_shape(path, node) if kind in _SHAPES else text


def _words(annotation: Any) -> list[str]:
    return [str(word) for word in get_args(annotation)] if get_origin(annotation) is Literal else []


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


def _own(ctx: Mapping[str, Any], node: Node) -> str:
    return str(ctx["sentence"]).replace("{value}", shown(node))


def _literal(ctx: Mapping[str, Any], node: Node) -> str:
    words = str(ctx["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
    return f"must be {_either(words)}, not {shown(node)}{hints.for_word(node.raw, words)}"


def _boolean(_: Mapping[str, Any], node: Node) -> str:
    words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    hint = f"; write {words[node.raw.lower()]}" if node.raw.lower() in words else ""
    return f"must be true or false, not {shown(node)}{hint}"


def _text(_: Mapping[str, Any], node: Node) -> str:
    quotable = isinstance(node.value, (bool, int, float))
    return f"must be text, not {shown(node)}" + (f'; put it in quotes: "{node.raw}"' if quotable else "")


def _whole_number(_: Mapping[str, Any], node: Node) -> str:
    hint = ""
    if isinstance(node.value, str) and node.raw.isdecimal():
        hint = "; take the quotes away" if isinstance(resolve(node.raw), int) else f"; write {int(node.raw)}"
    return f"must be a whole number, not {shown(node)}{hint}"


def _tag(ctx: Mapping[str, Any], node: Node) -> str:
    words = [word.strip("'<> ") for word in str(ctx["expected_tags"]).split(",")]
    if not isinstance(node.value, dict):
        return f"must be a mapping with a type ({', '.join(words)}), not {shown(node)}"
    member = node.value.get("type")
    if member is None:
        return f"a type is required: {_either(words)}"
    return f"there is no type {shown(member.node)}{suggestion(str(member.node.raw), words, at_most=30)}"


def _no_tag(_: Mapping[str, Any], node: Node) -> str:
    return f"must be a mapping with a type, not {shown(node)}"


def _as_list(node: Node) -> str:
    short = (
        isinstance(node.value, (str, int))
        and node.raw
        and len(node.raw) <= 30
        and not set(node.raw) & set(" ,[{")
    )
    return f"[{node.raw}]" if short else "[one, another]"


def _limit(words: str, key: str) -> Sentence:
    return lambda ctx, node: f"must be {words} {ctx[key]}, not {shown(node)}"


def _kind(words: str) -> Sentence:
    return lambda ctx, node: f"must be {words}, not {shown(node)}"


_SHAPES = frozenset({"dict_type", "model_type", "model_attributes_type", "int_type"})
_MAPPING = _kind("a mapping (key: value)")
_SENTENCES: dict[str, Sentence] = {
    "value": _own,
    "literal_error": _literal,
    "bool_type": _boolean,
    "string_type": _text,
    "int_type": _whole_number,
    "int_from_float": _whole_number,
    "float_type": _kind("a number"),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "list_type": lambda ctx, node: f"must be a list: {_as_list(node)}, not {shown(node)}",
    "greater_than_equal": _limit("at least", "ge"),
    "less_than_equal": _limit("at most", "le"),
    "too_short": lambda ctx, node: f"must have at least {ctx['min_length']}",
    "too_long": lambda ctx, node: f"must have at most {ctx['max_length']}, not {ctx['actual_length']}",
    "string_too_short": lambda ctx, node: "must not be empty",
    "string_too_long": lambda ctx, node: (
        f"must be at most {ctx['max_length']} characters long, not {shown(node)}"
    ),
    "string_pattern_mismatch": lambda ctx, node: f"must match {ctx['pattern']}, not {shown(node)}",
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
}
