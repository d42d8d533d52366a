"""Configurations from text, as one director sees them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hactl.config.load import load
from hactl.config.model import Config

MINIMAL = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {type: tcp}
    servers: {rs1: 10.99.0.11, rs2: 10.99.0.12, rs3: 10.99.0.13}
health: {user: nobody}
"""


def config_of(text: str = MINIMAL, node: str = "lb1") -> Config:
    """The configuration; AssertionError with the faults when there are any."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hactl.yaml"
        file.write_text(text)
        loaded = load(str(file), node)
    assert loaded.config is not None, "\n".join(map(str, loaded.faults)) or loaded.stranger
    return loaded.config
