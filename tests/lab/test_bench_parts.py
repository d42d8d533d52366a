"""The bench runs part after part, whatever becomes of one."""

from pathlib import Path

import pytest
from bench.__main__ import PARTS, SIZES, USUAL, Part, command, run
from bench.page import BOOKS

ROOT = Path(__file__).parents[2]


def part(module: str, seconds: float = 20.0) -> Part:
    """A part of this module."""
    return Part(module, "", "", "", (seconds, seconds, seconds))


def test_a_part_that_fails_or_hangs_ends_only_itself() -> None:
    """What went wrong is told in words."""
    assert run(part("bench.no_such_part"), "quick", ()) == "ended with status 1"
    assert (
        run(part("timeit", 0.5), "quick", ["-n", "1", "-r", "1", "import time; time.sleep(60)"])
        == "took too long"
    )


@pytest.mark.parametrize("name", PARTS)
def test_a_part_is_there_and_has_its_place_on_the_page(name: str) -> None:
    """Its module stands in the tests' tree."""
    place = ROOT / "tests" / Path(*PARTS[name].module.split("."))
    assert place.with_suffix(".py").exists() or (place / "__main__.py").exists()
    assert name in BOOKS


def test_what_needs_ipvs_runs_in_the_lab_kernel() -> None:
    """With the time that it has there; further words come last."""
    words = command(PARTS["flows"], "full", ["--rounds", "5"])
    assert "hactl.lab.guest" in words
    assert words[words.index("--time-limit") + 1] == str(PARTS["flows"].ceilings[SIZES.index("full")])
    assert words[-4:] == ["--rounds", "3", "--rounds", "5"]
    assert set(USUAL) <= PARTS.keys()
    assert not any(PARTS[name].guest for name in USUAL)
