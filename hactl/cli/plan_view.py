"""A plan as text: by section, each change with a sign, its effect, and the values that differ.

The law: + is added, - removed, ~ changed; nothing is shown that does not change.
"""

from collections.abc import Iterator
from typing import Any

from hactl.cli.text import paint
from hactl.printable import printable

Change = dict[str, Any]
_SIGNS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "renamed": ("~", "yellow"),
}
_SHOWN = 4
"""Servers that are named of the many that a check is about."""


def plan_text(plan: dict[str, Any], colours: bool) -> list[str]:
    """The lines of a plan in the form of POST /v1/plan."""
    changes = plan["changes"]
    lines: list[str] = []
    section = ""
    for change in changes:
        if change["section"] != section:
            section = change["section"]
            lines.append(paint(section, "bold", colours))
        lines += _change(change, colours)
    return [*lines, _sum(changes, plan["ok"])]


def _change(change: Change, colours: bool) -> Iterator[str]:
    sign, colour = _SIGNS[change["kind"]]
    note = f" ({change['note']})" if change["note"] else ""
    yield f"  {paint(sign, colour, colours)} {printable(_subject(change) + ': ' + change['text'] + note)}"
    for one in change["differences"]:
        yield "      " + printable(_difference(one))


def _subject(change: Change) -> str:
    """What changes; of a check, the servers that it is about."""
    on = change["on"]
    if not on:
        return str(change["name"])
    more = f" and {len(on) - _SHOWN} more" if len(on) > _SHOWN else ""
    return f"{change['name']} of {', '.join(on[:_SHOWN])}{more}"


def _difference(one: dict[str, Any]) -> str:
    return f"{one['path']}: {_value(one['old'])} -> {_value(one['new'])}"


def _value(text: str | None) -> str:
    return "none" if text is None else text


def _sum(changes: list[Change], ok: bool) -> str:
    if not changes:
        return "nothing would change" if ok else "nothing can be said of what would change"
    counts = [(sum(c["kind"] == kind for c in changes), kind) for kind in _SIGNS]
    return ", ".join(f"{count} {kind}" for count, kind in counts if count)
