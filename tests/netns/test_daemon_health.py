"""Health checks of a whole daemon against real servers in another namespace that go away and come back."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from support.daemon import Director, daemons, wait_until
from support.netns import Lan, lan, needs_namespaces
from support.web import web

pytestmark = needs_namespaces

INTERVAL, FAST = 1.5, 0.2
TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
checks:
  page: {type: http, path: /health, interval: 1500ms, fast_interval: 200ms, timeout: 1s, rise: 2, fall: 3}
  port: {type: tcp, interval: 1500ms, fast_interval: 200ms, timeout: 300ms, rise: 2, fall: 3}
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: page, servers: {rs1: 10.99.0.2, rs2: 10.99.0.3}}
  raw: {address: 10.99.0.100, port: 81, forward: nat, check: port, servers: {rs1: 10.99.0.2}}
health: {user: nobody}
"""


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[Lan, Director]]:
    """A running daemon and two hosts on which tests start servers."""
    with lan("lb1", "rs1", "rs2") as net, daemons(net, TEXT, "lb1") as (lb1,):
        lb1.start()
        yield net, lb1


def is_(director: Director, scope: str, health: str) -> bool:
    """Whether the server's health is so."""
    return bool(director.server(scope)["health"] == health)


def test_http_server_goes_and_returns(site: tuple[Lan, Director]) -> None:
    """Refused `fall` times at the fast interval is down, with the reason; answering `rise` times is up again."""
    net, lb1 = site
    with web(net, "rs1", 80), web(net, "rs2", 80):
        wait_until(lambda: is_(lb1, "rs1@www", "up") and is_(lb1, "rs2@www", "up"))
        downs = len(lb1.events("server.down", "rs1@www"))
    wait_until(lambda: lb1.events("server.down", "rs1@www")[downs:])
    with web(net, "rs2", 80):
        wait_until(lambda: is_(lb1, "rs2@www", "up"))
        assert lb1.status()["services"]["www"]["state"] == "degraded"
        ups = len(lb1.events("server.up", "rs1@www"))
        with web(net, "rs1", 80) as server:
            up = wait_until(lambda: lb1.events("server.up", "rs1@www")[ups:])[0]
            assert (up["old"], up["new"]) == ("down", "up")
            wait_until(lambda: lb1.status()["services"]["www"]["state"] == "up")
            assert set(server.asked) == {"/health"}
            before = time.time()
        down = wait_until(lambda: lb1.events("server.down", "rs1@www")[downs + 1 :])[0]
        assert down["reason"] == "page: connection refused"
        shown = lb1.server("rs1@www")
        assert (shown["health"], shown["reason"], shown["active"]) == (
            "down",
            "page: connection refused",
            False,
        )
        assert shown["checks"]["page"]["reason"] == "connect_refused"
        at = lb1.events("server.down", "rs1@www")[downs + 1]["at"]
        assert wall(at) - before < INTERVAL + 2 * FAST + 1.0, (
            "three failures: one at the interval, two at the fast one"
        )


def wall(text: str) -> float:
    """An event's time in words as seconds since the epoch."""
    from datetime import datetime

    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_wrong_status(site: tuple[Lan, Director]) -> None:
    """A server that answers with an error is down by its status, and the check says which."""
    net, lb1 = site
    with web(net, "rs1", 80) as server:
        wait_until(lambda: is_(lb1, "rs1@www", "up"))
        server.status = 503
        wait_until(lambda: is_(lb1, "rs1@www", "down"))
        shown = lb1.server("rs1@www")["checks"]["page"]
        assert shown["reason"] == "wrong_status"
        assert "503" in shown["detail"]


def test_tcp_host_gone_is_silence(site: tuple[Lan, Director]) -> None:
    """A host whose cable is pulled is down by time-out or as unreachable, and back when the cable is."""
    net, lb1 = site
    with web(net, "rs1", 81):
        wait_until(lambda: is_(lb1, "rs1@raw", "up"))
        net.cut("rs1")
        try:
            wait_until(lambda: is_(lb1, "rs1@raw", "down"))
            assert lb1.server("rs1@raw")["checks"]["port"]["reason"] in ("connect_timeout", "unreachable")
            service = lb1.status()["services"]["raw"]
            assert service["state"] == "down"
            assert "quorum lost" in service["reason"]
            wait_until(
                lambda: [e["severity"] for e in lb1.events("service.down", "raw")][-1:] == ["critical"]
            )
        finally:
            net.mend("rs1")
        wait_until(lambda: is_(lb1, "rs1@raw", "up"), 15.0)
        wait_until(lambda: lb1.events("service.up", "raw"))


def test_killed_health_worker_removes_no_server(site: tuple[Lan, Director]) -> None:
    """A server that goes on answering stays up while the health worker is replaced."""
    net, lb1 = site
    with contextlib.ExitStack() as servers:
        for host, port in (("rs1", 80), ("rs2", 80), ("rs1", 81)):
            servers.enter_context(web(net, host, port))
        wait_until(lambda: lb1.hactl("status").returncode == 0 or all_up(lb1))
        downs = lb1.events("server.down")
        restarts = lb1.status()["workers"]["health-0"]["restarts"]
        lb1.signal(9, "health-0")
        wait_until(lambda: lb1.status()["workers"]["health-0"]["restarts"] == restarts + 1)
        lb1.await_up()
        time.sleep(2 * INTERVAL)
        assert all_up(lb1)
        assert lb1.events("server.down") == downs


def all_up(director: Director) -> bool:
    """Whether every server of every service is up."""
    services = director.status()["services"].values()
    return all(server["health"] == "up" for service in services for server in service["servers"].values())
