"""Giving files to a group and reading those of others with the capabilities of the unit, which override no file's rights."""

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
GAMES, NOBODY = 60, pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all may pass."""
    with TemporaryDirectory(prefix="hactl-") as name:
        os.chmod(name, 0o711)
        yield Path(name)


def under_the_unit(program: str, *arguments: str) -> str:
    """What a program prints that runs as root with what etc/hactl.service gives."""
    found = re.search(
        r"^CapabilityBoundingSet=(.*)$", (ROOT / "etc" / "hactl.service").read_text(), re.MULTILINE
    )
    assert found is not None
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in found[1].split())
    bounded = ["setpriv", f"--bounding-set=-all,{kept}", "--inh-caps=-all", "--no-new-privs"]
    done = subprocess.run(
        [*bounded, sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return done.stdout.strip()


@pytest.mark.root
def test_a_socket_is_given_to_its_group(folder: Path) -> None:
    """Without CAP_CHOWN, and without staying in that group."""
    path = folder / "s"
    path.touch()
    program = (
        "import os, sys; from hactl.identity import give_to_group\n"
        f"give_to_group(sys.argv[1], {GAMES}); print(os.getgroups())"
    )
    assert str(GAMES) not in under_the_unit(program, str(path)).strip("[]").split(", ")
    assert path.stat().st_gid == GAMES


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_secret_of_somebody_else_is_read(folder: Path, mode: int) -> None:
    """As its owner; before and after it is nobody's business but root's."""
    path = folder / "secret"
    path.write_text("a-secret\n")
    path.chmod(mode)
    os.chown(path, NOBODY, NOBODY)
    plain = "import sys; from pathlib import Path; print(Path(sys.argv[1]).read_text())"
    with pytest.raises(subprocess.CalledProcessError):
        under_the_unit(plain, str(path))
    program = """
import os, sys
from hactl.secrets.files import contents
print(contents(sys.argv[1:])[sys.argv[1]])
os.setuid(12345)  # possible only if the rights came back
print(os.getuid())
"""
    assert under_the_unit(program, str(path)) == "a-secret\n12345"


@pytest.mark.root
def test_what_the_owner_may_not_read_is_not_read(folder: Path) -> None:
    """It is left out, as a file that is not there."""
    path = folder / "secret"
    path.write_text("a-secret\n")
    path.chmod(0)
    os.chown(path, NOBODY, NOBODY)
    program = "import sys; from hactl.secrets.files import contents; print(contents(sys.argv[1:]))"
    assert under_the_unit(program, str(path)) == "{}"


@pytest.mark.root
def test_the_history_is_the_workers(folder: Path) -> None:
    """It can make files there, now and after a restart; others cannot look in."""
    program = f"""
import os, sys
from pathlib import Path
from hactl.history.directory import make_directory
made = make_directory(Path(sys.argv[1]), "nobody")
os.setgroups([]); os.setgid({pwd.getpwnam("nobody").pw_gid}); os.setuid({NOBODY})
(made / "file").write_text("x")
print((made / "file").read_text())
"""
    assert under_the_unit(program, str(folder)) == "x"
    assert under_the_unit(program, str(folder)) == "x"
    assert (folder / "history").stat().st_mode & 0o7 == 0
