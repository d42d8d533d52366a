"""The control API as its own description promises it: a schema-driven fuzzer at the real server's Unix socket.

Every check of schemathesis is on: no answer is a failure of ours, each is of a declared status, type and form; what breaks
the form is refused, what keeps it is not; methods that are not declared get 405 with what is allowed.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from hactl.control.openapi import document
from hactl.status.snapshot import snapshot
from support.fake_daemon import FakeCommands, FakeDaemon, fake_daemon
from support.pictures import full_picture
from support.unix_http import BASE, session

EXAMPLES = int(os.environ.get("HACTL_API_EXAMPLES", "0"))
"""For a long run: so many of each operation, other ones each time."""
SCHEMA = schemathesis.openapi.from_dict(document("0.1.0"))
SCHEMA.config.update(base_url=BASE)


@pytest.fixture(scope="module")
def daemon() -> Iterator[FakeDaemon]:
    """The server, with commands from memory behind it."""
    commands = FakeCommands()
    commands.snapshot = cast("Mapping[str, Any]", snapshot(full_picture()))
    with TemporaryDirectory(prefix="hactl-") as folder, fake_daemon(Path(folder) / "s", commands) as running:
        yield running
        assert running.faults == []


@pytest.fixture(scope="module")
def client(daemon: FakeDaemon) -> Iterator[requests.Session]:
    """One connection to it."""
    with session(daemon.path) as made:
        yield made


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES or 30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_api_is_as_described(case: schemathesis.Case[Any], client: requests.Session) -> None:
    """Requests of every kind, right and wrong."""
    if isinstance(case.query.get("wait"), int | float):
        case.query["wait"] = min(case.query["wait"], 0.01)
    case.call_and_validate(session=client)
