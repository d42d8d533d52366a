"""Real servers of a whole daemon that say themselves how they are."""

from support.agents import agent
from support.daemon import Director, daemons, wait_until
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors: {lb1: {address: 10.99.0.1}}
checks:
  alive: {type: ping, interval: 500ms, fast_interval: 200ms, timeout: 400ms}
  word: {type: agent, port: 9999, interval: 300ms, fast_interval: 200ms, timeout: 200ms}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: [alive, word]
    servers: {rs1: 10.99.0.2, rs2: 10.99.0.3}
health: {user: nobody}
"""


def is_(director: Director, server: str, **wanted: object) -> bool:
    """Whether status shows the server so."""
    shown = director.server(f"{server}@www")
    return {key: shown[key] for key in wanted} == wanted


def test_servers_have_a_say() -> None:
    """Share, drain, maintenance, down; what is not said anew stays, over silence and a new worker; operators are heard."""
    with lan("lb1", "rs1", "rs2") as net, daemons(net, TEXT, "lb1") as (lb1,):
        lb1.start()
        wait_until(lambda: is_(lb1, "rs1", health="up", agent=None) and is_(lb1, "rs2", health="up"))
        assert lb1.server("rs1@www")["checks"]["word"]["detail"] == "no word: connection refused"
        with agent(net, "rs1") as rs1:
            rs1.line = "drain 50%"
            wait_until(lambda: is_(lb1, "rs1", admin="drain", agent="50% drain", health="up"))
            rs1.line = "75% ready"
            wait_until(lambda: is_(lb1, "rs1", admin="enabled", agent="75% ready"))
            lb1.hactl("disable", "rs1", check=True)
            wait_until(lambda: is_(lb1, "rs1", admin="disabled"))
            lb1.hactl("enable", "rs1", check=True)
            rs1.line = "maint"
            wait_until(lambda: is_(lb1, "rs1", admin="disabled", agent="75% maint", health="up"))
            rs1.line = "down #no disk"
            wait_until(lambda: is_(lb1, "rs1", health="down"))
            reason = "word: the server says itself that it is down (down (no disk))"
            assert lb1.server("rs1@www")["reason"] == reason
            wait_until(lambda: [e["reason"] for e in lb1.events("server.down", "rs1@www")][-1:] == [reason])
            rs1.line = "up"
            wait_until(lambda: is_(lb1, "rs1", health="up", admin="disabled"))
        lb1.signal(9, "health-0")
        wait_until(lambda: lb1.status()["workers"]["health-0"]["restarts"] == 1)
        lb1.await_up()
        wait_until(lambda: "no word" in lb1.server("rs1@www")["checks"]["word"]["detail"])
        assert is_(lb1, "rs1", admin="disabled", agent="75% maint", health="up")
        assert is_(lb1, "rs2", admin="enabled", health="up")
