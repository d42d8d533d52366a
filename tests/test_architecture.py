"""The law of the rooms, read from the sources: packages by name, core without effects, small files.

import-linter (``make lint``) keeps the leaves apart; what depends on the list of edge modules is kept here.
"""

import ast
import functools
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("failover", "hactl", "health", "notify")
LONGEST_FILE = 300
LONGEST_FUNCTION = 60


@functools.cache
def settings() -> dict[str, Any]:
    """The tables under ``tool`` in pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"])


def module_name(path: Path) -> str:
    """Dotted name of the module in ``path``; a package goes by its own name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def sources() -> dict[str, Path]:
    """Every module of the four packages by name."""
    return {module_name(path): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}


def is_edge(module: str) -> bool:
    """Whether pyproject.toml lists ``module`` as edge."""
    return any(fnmatchcase(module, pattern) for pattern in settings()["hactl"]["architecture"]["edge"])


def is_effect(imported: str) -> bool:
    """Whether ``imported`` is, or lies in, a module that a core module may not import."""
    effects = settings()["hactl"]["architecture"]["effects"]
    return any(imported == effect or imported.startswith(f"{effect}.") for effect in effects)


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all that is imported anywhere in ``tree``, relative names resolved.

    ``from a import b`` yields a and a.b, since b may be a module.
    """
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def impurities(module: str, text: str, is_package: bool = False) -> list[str]:
    """What makes core module ``module`` with source ``text`` impure, one sentence each."""
    return [
        f"{module}:{line} imports {name}"
        for line, name in imports(ast.parse(text), module, is_package)
        if is_effect(name) or is_edge(name)
    ]


def long_functions(module: str, text: str) -> list[str]:
    """Functions of ``text`` over the limit, from ``def`` to the last line."""
    functions = (
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    sizes = ((f"{module}:{f.lineno} {f.name}", (f.end_lineno or f.lineno) - f.lineno + 1) for f in functions)
    return [f"{place}: {size} lines" for place, size in sizes if size > LONGEST_FUNCTION]


def test_core_modules_are_pure() -> None:
    """No core module imports an effect or an edge module of ours."""
    found = [
        fault
        for module, path in sources().items()
        if not is_edge(module)
        for fault in impurities(module, path.read_text(), path.name == "__init__.py")
    ]
    assert not found, "\n".join(
        ["list it as edge in pyproject.toml only if it does the effect itself:", *found]
    )


def test_files_are_small() -> None:
    """One idea a file: none is over the limit of lines."""
    sizes = {module: len(path.read_text().splitlines()) for module, path in sources().items()}
    assert {module: size for module, size in sizes.items() if size > LONGEST_FILE} == {}


def test_functions_are_small() -> None:
    """No function is over the limit of lines."""
    assert [f for module, path in sources().items() for f in long_functions(module, path.read_text())] == []


def test_packages_are_listed_by_name() -> None:
    """The packages that an installation holds are the folders with an __init__.py, no more and no fewer."""
    folders = sorted(module for module, path in sources().items() if path.name == "__init__.py")
    assert sorted(settings()["setuptools"]["packages"]) == folders


def test_folders_of_sources_are_packages() -> None:
    """No folder with sources lacks its __init__.py, which an installation would silently leave out."""
    assert [str(p.parent) for p in sources().values() if not (p.parent / "__init__.py").exists()] == []


def test_no_package_under_tests() -> None:
    """No __init__.py under tests: a package tests/health could hide the package health."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("import time", "time"),
        ("import os.path", "os.path"),
        ("from asyncio import sleep", "asyncio"),
        ("def f():\n    import socket", "socket"),
        ("from health import checker", "health.checker"),
        ("from .probes.tcp import run", "health.probes.tcp"),
        ("from . import pool", "health.pool"),
    ],
)
def test_impurity_is_seen(text: str, imported: str) -> None:
    """Each way to write an import of an effect or of an edge module is found."""
    assert any(fault.endswith(f" imports {imported}") for fault in impurities("health.verdict", text))


@pytest.mark.parametrize(
    "text", ["import timeit", "from .spec import Probe", "import dataclasses", "from . import result"]
)
def test_pure_imports_pass(text: str) -> None:
    """Names that only begin like an effect, and core modules of ours, are no fault."""
    assert impurities("health.verdict", text) == []


def test_relative_imports_in_a_package() -> None:
    """In an __init__.py one dot means the package itself."""
    assert impurities("health", "from . import checker", is_package=True) == [
        "health:1 imports health.checker"
    ]


def test_long_function_is_seen() -> None:
    """A function one line over the limit is named with its place."""
    body = "\n    pass" * LONGEST_FUNCTION
    assert long_functions("m", f"def f():{body}") == [f"m:1 f: {LONGEST_FUNCTION + 1} lines"]
