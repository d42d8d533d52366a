"""The control API of whole daemons: every change by a real user over the real socket stands in the history with that user,
and the fuzzer that the description drives finds the daemon as described."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from hactl.control.openapi import document
from hactl.control.roles import Role
from hactl.control.routes import ROUTES
from support.daemon import BARE, Director, Pair, daemons, pair, wait_until
from support.netns import lan, needs_namespaces
from support.unix_http import BASE, session

pytestmark = [needs_namespaces, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
GAMES = 60
READER, OPERATOR, ADMIN = (2, "bin"), (1, "daemon"), (3, "sys")
CONTROL = """
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: none, servers: {rs1: 10.99.0.3, rs2: 10.99.0.4}}
  api: {address: 10.99.0.100, port: 81, forward: nat, check: {type: tcp, interval: 300ms}, servers: {rs3: 10.99.0.1}}
notify:
  local: {type: exec, command: [/bin/true]}
control:
  socket: ${SOCKET}
  group: games
  roles: {read: {groups: [games]}, operate: {users: [daemon]}, admin: {users: [sys]}}
"""
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("overrides", {"action": "drain", "server": "rs1", "reason": "new disk"}),
    ("overrides", {"action": "disable", "server": "rs1"}),
    ("overrides", {"action": "weight", "server": "rs2", "weight": 3}),
    ("overrides", {"action": "enable", "server": "rs1"}),
    ("acks", {"subjects": ["rs3@api"]}),
    ("acks", {"subjects": ["rs3@api"], "undo": True}),
    ("notify/test", {"channel": "local"}),
    ("reload", {}),
    ("handover", {}),
    ("resume", {}),
    ("standby", {}),
    ("resume", {}),
]
"""Every operation of the table that changes something, in an order in which each does change something."""
_CLIENT = """
import json, os, sys
from hactl.control.client import Client, DeclinedError
path, name, body = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
os.setgroups([])
os.setgid(int(sys.argv[4]))
os.setuid(int(sys.argv[5]))
try:
    print(json.dumps(Client(path, timeout=60).post(name, body)))
except DeclinedError as error:
    print(json.dumps(error.answer))
"""


def post(director: Director, user: tuple[int, str], name: str, body: dict[str, Any]) -> Any:
    """The answer to an operation that this user asks for."""
    words = (director.socket, name, json.dumps(body), str(GAMES), str(user[0]))
    done = subprocess.run(
        [sys.executable, "-c", _CLIENT, *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=90,
    )
    return json.loads(done.stdout)


@pytest.fixture
def two() -> Iterator[Pair]:
    """A pair with roles; rs3 is down."""
    with pair(BARE + CONTROL) as running:
        wait_until(lambda: running.lb1.events("service.down", "api"))
        yield running


def test_every_change_stands_in_the_history_with_its_user(two: Pair) -> None:
    """Who may not is refused, and leaves no trace; who may is named."""
    lb1 = two.lb1
    assert {name for name, _ in CHANGES} == {route.name for route in ROUTES if route.changes}
    for name, body in CHANGES:
        needed = next(route.role for route in ROUTES if route.name == name and route.takes is not None)
        before = lb1.events()[-1]["row"]
        refused = post(lb1, READER, name, body)
        assert refused["error"]["needs"] == needed.value, name
        user = ADMIN if needed is Role.ADMIN else OPERATOR
        assert "error" not in (answer := post(lb1, user, name, body)), answer

        def told(before: int = before, user: tuple[int, str] = user) -> list[Any]:
            return [e for e in lb1.events() if e["row"] > before and f"by {user[1]}" in e["reason"]]

        assert wait_until(told), (name, lb1.events()[-5:])
        assert not [e for e in lb1.events() if f"by {READER[1]}" in e["reason"]]


# ---- the fuzzer ---------------------------------------------------------------------------------------------------------

SCHEMA = schemathesis.openapi.from_dict(document("0.1.0"))
SCHEMA.config.update(base_url=BASE)
ALONE = """
cluster: web
directors: {lb1: 10.99.0.1}
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: {type: tcp}, servers: {rs1: 10.99.0.1, rs2: 10.99.0.2}}
notify:
  local: {type: exec, command: [/bin/true]}
health: {user: nobody}
"""


@pytest.fixture(scope="module")
def alone() -> Iterator[Director]:
    """A daemon without routers: nothing waits for a successor."""
    with lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.start()
        yield lb1


@SCHEMA.parametrize()
@settings(
    max_examples=15, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
def test_the_daemon_is_as_described(case: schemathesis.Case[Any], alone: Director) -> None:
    """Real answers to requests of every kind; the daemon lives on and says nothing of a fault."""
    if isinstance(case.body, dict) and case.body.get("path"):
        return  # what no file of a configuration is, is refused by its content
    if isinstance(case.query.get("wait"), int | float):
        case.query["wait"] = min(case.query["wait"], 0.01)
    with session(alone.socket) as client:
        case.call_and_validate(session=client)
    assert alone.status()["cluster"] == "web"
