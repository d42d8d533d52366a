"""Every key of hactl.yaml, from the same JSON Schema that `hactl schema` prints; core."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hactl.config import duration
from hactl.reference.page import Entry, Page, Section

Schema = Mapping[str, Any]

_INTRODUCTION = """hactl.yaml is one YAML file, the same on every director. Durations are written 250ms, 2s, 5m, 1h, 1d.
Unknown keys are refused, with the nearest known one; every fault is told at once by `hactl check`. `${NAME}` is taken from
the environment, `!include other.yaml` from another file; secrets stand in files of their own, named by the keys that end in
`_file`."""
_COLUMNS = ("Key", "Form", "Meaning")
_MANY = frozenset({"directors", "routers", "groups", "checks", "pools", "services", "notify"})


def page(schema: Schema) -> Page:
    """The whole reference of the configuration."""
    return Page(
        title="Configuration",
        name="hactl.yaml",
        number=5,
        short="the configuration of hactl, key by key",
        sections=(
            Section("THE FILE", _INTRODUCTION, tuple(_entries(schema, schema)), _COLUMNS),
            *_sections(schema),
        ),
    )


def _sections(schema: Schema) -> Iterator[Section]:
    """A section for each kind of object, under the path by which it is reached; the first one counts."""
    seen: set[str] = set()
    for name, key in schema["properties"].items():
        path = f"{name}.NAME" if name in _MANY else name
        shared = _shared(schema, [found for found in _references(key) if _kind(schema["$defs"][found])])
        if shared:
            yield Section(
                path,
                f"What every `type` of {name} has; the further keys of each stand below.",
                shared,
                _COLUMNS,
            )
        yield from _reached(schema, key, path, seen, shared)


def _shared(schema: Schema, names: Sequence[str]) -> tuple[Entry, ...]:
    """The entries that all of these kinds have alike, but for a few: those say it themselves where it is otherwise."""
    tables = [tuple(_entries(schema, schema["$defs"][name])) for name in names]
    counted = Counter(entry for table in tables for entry in table)
    return tuple(entry for entry in (tables[0] if tables else ()) if counted[entry] > len(tables) // 2)


def _kind(found: Schema) -> str | None:
    """The word after `type:` that asks for this kind of object."""
    kind: str | None = found.get("properties", {}).get("type", {}).get("const")
    return kind


def _reached(
    schema: Schema, key: Schema, path: str, seen: set[str], shared: tuple[Entry, ...] = ()
) -> Iterator[Section]:
    for name in _references(key):
        if name in seen:
            continue
        seen.add(name)
        found = schema["$defs"][name]
        kind = _kind(found)
        title = f"{path} (type: {kind})" if kind else path
        own = tuple(entry for entry in _entries(schema, found) if entry not in shared)
        yield Section(title, found.get("description", ""), own, _COLUMNS)
        for inner, value in found.get("properties", {}).items():
            yield from _reached(schema, value, f"{path}.{inner}", seen)


def _references(value: Any) -> Iterator[str]:
    """The names of the objects that a key may hold, in order."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in ("oneOf", "anyOf", "items", "additionalProperties"):
            yield from _references(value.get(inner))
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _entries(schema: Schema, found: Schema) -> Iterator[Entry]:
    required = found.get("required", ())
    for name, key in found.get("properties", {}).items():
        yield Entry(name, _beside(key, name in required), _description(schema, key))


def _description(schema: Schema, key: Schema) -> str:
    """What the key means. pydantic leaves it out where it is word for word what the object says of itself."""
    text: str = key.get("description", "")
    return text or " ".join(schema["$defs"][name].get("description", "") for name in _references(key))


def _beside(key: Schema, required: bool) -> str:
    """Form and default in words."""
    form = " or ".join(dict.fromkeys(_form(key)))
    if required:
        return f"{form}; required"
    default = key.get("default")
    if form.endswith("duration"):
        default = _durations(default)
    return (
        form
        if default in (None, {}, [], "") or isinstance(default, dict)
        else f"{form}; default {_written(default)}"
    )


def _durations(default: Any) -> Any:
    """Seconds as durations are written; none at all is off where the form has that word."""
    if isinstance(default, list):
        return [_durations(one) for one in default]
    return duration.written(default) if isinstance(default, float) else default


def _form(key: Schema) -> Iterator[str]:
    if "const" in key or "enum" in key:
        yield " | ".join(_written(one) for one in key.get("enum", [key.get("const")]))
    elif "oneOf" in key or "anyOf" in key:
        for one in key.get("oneOf", key.get("anyOf", ())):
            if one.get("type") != "null":
                yield from _form(one)
    elif "$ref" in key:
        yield "mapping"
    elif "pattern" in key and "ms|s|m|h|d" in key["pattern"]:
        yield "duration"
    elif key.get("type") == "array":
        inner = " or ".join(dict.fromkeys(_form(key.get("items", {}))))
        yield f"list of {inner}" if inner else "list"
    elif key.get("type") == "integer" and "minimum" in key and "maximum" in key:
        yield f"{key['minimum']} to {key['maximum']}"
    else:
        yield {"object": "mapping", "string": "text", "boolean": "true | false"}.get(
            key.get("type", ""), "number"
        )


def _written(value: Any) -> str:
    """A value as it stands in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)
