"""Every kind of fault: its place and its sentence, one spoilt place in a sound file each."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Load = Callable[..., Any]

CASES = yaml.safe_load((Path(__file__).parent / "data" / "faults.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["by"]).strip())
def test_fault(load_text: Load, sound: str, case: dict[str, Any]) -> None:
    """The spoilt place is named, with its line and column, and nothing else is complained of."""
    assert case["part"] in sound
    loaded = load_text(sound.replace(case["part"], case["by"]))
    assert [str(fault).removeprefix("f.yaml:") for fault in loaded.faults] == case["faults"]
    assert loaded.config is None


def test_sound_file_is_sound(load_text: Load, sound: str) -> None:
    """The file that the cases spoil has neither fault nor warning."""
    loaded = load_text(sound)
    assert (loaded.faults, loaded.warnings) == ((), ())
    assert loaded.config is not None


def test_no_sentence_of_pydantic() -> None:
    """No message speaks of inputs, instances or models."""
    faults = " ".join(fault.lower() for case in CASES for fault in case["faults"])
    assert not any(word in faults for word in ("input", "instance", "pydantic", "valid "))


def test_all_at_once(load_text: Load) -> None:
    """Faults of form, of the schema and between objects are listed together, in the order of the file."""
    text = """\
cluster: web
cluster: again
directors:
  lb1: {address: 10.77.0.11, priority: high}
  lb2: {address: 10.77.0.12}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.77.0.100], prempt: true}
  inside: {vrid: 52, interface: eth1, addresses: [10.78.0.1], advert_interval: 50s}
services:
  www:
    address: 10.77.0.100
    port: 80
    forward: nat
    check: pgae
    pool: web
  api: {address: 10.77.0.100, port: 80, forward: nat, check: page, pool: web}
checks:
  page: {type: http, timeout: 5s}
pools:
  web: {servers: {rs1: 10.77.0.21}, chek: page}
"""
    interval = "with version 3 adverts come every 10ms to 40.95s, in steps of 10ms, not 50s"
    assert [str(fault) for fault in load_text(text).faults] == [
        "f.yaml:2:1: cluster: the key is given twice, first in line 1, column 1",
        "f.yaml:4:40: directors.lb1.priority: must be a whole number, not 'high'",
        "f.yaml:7:62: routers.web.prempt: unknown key; did you mean 'preempt'?",
        "f.yaml:8:80: routers.inside.advert_interval: " + interval,
        "f.yaml:14:12: services.www.check: there is no check 'pgae'; did you mean 'page'?",
        "f.yaml:16:18: services.api.address: the service www has 10.77.0.100 port 80 (tcp) already",
        "f.yaml:18:31: checks.page.timeout: must not be longer than the interval, 2s",
        "f.yaml:20:37: pools.web.chek: unknown key; did you mean 'check'?",
    ]
