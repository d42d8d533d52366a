"""The systemd units of a real server: what prepares it at each boot, and its agent."""

import subprocess
import sys
from pathlib import Path

import pytest

ETC = Path(__file__).parent.parent.parent / "etc"
UNIT, AGENT = ETC / "hactl-realserver.service", ETC / "hactl-realserver-agent.service"
EXPOSURE = 20
"""Ten times systemd's score of each (DESIGN section 10)."""


def test_it_applies_and_removes() -> None:
    """Start and reload apply, stop removes, and between them nothing runs."""
    text = UNIT.read_text()
    for line in (
        "ExecStart=/usr/bin/hactl realserver apply",
        "ExecReload=/usr/bin/hactl realserver apply",
        "ExecStop=/usr/bin/hactl realserver remove",
        "RemainAfterExit=yes",
    ):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("unit", [UNIT, AGENT], ids=lambda unit: unit.stem)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """No unknown key, no value it cannot read; the program is where this machine has one."""
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/usr/bin/hactl", f"{sys.executable} -c pass"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if "/lib/systemd/system/" not in line]
    assert (done.returncode, said) == (0, []), "what is said of other packages' units is theirs"


@pytest.mark.parametrize("unit", [UNIT, AGENT], ids=lambda unit: unit.stem)
def test_exposure(unit: Path) -> None:
    """systemd's own score does not rise unnoticed."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", str(unit)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-200:]
