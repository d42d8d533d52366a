"""A file read again with what is known of it: the same result as afresh, whatever was edited, and less work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hactl.config.blocks import cut
from hactl.config.load import load
from hactl.config.memory import Memory
from hactl.config.source import Source
from hactl.config.tree import Node

HEAD = """\
cluster: web
directors: {lb1: 10.77.0.11, lb2: 10.77.0.12}
state_dir: /tmp/x
checks:
  page: {type: http, path: /, depends_on: {check: alive, address: 10.77.0.1}}
  alive: {type: ping}
  port: &port {type: tcp}
"""
RS1, RS2 = "      rs1: 10.77.0.21\n", "      rs2: {address: 10.77.0.22, weight: 2}\n"
POOLS = f"""\
pools:
  big:
    check: [page, port]
    servers:
{RS1}{RS2}  small: {{servers: {{rs3: 10.77.0.23}}, check: none}}
"""
SERVICES = """\
services:
  # the web
  www:
    address: 10.77.0.100
    port: 80
    forward: dr
    pool: big

  mail:
    address: 10.77.0.101
    port: 25
    forward: nat
    check: {type: smtp}
    servers: {rs1: 10.77.0.21, rs4: {address: 10.77.0.24, weight: 3}}
    sorry: {address: 10.77.0.25, check: port}
  marked: {fwmark: 7, family: ipv4, forward: dr, pool: small}
  free:
    address: 10.77.0.102
    port: 81
    forward: nat
    servers:
      rs5:
        address: 10.77.0.26
        check: none
"""
ODD = (
    "", "#", "# a comment", "  # a comment", "services:", "pools:", "  www:", "  other:", "  rs9: 10.77.0.29", "---", "...",
    "    weight: 3", "    port: 82", "    port: 70000", "      rs9: {address: 10.77.0.29, weight: 4}", "    check: page",
    "    check: *port", "    check: &c page", "    <<: *port", "  x: |", "  x: >+", "    text", "  y: 'open", "  z'",
    '  y: "open', '  z"', "  {", "  }", "    servers: {", "      a: 10.77.0.30,", "    }", "cluster: other", "history: 30d",
    "  w: !include pool.yaml", "  u: ${NAME}", "    quorum: {up: 9, down: 2}", "    unknown: 1", "\tx: 1", "  ? a", "  - a",
    "    - a", " x: 1", "  www: # said", "    slow_start: 10s", "%YAML 1.2", "\r", "  q:\x85  v: 1", "ipvs: {reconcile: 9s}",
)  # fmt: skip
"""Lines that are put between others, or in place of one."""

EDIT = st.tuples(
    st.sampled_from(("put", "take", "replace", "double", "swap")), st.integers(0, 60), st.sampled_from(ODD)
)
Edit = tuple[str, int, str]


def edited(lines: list[str], edit: Edit) -> list[str]:
    """The lines after one more edit."""
    what, where, text = edit
    at = where % (len(lines) + 1)
    before, here, after = lines[:at], lines[at : at + 1], lines[at + 1 :]
    match what:
        case "put":
            return [*before, text, *here, *after]
        case "take":
            return [*before, *after]
        case "replace":
            return [*before, text, *after]
        case "double":
            return [*before, *here, *here, *after]
        case _:
            return [*before[:-1], *here, *before[-1:], *after]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Memory], None]:
    """Reads a text with a memory and afresh, which must be the same: result, and tree with every place."""
    monkeypatch.chdir(tmp_path)
    Path("pool.yaml").write_text("{address: 10.77.0.103, port: 80, forward: nat, pool: big}")
    env = {"NAME": "value"}

    def read(text: str, memory: Memory) -> None:
        data = text.encode()
        Path("f.yaml").write_bytes(data)
        recalled = memory.recall("f.yaml", data, cut(data))
        if recalled is not None:
            rest = Source(lambda name: recalled.data if name == "f.yaml" else Path(name).read_bytes(), env)
            root = rest.tree("f.yaml")
            if root is not None and not rest.faults and recalled.fill(root):
                whole = Source(lambda name: Path(name).read_bytes(), env)
                assert root == whole.tree("f.yaml")
                assert whole.faults == []
        afresh = load("f.yaml", "lb1", env=env)
        assert load("f.yaml", "lb1", env=env, memory=memory) == afresh

    return read


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    order=st.permutations((POOLS, SERVICES)),
    rounds=st.lists(st.lists(EDIT, min_size=1, max_size=4), min_size=1, max_size=4),
    restarts=st.booleans(),
)
def test_any_edits(
    both: Callable[[str, Memory], None], order: list[str], rounds: list[list[Edit]], restarts: bool
) -> None:
    """Edits upon edits, sound or not; or each from the sound file again."""
    memory = Memory()
    sound = (HEAD + "".join(order)).splitlines()
    lines = sound
    both("\n".join(lines) + "\n", memory)
    for edits in rounds:
        lines = sound if restarts else lines
        for edit in edits:
            lines = edited(lines, edit)
        both("\n".join(lines) + "\n", memory)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cluster: web\n", "# one\n# more line\ncluster: web\n"),
        ("weight: 3", "weight: 4"),
        ("weight: 2", "weight: 9"),
        ("type: http", "type: https"),
        ("lb2: 10.77.0.12", "lb2: 10.77.0.24"),
        ("  marked: {", "  renamed: {"),
        ("  free:\n", "  free: # said\n"),
        ("port: 81\n", "port: 81\n    unknown: 1\n"),
        ("port: 81\n", "port: 80\n    protocol: tcp\n"),
        ("address: 10.77.0.102", "address: 10.77.0.101"),
        ("      rs1: 10.77.0.21\n", "      rs3: 10.77.0.20\n      rs1: 10.77.0.21\n"),
        (RS1 + RS2, RS2 + RS1),
        ("services:\n", "services: # all\n"),
        ("services:\n", "services: &all\n"),
        ("state_dir: /tmp/x", 'state_dir: "/tmp/x\nservices:\n  www:"'),
        ("cluster: web\n", "--- {cluster: web, services:\n  {www:\n"),
        (SERVICES, SERVICES.replace("\n", "\n  ").rstrip(" ")),
    ],
)
def test_an_edit(both: Callable[[str, Memory], None], old: str, new: str) -> None:
    """There, and back again; warnings of what did not change stand where they are now."""
    text, memory = HEAD + POOLS + SERVICES, Memory()
    assert old in text
    for each in (text, text.replace(old, new, 1), text, text.replace(old, new, 1)):
        both(each, memory)


def test_what_did_not_change_is_not_read(both: Callable[[str, Memory], None], monkeypatch: Any) -> None:
    """Nor judged by the schema, nor built: its part of document and configuration is the same object."""
    memory = Memory()
    text = HEAD + POOLS + SERVICES
    Path("f.yaml").write_text(text)
    first = load("f.yaml", "lb1", memory=memory)
    Path("f.yaml").write_text("# another line\n" + text.replace("port: 81", "port: 82"))
    composed: list[Node | None] = []
    tree = Source.tree

    def seen(source: Source, path: str) -> Node | None:
        composed.append(tree(source, path))
        return composed[-1]

    monkeypatch.setattr(Source, "tree", seen)
    second = load("f.yaml", "lb1", memory=memory)
    assert len(composed) == 1
    assert first.document
    assert second.document
    assert first.config
    assert second.config
    same = [name for name, each in second.document.services.items() if each is first.document.services[name]]
    assert same == ["www", "mail", "marked"]
    assert all(second.document.pools[name] is pool for name, pool in first.document.pools.items())
    kept = [
        new.name for new, old in zip(second.config.services, first.config.services, strict=True) if new is old
    ]
    assert kept == same


def test_blocks_are_cut_where_they_are_sure() -> None:
    """Every service and every pool, with the lines up to the next; none where a line is out of order."""
    blocks = cut((HEAD + POOLS + SERVICES).encode())
    assert [name for _, name in blocks] == ["big", "small", "www", "mail", "marked", "free"]
    assert (
        b"".join(block.text for (section, _), block in blocks.items() if section == "services")
        in SERVICES.encode()
    )
    assert [name for _, name in cut((SERVICES + "  'a b': {}\n").encode())] == []
    assert not cut(SERVICES.replace("\n", "\r\n").encode())
    assert not cut((SERVICES + SERVICES).encode())


def test_another_director_and_another_file(both: Callable[[str, Memory], None]) -> None:
    """One memory serves whoever asks, and never mixes them up."""
    memory, text = Memory(), HEAD + POOLS + SERVICES
    both(text, memory)
    for node in ("lb2", "lb9", "lb1"):
        assert load("f.yaml", node, memory=memory) == load("f.yaml", node)
    Path("g.yaml").write_text(text.replace("port: 81", "port: 82"))
    for path in ("g.yaml", "f.yaml", "none.yaml", "f.yaml"):
        assert load(path, "lb1", memory=memory) == load(path, "lb1")
