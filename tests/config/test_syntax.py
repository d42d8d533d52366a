"""The form of a file: YAML, includes, environment, bounds; each fault at its place."""

import contextlib
import copy
import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hactl.config.build import build
from hactl.config.compose import MAX_BYTES
from hactl.config.examine import examine
from hactl.config.load import Loaded, load
from hactl.config.show import shown_document
from hactl.config.source import Source

Load = Callable[..., Any]


def lines(loaded: Loaded) -> list[str]:
    """The faults as they are printed."""
    return [str(fault) for fault in loaded.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml:1:1: the file is empty"),
        ("# only words\n", "f.yaml:1:1: the file is empty"),
        ("cluster: web\ndirectors:\n\tlb1: x\n", "f.yaml:3:1: a tab; YAML is indented by spaces only"),
        ("- a\n- b\n", "f.yaml:1:1: the file must be a mapping (cluster: ..., directors: ...), not a list"),
        ("words\n", "f.yaml:1:1: the file must be a mapping (cluster: ..., directors: ...), not 'words'"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document starts here ('---'); one file holds one"),
        ("a: [1\nb: 2\n", "f.yaml:2:2: ',' or ']' is missing before this"),
        ("a: 'x\n", "f.yaml:2:1: the file ends within quotes"),
        ("a: @x\n", "f.yaml:1:4: '@' cannot start a value; put the text in quotes"),
        ("a: b: c\n", "f.yaml:1:5: a ': ' where none can be: is the indentation right, or are quotes missing?"),
        ('a: "\\q"\n', "f.yaml:1:5: an unknown backslash sequence; in 'single quotes' a backslash is itself"),
        ("a: *b\n", "f.yaml:1:4: a: the alias *b is not defined before (no &b)"),
        ("a: &a [*a]\n", "f.yaml:1:8: a[0]: the alias *a contains itself"),
        ("a: !!python/object:os.system x\n",
         "f.yaml:1:4: a: the tag tag:yaml.org,2002:python/object:os.system is not known; the one there is: !include"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key must be a word, such as 'name:'"),
        ("<<: {a: 1}\n", "f.yaml:1:1: the merge key << is not part of YAML 1.2; write the keys out"),
        ("cluster: a\ncluster: b\n", "f.yaml:2:1: cluster: the key is given twice, first in line 1, column 1"),
        ("cluster: ${NO}\n", "f.yaml:1:10: cluster: the environment variable NO is not set"),
        ("cluster: ${NO\n", "f.yaml:1:10: cluster: '${' without '}'; write $${ for a literal ${"),
        ("cluster: a\x07b\n", "f.yaml:1:11: a character that no text has: U+0007"),
        ("a: " + "[" * 60, "f.yaml:1:44: nested more than 40 levels deep"),
    ],
)  # fmt: skip
def test_faults_of_form(load_text: Load, text: str, expected: str) -> None:
    """Each fault of form is one clear sentence at its place."""
    found = lines(load_text(text))
    assert expected in found


def test_not_utf8(tmp_path: Path) -> None:
    """A byte that is not UTF-8 is shown with its place."""
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"cluster: web\n# caf\xe9\n")
    assert lines(load(str(path), env={})) == [f"{path}:2:6: is not UTF-8 text: byte 0xe9"]


def test_unreadable(tmp_path: Path) -> None:
    """A file that is not there, or is a directory, is a fault."""
    assert lines(load(str(tmp_path / "no"), env={})) == [
        f"{tmp_path}/no:1:1: cannot be read: No such file or directory"
    ]
    assert lines(load(str(tmp_path), env={})) == [f"{tmp_path}:1:1: cannot be read: Is a directory"]
    assert "cannot be read" in lines(load("nul\0byte", env={}))[0]


def test_too_large(tmp_path: Path) -> None:
    """A file without end is refused after its first 16 MiB."""
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert lines(load(str(path), env={})) == [f"{path}:1:1: the file is larger than 16 MiB"]


def test_aliases_do_not_explode(load_text: Load) -> None:
    """Aliases of aliases that stand for a billion values are refused, at once."""
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):
        text += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    start = time.monotonic()
    assert "values once aliases (*name) are expanded" in lines(load_text(text))[0]
    assert time.monotonic() - start < 5


def test_alias_stands_for_its_anchor(load_text: Load, sound: str) -> None:
    """An alias is the value of its anchor."""
    text = sound.replace("check: {type: http}", "check: &c {type: http}") + (
        "  two: {address: 10.77.0.100, port: 81, forward: nat, check: *c, servers: {a: 10.77.0.21}}\n"
    )
    assert [probe.port for probe in load_text(text).config.checks] == [80, 80, 81]


def test_environment(load_text: Load, sound: str) -> None:
    """${NAME} is replaced before the value is understood; $${ is a literal ${."""
    text = sound.replace("port: 80", "port: ${PORT}").replace("{type: http}", "{type: http, path: '/$${x}'}")
    config = load_text(text, env={"PORT": "8080"}).config
    assert config.services[0].port == 8080
    assert config.checks[0].probe.path == "/${x}"


def test_environment_is_never_quoted(load_text: Load, sound: str) -> None:
    """A message quotes the file, not what the environment holds."""
    found = lines(load_text(sound.replace("port: 80", "port: ${SECRET}"), env={"SECRET": "hunter2"}))
    assert found == ["f.yaml:13:11: services.www.port: must be a whole number, not '${SECRET}'"]


def test_include(load_text: Load, sound: str, tmp_path: Path) -> None:
    """An included file is read relative to the including one, and its faults carry its name."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "services.yaml").write_text("www: !include www.yaml\n", encoding="utf-8")
    head, _, service = sound.partition("  www:\n")
    body = "\n".join(line[4:] for line in service.splitlines())
    (tmp_path / "d" / "www.yaml").write_text(body, encoding="utf-8")
    text = head.replace("services:\n", "services: !include d/services.yaml\n")
    assert load_text(text).config.services[0].name == "www"
    (tmp_path / "d" / "www.yaml").write_text(body.replace("forward: dr", "forward: drr"), encoding="utf-8")
    found = lines(load_text(text))
    assert found == [
        "d/www.yaml:3:10: services.www.forward: must be nat, dr or tun, not 'drr'; did you mean 'dr'?"
    ]


def test_include_faults(load_text: Load, tmp_path: Path) -> None:
    """A file that is not there, and files that include each other, are faults at the include."""
    (tmp_path / "a.yaml").write_text("x: !include f.yaml\n", encoding="utf-8")
    found = lines(load_text("cluster: !include no.yaml\nnotify: !include a.yaml\n"))
    assert "f.yaml:1:10: cluster: cannot read no.yaml: No such file or directory" in found
    assert "a.yaml:1:4: x: the file includes itself: f.yaml -> a.yaml -> f.yaml" in found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text(alphabet="abc:-{}[]&*!|>'\"%@`#?, \n\t${}<0", max_size=120).map(str.encode)
)
def test_no_text_raises(data: bytes) -> None:
    """Whatever a file holds, there are faults or a tree, and never an exception."""
    source = Source(lambda _: data, os.environ)
    root = source.tree("f.yaml")
    assert root is not None or source.faults
    if root is not None:
        assert examine(root).faults


_SECTIONS = (
    "cluster", "directors", "routers", "groups", "peer", "sync", "checks", "pools", "services", "notify", "ipvs",
    "control",
)  # fmt: skip
_KEYS = (
    "address", "addresses", "check", "checks", "directors", "fwmark", "forward", "interface", "interval", "lb1", "page",
    "panic", "peers", "pool", "port", "priority", "rs1", "servers", "services", "sorry", "source", "timeout", "tls",
    "track", "transport", "tun", "type", "vrid", "web", "www",
)  # fmt: skip
_WORDS = ("web", "5", "-1", "10.77.0.100", "auto", "off", "true", "none", "2s", "~", "''", "page", "lb1")
_VALUES = st.recursive(
    st.sampled_from(_WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"),
    ),
    max_leaves=12,
)


@settings(max_examples=500)
@given(
    st.dictionaries(
        st.sampled_from(_SECTIONS),
        _VALUES,
        max_size=6,
    )
)
def test_no_tree_raises(parts: dict[str, str]) -> None:
    """Whatever stands under the known keys, schema and rules find faults and never raise."""
    text = "\n".join(f"{key}: {value}" for key, value in parts.items()) or "a: 1"
    source = Source(lambda _: text.encode(), {})
    root = source.tree("f.yaml")
    assert root is not None
    examine(root)


_EXAMPLE = yaml.safe_load(
    (Path(__file__).parent / "data" / "design-example.yaml").read_text(encoding="utf-8")
)
_JUNK: tuple[Any, ...] = (
    0, -1, 1.5, 2**70, "", "x", "off", "none", "auto", "10.77.0.100", "fd00::1", "10.0.0.0/8", "2s", True, None,
    [], {}, ["x"], [0], {"x": 1}, {"type": "tcp"}, {"type": []}, {"address": "10.77.0.9"}, {"lb1": "eth0"},
)  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in _paths(item, (*path, key)))]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(_paths(_EXAMPLE)[1:]), st.sampled_from(_JUNK)), min_size=1, max_size=3)
)
def test_no_spoilt_example_raises(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """The design's example with any of its values replaced by junk gives faults or specs, and never raises."""
    tree = copy.deepcopy(_EXAMPLE)
    for path, junk in changes:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            functools.reduce(lambda value, key: value[key], path[:-1], tree)[path[-1]] = junk
    text = yaml.safe_dump(tree).encode()
    source = Source(lambda _: text, {})
    root = source.tree("f.yaml")
    assert root is not None
    verdict = examine(root)
    if not verdict.faults and verdict.document is not None:
        for node in verdict.document.directors:
            assert build(verdict.document, node).node == node
            assert shown_document(verdict.document, node)
