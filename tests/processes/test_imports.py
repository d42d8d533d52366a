"""What the daemon's processes load: only what they need, since each of them holds it all the time."""

import subprocess
import sys

import pytest

from hactl.processes.parts import Part, needed, read, words
from support.config import MINIMAL, config_of

READING = ("pydantic", "yaml", "hactl.config.schema")
SHOWING = ("rich", "click", "textual", "scapy")
PARTS = ("aiohttp", "aiosmtplib", "email.message", "idna", "prometheus_client")
"""Of the notify worker, loaded where the configuration asks for them: see below."""
SERVING = ("aiohttp", "pyroute2", "structlog", "uvloop", "sqlite3")


@pytest.mark.parametrize(
    ("first", "unwanted"),
    [
        ("hactl.supervisor.start, hactl.supervisor.supervisor", (*READING, *SHOWING)),
        ("hactl.workers.failover", (*READING, *SHOWING, *SERVING)),
        ("hactl.workers.health", (*READING, *SHOWING, "aiohttp", "pyroute2", "structlog", "sqlite3")),
        ("hactl.workers.notify", (*READING, *SHOWING, *PARTS, "pyroute2", "structlog", "uvloop")),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(first: str, unwanted: tuple[str, ...]) -> None:
    """As the process is started: isolated."""
    assert loaded_by(f"import {first}") & set(unwanted) == set()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("email", {"aiosmtplib", "notify.channels.email"}),
        ("page", {"aiohttp", "hactl.control.page.server", "prometheus_client"}),
        ("plugin", set()),
        ("webhook", {"aiohttp", "notify.channels.webhook"}),
    ],
)
def test_a_part_is_loaded_where_it_is_asked_for(part: str, expected: set[str]) -> None:
    """With all of its libraries, for the worker gives up the right to read them; and without those of other parts."""
    names = {"email": "aiosmtplib", "page": "prometheus_client", "webhook": "notify.channels.webhook"}
    others = {module for other, module in names.items() if other != part}
    found = loaded_by(
        "import hactl.workers.notify; from hactl.processes.parts import *; from hactl.workers.parts import load\n"
        f"load([Part({part!r})])"
    )
    assert found >= expected
    assert not found & others


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", frozenset()),
        ("notify: {a: {type: exec, command: [/bin/tell]}, b: {type: syslog}}\n", frozenset()),
        (
            "notify: {a: {type: email, to: [a@example.org], from: b@example.org, server: 'smtp://c'}}\n",
            {Part.EMAIL},
        ),
        ("notify: {a: {type: webhook, url: 'https://chat.example.org/hook'}}\n", frozenset({Part.WEBHOOK})),
        (
            "notify: {a: {type: plugin, plugin: pager}}\ncontrol: {http: '127.0.0.1:80'}\n",
            {Part.PAGE, Part.PLUGIN},
        ),
    ],
)
def test_which_parts_are_needed(text: str, parts: frozenset[Part]) -> None:
    """By channels and page alone; and the worker reads the words with which it is started."""
    found = needed(config_of(MINIMAL + text))
    assert found == parts
    assert read(("--fd", "3", *words(found))) == (("--fd", "3"), parts)
    assert read(("--fd", "3")) == (("--fd", "3"), frozenset())


def loaded_by(code: str) -> set[str]:
    """The modules there are after this, in a process of its own."""
    code = f"{code}\nimport sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
