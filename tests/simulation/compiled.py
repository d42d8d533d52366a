"""The simulation and the core compiled with mypyc, in a copy under build/: the same stories in half the time.

Owns which modules stay as they are: those of the edge whose names `standins` exchanges, since compiled code finds other
compiled code without looking at names, and one with a field of type `object`, for which mypyc looks in the module itself. A
copy is kept for one state of all files; a minute and a half makes it anew, and it is used only when it told some stories as
the sources tell them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from simulation.campaign import digest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "simulation"
COMPARED = 100
"""Stories told by both before a copy is used."""
_PACKAGES = ("failover", "hactl", "health", "notify")
_INTERPRETED = {
    "failover/closing.py",
    "failover/frames.py",
    "failover/kernel.py",
    "failover/kernel_job.py",
    "failover/peer/links.py",
    "failover/transport.py",
}
_COMPILED_OF_OURS = (
    "answers",
    "causes",
    "director",
    "holders",
    "judge",
    "kernel",
    "last_holder",
    "memory",
    "orders_kept",
    "process",
    "recovery",
    "schedule",
    "trial",
    "weather",
    "wires",
    "world",
    "writer",
)
_NOT_NEEDED = {
    "compiled",
    "found",
    "mutants",
    *(path.stem for path in Path(__file__).parent.glob("test_*.py")),
}
_MAKE = """
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(["--strict", "--no-warn-unused-ignores", *sys.argv[1:]], opt_level="3", debug_level="0")
setup(name="simulation", packages=[], ext_modules=modules, script_args=["-q", "build_ext", "--inplace"])
"""
_MYPY = """
[mypy]
explicit_package_bases = True
namespace_packages = True
ignore_missing_imports = True
"""
_START = """
import sys
from simulation.native import prepare
prepare()
from simulation.__main__ import main
sys.exit(main())
"""


def run(arguments: list[str]) -> int:
    """`python -m simulation` with these arguments in the compiled copy, which is made where there is none yet.

    Raises RuntimeError when the copy tells another story than the sources.
    """
    files = _needed()
    state = hashlib.sha256()
    for path in files:
        state.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    place = HOME / state.hexdigest()[:16]
    if not place.exists():
        print("compiling; this takes some minutes", flush=True)
        unfinished = place.with_suffix(f".{os.getpid()}")
        _make(files, unfinished)
        _compare(unfinished)
        unfinished.rename(place)
    return subprocess.run(_command(arguments), env=_environment(place), check=False).returncode


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-P", "-c", _START, *arguments]


def _environment(place: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(place)}


def _needed() -> list[Path]:
    """The failover worker's files, those of ours that it loads, and the world's."""
    import simulation.trial  # noqa: F401

    loaded = {module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in _PACKAGES}
    folders = (ROOT / "failover", ROOT / "tests/simulation")
    files = {path for folder in folders for path in folder.rglob("*.py") if path.stem not in _NOT_NEEDED}
    return sorted(files | {Path(file) for file in loaded if file})


def _compare(place: Path) -> None:
    ours = digest(0, COMPARED, jobs=1)
    theirs = subprocess.run(
        _command(["--digest", "--seeds", str(COMPARED), "--jobs", "1"]),
        env=_environment(place),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    if ours != theirs:
        raise RuntimeError(f"{place} tells other stories than the sources do")


def _make(files: list[Path], place: Path) -> None:
    for path in files:
        copy = place / path.relative_to(ROOT / "tests" if path.is_relative_to(ROOT / "tests") else ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (place / "mypy.ini").write_text(_MYPY)
    modules = [
        str(path.relative_to(place))
        for path in sorted((place / "failover").rglob("*.py"))
        if path.name != "__init__.py" and str(path.relative_to(place)) not in _INTERPRETED
    ]
    modules += [f"simulation/{name}.py" for name in _COMPILED_OF_OURS]
    subprocess.run([sys.executable, "-c", _MAKE, *modules], cwd=place, check=True)
    shutil.rmtree(place / "build")
