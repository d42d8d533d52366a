"""What stands in the file and is nobody's business is in no change, no plan and no dump, whichever way it changes."""

import json
from pathlib import Path

import msgspec
import pytest

from hactl.config.load import effective, load
from hactl.config.model import Config
from hactl.plan import reload
from hactl.plan.compose import plan
from hactl.plan.model import Running
from support.config import config_of

TEXT = """
cluster: web
directors: {lb1: {address: 10.99.0.1}}
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: {type: http, headers: {X-Key: planted-1}},
        servers: {rs1: 10.99.0.11}}
notify:
  hook: {type: webhook, url: 'https://chat.example.org/planted-2', headers: {X-Key: planted-3}}
  plug: {type: plugin, plugin: x, options: {key: planted-4}}
"""
OTHERS = [
    TEXT.replace("planted", "planted-again"),
    TEXT.replace(
        "type: webhook, url: 'https://chat.example.org/planted-2', headers: {X-Key: planted-3}",
        "type: syslog",
    ),
    TEXT.replace("type: plugin, plugin: x, options: {key: planted-4}", "type: syslog"),
    TEXT.replace("headers: {X-Key: planted-1}", "path: /"),
    TEXT.replace("headers: {X-Key: planted-3}", "verify: false"),
    TEXT.partition("notify:")[0],
]


def told(old: Config, new: Config) -> str:
    """All that a reload and a plan say of a change."""
    made = plan("f", old, new, Running())
    assert made.changes
    return "\n".join((*reload.changes(old, new), msgspec.json.encode(made).decode()))


@pytest.mark.parametrize("other", OTHERS)
def test_a_change_is_told_and_not_what_it_is(other: str) -> None:
    """In both directions, a channel of another type and one that goes among them."""
    old, new = config_of(TEXT), config_of(other)
    assert "planted" not in told(old, new)
    assert "planted" not in told(new, old)


def test_the_effective_configuration(tmp_path: object) -> None:
    """`hactl check --show` names the keys and hides their values."""
    path = f"{tmp_path}/hactl.yaml"
    with open(path, "w") as file:
        file.write(TEXT)
    shown = json.dumps(effective(load(path, "lb1")))
    assert "planted" not in shown
    assert shown.count("(hidden)") == 4


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("headers: {X-Key: planted-1}", "headers: planted-1"),
        ("headers: {X-Key: planted-1}", "headers: {X-Key: [planted-1]}"),
        ("headers: {X-Key: planted-1}", 'headers: {X-Key: "planted-1\\x07"}'),
        ("url: 'https://chat.example.org/planted-2'", "url: 'ftp://chat.example.org/planted-2'"),
        ("url: 'https://chat.example.org/planted-2'", "url: planted-2, secret_file: planted-5"),
        ("options: {key: planted-4}", "options: planted-4"),
        ("plugin: x,", "plugin: x, secret_file: planted-4,"),
        ("directors:", "peer: {key_file: planted-6}\ndirectors:"),
        ("directors:", "control: {token_file: planted-7}\ndirectors:"),
        (
            "check: {type: http, headers: {X-Key: planted-1}}",
            "check: {type: redis, password_file: planted-8}",
        ),
        ("check: {type: http, headers: {X-Key: planted-1}}", "check: {type: redis, password: planted-8}"),
    ],
)
def test_a_fault_quotes_no_secret(tmp_path: Path, right: str, wrong: str) -> None:
    """Neither where secrets stand nor where somebody writes one in place of the file that holds it."""
    assert right in TEXT
    (tmp_path / "hactl.yaml").write_text(TEXT.replace(right, wrong))
    faults = load(str(tmp_path / "hactl.yaml"), "lb1").faults
    assert faults
    assert "planted" not in "\n".join(map(str, faults))
