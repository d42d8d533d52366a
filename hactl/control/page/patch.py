"""What changed from one snapshot to the next, as a JSON merge patch (RFC 7396); core.

The law: applied to the former snapshot, the patch gives the new one. A snapshot holds None for "not known" in places,
which a merge patch cannot set: such a member is left out of the snapshot first, by `without_nothing`.
"""

from typing import Any


def without_nothing(value: Any) -> Any:
    """The same JSON value without the members that are None."""
    if isinstance(value, dict):
        return {name: without_nothing(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The merge patch from `before` to `after`; empty when they are equal."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        former = before.get(name)
        if former == value:
            continue
        both = isinstance(former, dict) and isinstance(value, dict)
        patch[name] = difference(former, value) if both and former else value
    return patch
