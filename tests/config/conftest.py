"""A configuration as text, loaded from a file of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hactl.config.load import Loaded, load

Load = Callable[..., Loaded]

SOUND = """\
cluster: web
directors:
  lb1: {address: 10.77.0.11}
  lb2: {address: 10.77.0.12}
routers:
  web:
    vrid: 51
    interface: eth0
    addresses: [10.77.0.100]
services:
  www:
    address: 10.77.0.100
    port: 80
    forward: dr
    check: {type: http}
    servers: {rs1: 10.77.0.21, rs2: 10.77.0.22}
"""


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a text as the file `f.yaml`, as the director lb1 unless told otherwise."""
    monkeypatch.chdir(tmp_path)

    def from_text(text: str, node: str | None = "lb1", env: Mapping[str, str] | None = None) -> Loaded:
        Path("f.yaml").write_text(text, encoding="utf-8")
        return load("f.yaml", node, env=env or {}, hostname="elsewhere")

    return from_text


@pytest.fixture
def sound() -> str:
    """A small file without fault or warning, to be spoilt."""
    return SOUND
