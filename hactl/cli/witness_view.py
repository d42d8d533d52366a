"""Witnesses on the screen of `hactl status`."""

from collections.abc import Mapping
from typing import Any

from hactl.cli.text import Cell, state, table


def lines(witness: Mapping[str, Any], colours: bool) -> list[str]:
    """A line for each witness, and one for each router whose lease an arbiter gives."""
    if not witness:
        return []
    rows: list[tuple[Cell | str, ...]] = [("WITNESS", "STATE", f"REASON ({witness.get('need', '?')} needed)")]
    for name, target in witness.get("targets", {}).items():
        rows.append((name, state("up" if target.get("seen") else "down"), target.get("reason", "")))
    for router, holder in witness.get("holders", {}).items():
        rows.append((f"  lease of {router}", holder or "nobody", ""))
    return table(rows, colours)
