"""etc/setup where it makes the environment: what of the checkout it removes, and what it leaves alone."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUBS = """
set -eu
say() { :; }; die() { exit 1; }; pip() { :; }; fingerprint() { echo print; }; lock_of() { echo requirements.lock; }
python=true set_name=base
"""


def test_what_was_measured_stays(tmp_path: Path) -> None:
    """The leavings of setuptools go; results of the bench, of torture, and packages in build/ are somebody's days."""
    text = (ROOT / "etc/setup").read_text()
    begin = text.index("make_environment() {")
    function = text[begin : text.index("\n}\n", begin) + 3]
    for name in (
        "build/lib/hactl/old.py",
        "build/bdist.linux-x86_64/x",
        "build/bench/outage.json",
        ".venv/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    subprocess.run(["bash", "-c", f"{STUBS}{function}\nmake_environment"], cwd=tmp_path, check=True)
    assert (tmp_path / ".venv/hactl-base").read_text() == "print\n"
    assert [path.name for path in (tmp_path / "build").iterdir()] == ["bench"]
    assert (tmp_path / "build/bench/outage.json").exists()
