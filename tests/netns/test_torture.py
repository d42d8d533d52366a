"""A short piece of the fault campaign (`make torture`) with a fixed seed: every promise holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.netns import needs_namespaces

pytestmark = needs_namespaces

TESTS = Path(__file__).parent.parent


def campaign(folder: Path, *words: str) -> list[dict[str, object]]:
    """Plays it; the record's verdicts."""
    command = [sys.executable, "-m", "torture", "--folder", str(folder), *words]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    played = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    lines = [json.loads(line) for path in folder.rglob("*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if "broken" in line]


@pytest.mark.timeout(300)
def test_some_faults(tmp_path: Path) -> None:
    """Some rounds on a pair and a trio."""
    words = ("--seed", "7", "--rounds", "4", "--lanes", "1", "--longest", "3")
    rounds = campaign(tmp_path, *words)
    assert len(rounds) == 8
    assert not any(line["broken"] for line in rounds)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_more_faults(tmp_path: Path) -> None:
    """Two minutes of them."""
    words = ("--seed", "8", "--duration", "2m", "--longest", "10")
    assert len(campaign(tmp_path, *words)) > 40
