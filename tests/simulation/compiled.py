"""The simulation and the core compiled with mypyc, in a copy under build/: the same stories in half the time.

Owns which modules stay as they are: those of the edge whose names `standins` exchanges, since compiled code finds other
compiled code without looking at names. A copy is kept for one state of all files; a minute and a half makes it anew.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "simulation"
_PACKAGES = ("failover", "hactl", "health", "notify")
_INTERPRETED = {
    "failover/frames.py",
    "failover/kernel.py",
    "failover/peer/links.py",
    "failover/transport.py",
}
_COMPILED_OF_OURS = (
    "director",
    "judge",
    "kernel",
    "process",
    "schedule",
    "trial",
    "weather",
    "wires",
    "world",
    "writer",
)
_NOT_NEEDED = {"found", "mutants", *(path.stem for path in Path(__file__).parent.glob("test_*.py"))}
_MAKE = """
import sys
from mypyc.build import mypycify
from setuptools import setup
modules = mypycify(["--strict", "--no-warn-unused-ignores", *sys.argv[1:]], opt_level="1", debug_level="0", separate=True)
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
    """`python -m simulation` with these arguments in the compiled copy, which is made where there is none yet."""
    place = _copy()
    environment = os.environ | {"PYTHONPATH": str(place)}
    return subprocess.run(
        [sys.executable, "-P", "-c", _START, *arguments], env=environment, check=False
    ).returncode


def _copy() -> Path:
    found = (path for folder in (*_PACKAGES, "tests/simulation") for path in (ROOT / folder).rglob("*.py"))
    files = sorted(path for path in found if path.parent.name != "simulation" or path.stem not in _NOT_NEEDED)
    state = hashlib.sha256()
    for path in files:
        state.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    place = HOME / state.hexdigest()[:16]
    if not place.exists():
        print("compiling; this takes some minutes", flush=True)
        _make(files, place)
    return place


def _make(files: list[Path], place: Path) -> None:
    unfinished = place.with_suffix(f".{os.getpid()}")
    for path in files:
        copy = unfinished / path.relative_to(ROOT / "tests" if path.is_relative_to(ROOT / "tests") else ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (unfinished / "mypy.ini").write_text(_MYPY)
    modules = [
        str(path.relative_to(unfinished))
        for path in sorted((unfinished / "failover").rglob("*.py"))
        if path.name != "__init__.py" and str(path.relative_to(unfinished)) not in _INTERPRETED
    ]
    modules += [f"simulation/{name}.py" for name in _COMPILED_OF_OURS]
    subprocess.run([sys.executable, "-c", _MAKE, *modules], cwd=unfinished, check=True)
    shutil.rmtree(unfinished / "build")
    unfinished.rename(place)
