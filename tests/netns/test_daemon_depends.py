"""Checks that wait: one that depends on another, and a server that falls too often."""

from support.daemon import daemons, wait_until
from support.netns import lan, needs_namespaces
from support.web import web

pytestmark = needs_namespaces

TIMES = "interval: 400ms, fast_interval: 150ms, timeout: 400ms, fall: 2, rise: 1"
TEXT = f"""
cluster: web
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  gate: {{type: tcp, port: 7, {TIMES}}}
  page: {{type: http, {TIMES}, depends_on: {{check: gate, address: 10.99.0.3}}}}
  nervous: {{type: http, {TIMES}, damping: {{falls: 2, within: 60s, hold: 3s}}}}
services:
  www: {{address: 10.99.0.100, port: 80, forward: nat, check: page, servers: {{rs1: 10.99.0.2}}}}
  odd: {{address: 10.99.0.100, port: 81, forward: nat, check: nervous, servers: {{rs1: 10.99.0.2}}}}
health: {{user: nobody}}
"""


def test_a_server_behind_a_gateway_and_a_nervous_one() -> None:
    """While the gateway is down the server behind it keeps its verdict, and falls when the gateway is back; the nervous
    one is up again only after passing for the hold."""
    with lan("lb1", "rs1", "rs2") as net, daemons(net, TEXT, "lb1") as (lb1,):
        lb1.start()
        with web(net, "rs1", 80), web(net, "rs2", 7):
            wait_until(lambda: lb1.server("rs1@www")["health"] == "up")
        # The gateway was ended first.
        wait_until(lambda: lb1.server("rs1@www")["checks"]["page"]["held"])
        assert lb1.server("rs1@www")["health"] == "up"
        assert lb1.events("server.down", "rs1@www") == []
        with web(net, "rs2", 7):
            wait_until(lambda: lb1.server("rs1@www")["health"] == "down")
            assert lb1.server("rs1@www")["reason"] == "page: connection refused"

        for _ in range(2):
            with web(net, "rs1", 81):
                wait_until(lambda: lb1.server("rs1@odd")["health"] == "up")
            wait_until(lambda: lb1.server("rs1@odd")["health"] == "down")
        assert "it fell too often" in lb1.server("rs1@odd")["reason"]
        with web(net, "rs1", 81):
            wait_until(lambda: "passes again" in lb1.server("rs1@odd")["reason"])
            wait_until(lambda: lb1.server("rs1@odd")["health"] == "up")
        up, down = lb1.events("server.up", "rs1@odd")[-1], lb1.events("server.down", "rs1@odd")[-2]
        assert up["at"] > down["at"]
