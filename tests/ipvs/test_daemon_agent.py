"""Shares that servers ask for, on the kernel's own table."""

import pytest

from hactl.lab.serving import Entry
from support.agents import agent
from support.ipvs_daemon import VIP, site, until

pytestmark = pytest.mark.timeout(300)

SERVICE = f"{VIP}:80"
TEXT = f"""
cluster: table
directors: {{lb1: {{address: 10.99.0.1}}}}
checks:
  page: {{type: http, path: /health, timeout: 2s}}
  word: {{type: agent, port: 9999, interval: 1s}}
services:
  www:
    {{address: {VIP}, port: 80, scheduler: wlc, forward: nat, check: page,
     servers: {{rs1: {{address: 10.99.0.21, check: [page, word]}}, rs2: 10.99.0.22}}}}
health: {{user: nobody}}
"""
SERVERS = ("10.99.0.21:80", "10.99.0.22:80")


def test_weights_follow_the_agent() -> None:
    """A share of weight 1 is a share; drained at weight 0; out and back; and afterwards the weights are themselves again."""
    with site(TEXT, SERVERS) as made, agent(made.net, "rs") as said:
        made.farm.open(*SERVERS)
        made.start()
        for line, weights in (
            ("up", (1, 1)), ("25%", (25, 100)), ("drain", (0, 1)), ("ready 50%", (50, 100)),
            ("maint", (None, 1)), ("ready 100%", (1, 1)), ("down", (None, 1)), ("up", (1, 1)),
        ):  # fmt: skip
            said.line = line
            table = frozenset(
                Entry(SERVICE, server, "Masq", weight)
                for server, weight in zip(SERVERS, weights, strict=True)
                if weight is not None
            )
            until(lambda table=table: made.watch.table == table)  # type: ignore[misc]
