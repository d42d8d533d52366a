"""What a compiled simulation needs before the core is imported (`compiled` makes the copy that this runs in).

Owns two repairs. mypyc makes a `msgspec.Struct` an ordinary class, but forgets the words in its head (`frozen=True`) and the
text of its annotations: both are read from the source beside it. And members of enumerations are found without a detour,
which nothing here needs.
"""

import ast
import enum
import functools
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def _structs(module: str) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """The classes of a module: the words in their heads, and their annotations."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    if not path.exists():
        return {}
    return {
        node.name: (
            {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg},
            {
                line.target.id: ast.unparse(line.annotation)
                for line in node.body
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            },
        )
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }


class _Meta(type(msgspec.Struct)):  # type: ignore[misc]
    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any], **words: Any) -> Any:
        known, annotations = _structs(space.get("__module__", "")).get(name, ({}, {}))
        if annotations:
            space["__annotations__"] = annotations
        return super().__new__(cls, name, bases, space, **(known | words))


def prepare() -> None:
    """Before anything of `failover` is imported."""
    msgspec.Struct = _Meta("Struct", (msgspec.Struct,), {"__module__": "msgspec"})  # type: ignore[misc]
    if "__getattr__" in vars(enum.EnumType):
        del enum.EnumType.__getattr__  # type: ignore[attr-defined]
