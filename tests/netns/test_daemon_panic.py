"""The panic threshold and tracking together: a director whose way to the real servers is cut gives the VIP to its peer."""

import pytest

from support.daemon import BARE, pair, wait_until
from support.netns import needs_namespaces
from support.web import web

pytestmark = [needs_namespaces, pytest.mark.netns]

SERVERS = [f"10.99.0.{number}" for number in range(21, 25)]
NAMES = ", ".join(f"rs{number}: {address}" for number, address in enumerate(SERVERS, 1))
TEXT = (
    BARE.replace("[10.99.0.100]}", "[10.99.0.100], track: {services: {www: -30}}}")
    + f"""
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {{type: http, interval: 400ms, fast_interval: 100ms, timeout: 300ms, fall: 3, rise: 2}}
    servers: {{{NAMES}}}
    panic: {{share: 50%, at_least: 4, hold: 60s}}
"""
)


def test_our_own_uplink_is_cut() -> None:
    """All servers fall for this director alone: one alarm, and the peer that reaches them serves."""
    with pair(TEXT, "rs") as two:
        two.net.ip("rs", *(f"address add {address}/24 dev eth0" for address in SERVERS))
        with web(two.net, "rs", 80, "0.0.0.0"):
            for director in (two.lb1, two.lb2):
                wait_until(lambda d=director: d.status()["services"]["www"]["state"] == "up", 20.0)  # type: ignore[misc]
            wait_until(lambda: two.lb1.is_state("master"))
            falls = len(two.lb1.events("server.down"))
            two.net.run("lb1", "nft", "add table inet cut")
            two.net.run("lb1", "nft", "add chain inet cut output { type filter hook output priority 0; }")
            two.net.run("lb1", "nft", "add rule inet cut output ip daddr 10.99.0.21-10.99.0.24 drop")
            (alarm,) = wait_until(lambda: two.lb1.events("service.panic", "www"), 20.0)
            assert (alarm["severity"], alarm["new"]) == ("critical", "panic")
            wait_until(lambda: two.lb2.is_state("master") and two.lb1.is_state("backup"), 20.0)
            www = two.lb1.status()["services"]["www"]
            assert (www["state"], {s["health"] for s in www["servers"].values()}) == ("down", {"down"})
            assert www["panic_until"] is not None
            assert "panic: failing servers stay in the table" in www["reason"]
            assert len(two.lb1.events("server.down")) == falls + 4
            peer = two.lb2.status()["services"]["www"]
            assert (peer["state"], peer["panic_until"], two.lb2.events("service.panic")) == ("up", None, [])
            two.net.run("lb1", "nft", "delete table inet cut")
            wait_until(lambda: two.lb1.status()["services"]["www"]["state"] == "up", 20.0)
            over = two.lb1.events("service.panic", "www")[1:]
            assert [(event["new"], event["severity"]) for event in over] == [("over", "info")]
            wait_until(lambda: two.lb1.is_state("master"), 20.0)
