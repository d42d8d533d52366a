"""What the daemon's processes load: only what they need, since each of them holds it all the time."""

import subprocess
import sys

import pytest

READING = ("pydantic", "yaml", "hactl.config.schema")
SHOWING = ("rich", "click", "textual", "scapy")
SERVING = ("aiohttp", "pyroute2", "structlog", "uvloop", "sqlite3")


@pytest.mark.parametrize(
    ("first", "unwanted"),
    [
        ("hactl.supervisor.start, hactl.supervisor.supervisor", (*READING, *SHOWING)),
        ("hactl.workers.failover", (*READING, *SHOWING, *SERVING)),
        ("hactl.workers.health", (*READING, *SHOWING, "aiohttp", "pyroute2", "structlog", "sqlite3")),
        ("hactl.workers.notify", (*READING, *SHOWING, "pyroute2", "structlog", "uvloop")),
    ],
)
def test_nothing_is_loaded_that_is_not_needed(first: str, unwanted: tuple[str, ...]) -> None:
    """As the process is started: isolated."""
    code = f"import sys, {first}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & set(unwanted) == set()
