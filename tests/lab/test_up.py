"""The lab to play with, as docs/first-cluster.md shows it: brought up, asked, hurt, ended, command by command."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from support.daemon import HACTL
from support.netns import needs_namespaces

PAGE = Path(__file__).parents[2] / "docs" / "first-cluster.md"
pytestmark = [needs_namespaces, pytest.mark.netns, pytest.mark.timeout(400)]
UP_WITHIN = 200.0
PATH = f"{Path(HACTL).parent}:{os.environ['PATH']}"


def block(title: str) -> list[str]:
    """The commands of the block with this title."""
    found = re.search(rf'^```sh title="{title}"\n(.*?)^```', PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def said(command: str, environment: dict[str, str]) -> str:
    """What a command says; it must succeed."""
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_lab_as_the_documentation_shows_it(tmp_path: Path) -> None:
    """Each line of both terminals, in their order."""
    (bring_up,) = block("in one terminal")
    environment = {**os.environ, "PATH": PATH, "NO_COLOR": "1", "HACTL_LAB_DIR": str(tmp_path / "labs")}
    with (tmp_path / "log").open("w+") as log:
        lab = subprocess.Popen(bring_up.split(), stdout=log, stderr=log, env=environment)
        try:
            limit = time.monotonic() + UP_WITHIN
            while "the lab is up" not in (tmp_path / "log").read_text():
                assert lab.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < limit
                time.sleep(0.5)
            status, page, handover, _, events, down = (
                said(command, environment) for command in block("in the other one")
            )
        finally:
            lab.terminate()
            lab.wait(60)
    assert "cluster lab   node lb1" in status
    assert page.strip() in ("rs1", "rs2", "rs3")
    assert "web: 10.77.0.12 is master" in handover
    assert "router.master" in events
    assert "removed: up" in down
