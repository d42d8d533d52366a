"""The bench itself works: a small run of it, of which no figure counts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.book import Document, read

ROOT = Path(__file__).parents[2]


def bench(module: str, book: Path, *words: str) -> Document:
    """Runs a part of it and gives what it wrote down."""
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{module}", *words, "--json", str(book)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return read(book)


@pytest.mark.timeout(180)
def test_outages_are_measured(tmp_path: Path) -> None:
    """Both programs play; each act leaves a sample, in which connections go on."""
    found = bench(
        "outage", tmp_path / "b.json", "--count=1", "--intervals=100", "--acts", "term", "return", "cut"
    )
    samples = found.of("outage")
    assert [(one["side"], one["act"]) for one in samples] == [
        (side, act) for act in ("term", "return", "cut") for side in ("hactl", "keepalived")
    ]
    assert all(one["kept"] == one["held"] > 0 for one in samples)
    assert all(one["gap"] > 0.1 for one in samples if one["act"] == "cut" and one["side"] == "keepalived")


@pytest.mark.timeout(180)
def test_removals_are_measured(tmp_path: Path) -> None:
    """Each way of failing is noticed by both, not before it could be."""
    found = bench("removal", tmp_path / "b.json", "--servers=8", "--settings=first")
    samples = found.of("removal")
    assert {(one["program"], one["way"]) for one in samples} == {
        (program, way)
        for program in ("hactl", "keepalived")
        for way in ("refused", "silent", "slow", "wrong")
    }
    assert all(len(one["took"]) == one["deaths"] == 2 for one in samples)
    assert all(took >= 1.0 for one in samples if one["way"] in ("silent", "slow") for took in one["took"])


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_shared_servers_are_measured(tmp_path: Path) -> None:
    """Fifty services over the same servers: hactl sends as many probes as for one, keepalived fifty times as many."""
    found = bench("scale", tmp_path / "b.json", "--only=sharing", "--seconds=3", "--settle=8")
    probes = {one["what"]: one["ours"] / one["theirs"] for one in found.of("scale") if one["unit"] == "/s"}
    assert probes["probes, 50 services; beside: hactl's for 1"] < 1.2
    assert probes["probes, 50 services"] < 0.1
