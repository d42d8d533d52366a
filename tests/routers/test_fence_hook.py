"""The sample of a fencing program, with a stand-in for ipmitool: status 0 only once the controller says that it is off."""

import os
import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).parent.parent.parent / "etc" / "hooks" / "fence-ipmi"
TOOL = """#!/bin/sh
echo "$@" >>"$(dirname "$0")/asked"
case "$*" in
*"power off") exit "$(cat "$(dirname "$0")/answer")" ;;
*"power status")
    count=$(grep -c "power status" "$(dirname "$0")/asked")
    if [ "$count" -lt 2 ]; then echo "Chassis Power is on"; else echo "Chassis Power is off"; fi ;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The hook's folder, and beside it a controller that obeys."""
    (tmp_path / "ipmitool").write_text(TOOL)
    (tmp_path / "ipmitool").chmod(0o755)
    (tmp_path / "answer").write_text("0")
    (tmp_path / "lb2.bmc").write_text("10.77.9.2 hactl\n")
    return tmp_path


def fence(folder: Path, peer: str) -> "subprocess.CompletedProcess[str]":
    """Run it as hactl does."""
    path = f"{folder}:{os.environ['PATH']}"
    told = {"PATH": path, "HACTL_PEER": peer, "HACTL_MASTER": "10.77.0.12"}
    command = [str(HOOK), str(folder)]
    return subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=20)


def test_the_peer_is_switched_off(folder: Path) -> None:
    """Its own controller is told, with the password from its file, and believed only when it says that it is off."""
    ended = fence(folder, "lb2")
    assert (ended.returncode, ended.stdout.splitlines()[-1]) == (0, "lb2 is off")
    head = f"-I lanplus -H 10.77.9.2 -U hactl -f {folder}/lb2.password chassis power"
    assert (folder / "asked").read_text().splitlines() == [f"{head} off", f"{head} status", f"{head} status"]


@pytest.mark.parametrize(("peer", "said"), [("", "which director"), ("lb3", "lb3.bmc")])
def test_whom_it_does_not_know_it_does_not_fence(folder: Path, peer: str, said: str) -> None:
    """Then it fails, and asks no controller."""
    ended = fence(folder, peer)
    assert ended.returncode != 0
    assert said in ended.stderr
    assert not (folder / "asked").exists()


def test_a_controller_that_refuses_is_a_failed_fencing(folder: Path) -> None:
    """Whatever the status says afterwards."""
    (folder / "answer").write_text("1")
    assert fence(folder, "lb2").returncode != 0
