"""Two specs of one kind, compared field by field, in words.

The law: what two equal specs show is nothing, and a duration is written with its unit, as the file has it.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import Any

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


def differences(
    old: Any, new: Any, *, without: Collection[str] = (), prefix: str = ""
) -> tuple[Difference, ...]:
    """Every field that differs between two structs, those of structs inside them by their path."""
    return tuple(_fields(prefix, old, new, without))


def _fields(path: str, old: Any, new: Any, without: Collection[str]) -> Iterator[Difference]:
    before, after = _parts(old), _parts(new)
    if before is None or after is None or type(old) is not type(new):
        if old != new:
            yield Difference(path=path, old=shown(path, old), new=shown(path, new))
        return
    for name in dict.fromkeys((*before, *after)):
        if name in without:
            continue
        where = f"{path}.{name}" if path else name
        yield from _fields(where, before.get(name), after.get(name), ())


def _parts(value: Any) -> Mapping[str, Any] | None:
    """The parts of a value by name; None for one that is compared and shown as a whole."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if isinstance(value, tuple) and all(isinstance(item, msgspec.Struct) for item in value):
        parts = {key: item for item in value if (key := _key(item))}
        return parts if len(parts) == len(value) else None
    return None


def _key(item: Any) -> str | None:
    """What a member of a list is known by."""
    return getattr(item, "name", None) or getattr(item, "address", None)


def shown(path: str, value: Any) -> str | None:
    """A value for people, as it stands at this path; None where there is none."""
    if value is None:
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
