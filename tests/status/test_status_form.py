"""The form of status: what is said of it is all there is, and each key of it can come."""

import copy
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from hactl.control.openapi import document
from hactl.status.snapshot import snapshot
from support.pictures import full_picture

SCHEMA = document("0.1.0")
WHOLE: dict[str, Any] = msgspec.to_builtins(snapshot(full_picture()))


def strict() -> Any:
    """A judge of status that takes no key that its form does not name."""
    parts = copy.deepcopy(SCHEMA["components"]["schemas"])
    for part in parts.values():
        if "properties" in part:
            part["additionalProperties"] = False
    return jsonschema_rs.validator_for(
        {"$ref": "#/components/schemas/Status", "components": {"schemas": parts}}
    )


def test_status_is_as_described() -> None:
    """No key more, no key less, no other kind of value."""
    assert [f"{error.instance_path}: {error.message}" for error in strict().iter_errors(WHOLE)] == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, part in SCHEMA["components"]["schemas"].items()
        if name.endswith("View") or name == "Status"
    ],
)
def test_every_key_comes(name: str) -> None:
    """Each is seen in the full picture, so that the test above judges it; those of firewall marks and sorry servers too."""
    wanted = set(SCHEMA["components"]["schemas"][name]["properties"])
    seen: set[str] = set()
    for found in _all(WHOLE):
        if set(SCHEMA["components"]["schemas"][name]["required"]) <= found.keys() <= wanted:
            seen |= found.keys()
    assert wanted == seen


def _all(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(found for inner in value.values() for found in _all(inner))]
    if isinstance(value, list):
        return [found for inner in value for found in _all(inner)]
    return []
