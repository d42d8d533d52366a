"""Two specs of one kind, compared field by field, in words.

The law: what two equal specs show is nothing, and a duration is written with its unit, as the file has it.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from hactl.config.duration import written
from hactl.plan.model import Difference
from hactl.secrets.masks import MASK, is_hidden

_DURATIONS = frozenset({
    "advert_interval", "preempt_delay", "startup_delay", "link_up_delay", "link_down_delay", "lease", "lease_alone",
    "refresh", "burst", "interval", "fast_interval", "timeout", "slow_start", "hold", "reconcile", "tcp", "tcpfin", "udp",
    "digest", "give_up", "history", "beat", "within", "window", "down_interval",
})  # fmt: skip
"""Fields of the specs that are seconds."""


ABSENT: Final = object()
"""Stands for what is not there, where the other side has something."""


def differences(
    old: Any, new: Any, *, without: Collection[str] = (), prefix: str = ""
) -> tuple[Difference, ...]:
    """Every field that differs between two structs, those of structs inside them by their path."""
    found = walk(old, new, without=without, path=prefix)
    return tuple(
        Difference(path=path, old=shown(path, was), new=shown(path, now)) for path, was, now in found
    )


def walk(old: Any, new: Any, *, without: Collection[str] = (), path: str = "") -> list[tuple[str, Any, Any]]:
    """Each place that differs, by its path, with what stands there."""
    found: list[tuple[str, Any, Any]] = []
    if old != new:
        _walk(path, old, new, without, found)
    return found


def _walk(path: str, old: Any, new: Any, without: Collection[str], found: list[tuple[str, Any, Any]]) -> None:
    """Two values that differ. What a large one has in common is compared once, and the same object not at all."""
    pairs = _pairs(old, new) if type(old) is type(new) else None
    if pairs is None:
        found.append((path, old, new))
        return
    for name, was, now in pairs:
        if was is not now and name not in without and was != now:
            _walk(f"{path}.{name}" if path else name, was, now, (), found)


def _pairs(old: Any, new: Any) -> Iterable[tuple[str, Any, Any]] | None:
    """The parts of two values by name; None for what is compared and shown as a whole."""
    if isinstance(old, msgspec.Struct):
        return [(name, getattr(old, name), getattr(new, name)) for name in old.__struct_fields__]
    before, after = _members(old), _members(new)
    if before is None or after is None:
        return None
    names = dict.fromkeys((*before, *after))
    return ((name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in names)


def _members(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, tuple) and all(isinstance(item, msgspec.Struct) for item in value):
        parts = {key: item for item in value if (key := _key(item))}
        return parts if len(parts) == len(value) else None
    return None


def _key(item: Any) -> str | None:
    """What a member of a list is known by."""
    return getattr(item, "name", None) or getattr(item, "id", None) or getattr(item, "address", None)


def shown(path: str, value: Any) -> str | None:
    """A value for people, as it stands at this path; None where there is none."""
    if value is None or value is ABSENT:
        return None
    if is_hidden(path):
        return MASK
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(path, item) or "none" for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (int, float)) and path.rpartition(".")[2] in _DURATIONS:
        return written(float(value))
    if isinstance(value, msgspec.Struct):
        return _structshown(path, value)
    return str(value)


def _structshown(path: str, value: msgspec.Struct) -> str:
    fields = msgspec.structs.asdict(value).items()
    parts = [f"{name}: {shown(f'{path}.{name}', item)}" for name, item in fields if item not in (None, ())]
    kind = value.__struct_config__.tag
    return "{" + ", ".join([f"type: {kind}"] * bool(kind) + parts) + "}"
