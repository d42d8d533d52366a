"""What docs/control.md shows of the API is so: its curl lines are run, its roles and its refusal are the program's."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from hactl.control.page.tokens import faults, tokens
from hactl.control.roles import Role, wanting
from hactl.control.routes import ROUTES
from hactl.reference.__main__ import described
from support.fake_daemon import FakeDaemon, fake_daemon

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "control.md").read_text()
SOCKET = "/run/hactl/hactl.sock"
CURLS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("curl ")
]


def run(line: str, daemon: FakeDaemon) -> object:
    """The JSON that a line of the document brings, run by a shell as a reader would."""
    done = subprocess.run(
        ["sh", "-c", line.replace("curl ", "curl -sS --fail ", 1).replace(SOCKET, daemon.path)],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_the_lines_are_found() -> None:
    """Status, events, a change, the description."""
    assert len(CURLS) == 4


@pytest.mark.parametrize("line", CURLS)
def test_a_line_does_what_it_says(line: str, tmp_path: Path) -> None:
    """It is answered, and without a refusal."""
    with fake_daemon(tmp_path / "s") as daemon:
        answer = run(line, daemon)
        assert isinstance(answer, dict)
        assert "error" not in answer
        assert len(daemon.commands.asked) == int("--json" in line)


def test_the_description_is_the_same_everywhere(tmp_path: Path) -> None:
    """Served by the daemon, and printed without one."""
    with fake_daemon(tmp_path / "s") as daemon:
        served = run(f"curl --unix-socket {SOCKET} http://localhost/v1/openapi.json", daemon)
    assert served == json.loads(described())


def test_the_refusal_is_the_programs() -> None:
    """Word for word."""
    assert f"hactl: {wanting('alice', Role.OPERATE, Role.ADMIN)}\n" in TEXT


def test_the_tokens_are_tokens() -> None:
    """The file that is shown has no fault."""
    (shown,) = re.findall(r"^```\n(# ROLE.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert faults(shown) == ()
    assert [(token.role, token.name) for token in tokens(shown)] == [
        (Role.OPERATE, "alice"),
        (Role.ADMIN, "deployment"),
    ]


def test_every_role_of_the_table_has_its_row() -> None:
    """And what an admin does is not said of an operator."""
    assert all(f"| `{role.value}` |" in TEXT for role in Role)
    assert {route.name for route in ROUTES if route.role is Role.ADMIN} == {"reload"}
