"""The last table is plain text with aligned columns."""

from hactl.lab import table
from hactl.lab.serving import Check


def test_columns_are_aligned() -> None:
    """Words to the left, numbers to the right, no blank at a line's end."""
    lines = table.columns([("name", "ms"), ("a", "5"), ("longer", "1500")], right=frozenset({1}))
    assert lines == ["name      ms", "------  ----", "a          5", "longer  1500"]


def test_a_broken_promise_stands_out() -> None:
    """What did not happen is written large."""
    assert table.checks([Check(name="x", seen="y", ok=False)])[-1].endswith("FAILED")
