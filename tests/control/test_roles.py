"""Roles on the control socket: real users with real groups, told apart by the kernel over a real Unix socket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hactl.config.model import Members, RolesSpec
from hactl.control.refusals import Code
from hactl.control.roles import Role, role_of, wanting
from hactl.control.routes import ROUTES, Route
from support.fake_daemon import FakeDaemon, fake_daemon

ROOT = Path(__file__).parents[2]
DAEMON, BIN, SYS, GAMES, NOBODY = 1, 2, 3, 5, 65534
"""Users that every Debian has, each with a group of the same name but the last two: `games` is in group `games` of
number 60, `nobody` in `nogroup`."""
MAIL_GROUP = 8
ROLES = RolesSpec(
    read=Members(users=("bin",), groups=("mail",)),
    operate=Members(users=("daemon", "bin"), groups=("nosuchgroup",)),
    admin=Members(groups=("sys",)),
)
BODIES: dict[str, dict[str, Any]] = {
    "overrides": {"action": "drain", "server": "rs1"},
    "acks": {"subjects": ["rs1"]},
    "notify/test": {"channel": "ops"},
}
_CLIENT = """
import json, os, sys
from hactl.control.client import Client, DeclinedError
path, uid, gid, groups, asked = sys.argv[1], *map(int, sys.argv[2:4]), json.loads(sys.argv[4]), json.loads(sys.argv[5])
os.setgroups(groups)
os.setgid(gid)
os.setuid(uid)
said = []
for name, body in asked:
    try:
        client = Client(path)
        said.append(client.get(name) if body is None else client.post(name, body))
    except DeclinedError as error:
        said.append(error.answer)
print(json.dumps(said))
"""


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    """A daemon with roles; every user of this host can reach its socket."""
    with TemporaryDirectory(prefix="hactl-") as folder:
        os.chmod(folder, 0o755)
        with fake_daemon(Path(folder) / "s", roles=ROLES) as running:
            os.chmod(running.path, 0o666)
            yield running


def ask(daemon: FakeDaemon, uid: int, gid: int, groups: tuple[int, ...], *routes: Route) -> list[Any]:
    """The answers to these operations, asked by a process of this user and these groups."""
    asked = [(route.name, None if route.takes is None else BODIES.get(route.name, {})) for route in routes]
    numbers = (str(uid), str(gid), json.dumps(groups), json.dumps(asked))
    command = [sys.executable, "-c", _CLIENT, daemon.path, *numbers]
    answers: list[Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    )
    return answers


@pytest.mark.root
@pytest.mark.parametrize(
    ("uid", "gid", "groups", "user", "role"),
    [
        (NOBODY, NOBODY, (), "nobody", None),
        (NOBODY, NOBODY, (MAIL_GROUP,), "nobody", Role.READ),
        (NOBODY, MAIL_GROUP, (), "nobody", Role.READ),
        (DAEMON, DAEMON, (), "daemon", Role.OPERATE),
        (BIN, BIN, (), "bin", Role.OPERATE),
        (SYS, SYS, (), "sys", Role.ADMIN),
        (GAMES, NOBODY, (7, SYS, 9), "games", Role.ADMIN),
        (54321, NOBODY, (), "uid 54321", None),
        (0, NOBODY, (), "root", Role.ADMIN),
    ],
)
def test_each_operation_asks_for_its_role(
    daemon: FakeDaemon, uid: int, gid: int, groups: tuple[int, ...], user: str, role: Role | None
) -> None:
    """What the role includes is done, in the name of the user; all else is refused, and says which role it needs."""
    for route, answer in zip(ROUTES, ask(daemon, uid, gid, groups, *ROUTES), strict=True):
        if role is not None and role.includes(route.role):
            assert "error" not in answer, (route, answer)
            continue
        assert answer["error"] == {
            "code": Code.FORBIDDEN,
            "message": wanting(user, role, route.role),
            "needs": route.role,
        }
        assert f"needs role {route.role.value}, and {user} has" in answer["error"]["message"]
    allowed = [r for r in ROUTES if r.changes and role is not None and role.includes(r.role)]
    asked = [(request, caller) for request, caller in daemon.commands.asked if caller.user]
    assert [type(request) for request, _ in asked] == [route.takes for route in allowed]
    assert {(caller.uid, caller.user, caller.role) for _, caller in asked} <= {(uid, user, role)}


@pytest.mark.root
def test_who_one_is_taken_for_is_told(daemon: FakeDaemon) -> None:
    """`version` says it."""
    version = next(route for route in ROUTES if route.name == "version")
    (answer,) = ask(daemon, DAEMON, DAEMON, (), version)
    assert (answer["user"], answer["role"]) == ("daemon", "operate")


@pytest.mark.root
def test_who_may_not_is_refused_unread(daemon: FakeDaemon) -> None:
    """The role comes before the form: a stranger learns nothing from a wrong body."""
    client = _CLIENT.replace("json.loads(sys.argv[5])", '[("reload", {"nonsense": 1})]')
    command = [sys.executable, "-c", client, daemon.path, str(NOBODY), str(NOBODY), "[]", "[]"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert json.loads(said)[0]["error"]["needs"] == "admin"


@pytest.mark.root
def test_an_admin_that_is_not_root_names_no_other_file(daemon: FakeDaemon) -> None:
    """A configuration names programs to run, and its faults quote what stands in a file."""
    for name in ("reload", "plan"):
        client = _CLIENT.replace("json.loads(sys.argv[5])", f'[("{name}", {{"path": "/etc/shadow"}})]')
        command = [sys.executable, "-c", client, daemon.path, str(SYS), str(SYS), "[]", "[]"]
        said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        assert json.loads(said)[0]["error"]["needs"] == "root"
    assert daemon.commands.asked == []


def test_the_highest_role_counts() -> None:
    """Whoever is named nowhere has none; without roles in the file the socket's rights decide alone."""
    assert role_of(ROLES, "bin", frozenset()) is Role.OPERATE
    assert role_of(ROLES, "bin", frozenset({"sys"})) is Role.ADMIN
    assert role_of(ROLES, "alice", frozenset({"alice"})) is None
    assert role_of(RolesSpec(), "alice", frozenset()) is None
    assert role_of(None, "alice", frozenset()) is Role.ADMIN


def test_every_change_needs_more_than_reading() -> None:
    """No operation of the table that changes something is open to role read."""
    assert {route.name for route in ROUTES if route.changes and route.role is Role.READ} == set()
    assert {route.name for route in ROUTES if route.method == "GET" and route.changes} == set()
