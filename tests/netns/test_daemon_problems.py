"""Problems of whole daemons: told again until somebody knows, on both directors, over restarts, until they end."""

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.daemon import Director, daemons, wait_until
from support.netns import Lan, lan, needs_namespaces
from support.web import Web, web

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
peer: {key_file: KEYFILE}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {type: tcp, interval: 300ms, fast_interval: 200ms, fall: 2, rise: 1}
    servers: {rs1: 10.99.0.3, rs2: {address: 10.99.0.3, port: 81}}
notify:
  ops: {type: webhook, url: 'http://10.99.0.3:9000/hook', events: [server.*], digest: 0s, repeat: 2s}
health: {user: nobody}
"""


class Site:
    """Two directors, the server that both check, and the one receiver of their alerts."""

    def __init__(self, net: Lan, lb1: Director, lb2: Director, hook: Web) -> None:
        self.net, self.lb1, self.lb2, self.hook = net, lb1, lb2, hook
        self.stack = ExitStack()

    def told(self, node: str, kind: str = "server.down") -> list[str]:
        """Ids of what a director told of rs1."""
        said = [
            one for body in list(self.hook.posted) for one in (body if isinstance(body, list) else [body])
        ]
        data = [one["data"] for one in said]
        return [
            one["id"] for one in data if (one["node"], one["kind"], one["subject"]) == (node, kind, "rs1@www")
        ]

    def known(self, director: Director) -> str | None:
        """Who knows of rs1, as a director's status says; empty when nobody does, None when nothing is wrong."""
        problem = director.status()["problems"].get("server rs1@www")
        return None if problem is None else (problem["acknowledged"] or {}).get("by", "")


@pytest.fixture
def site() -> Iterator[Site]:
    """Both directors up and with the channel, both servers well."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "peer.key"
        key.write_text("a key of more than sixteen characters\n")
        key.chmod(0o600)
        with (
            lan("lb1", "lb2", "rs1") as net,
            daemons(net, TEXT.replace("KEYFILE", str(key)), "lb1", "lb2") as (lb1, lb2),
            web(net, "rs1", 81),
            web(net, "rs1", 9000) as hook,
        ):
            made = Site(net, lb1, lb2, hook)
            with made.stack:
                made.stack.enter_context(web(net, "rs1", 80))
                for one in (lb1, lb2):
                    one.start()
                for one, other in ((lb1, "lb2"), (lb2, "lb1")):
                    wait_until(lambda one=one: one.server("rs1@www")["health"] == "up")  # type: ignore[misc]
                    wait_until(lambda one=one, other=other: one.status()["peers"][other]["state"] == "up")  # type: ignore[misc]
                yield made


def test_told_again_until_acknowledged_everywhere(site: Site) -> None:
    """One word on one director ends it on both; it outlives a restart, and ends with the problem itself."""
    assert site.lb1.hactl("ack", "rs1").returncode == 1
    site.stack.close()
    for node in ("lb1", "lb2"):
        wait_until(lambda node=node: len(site.told(node)) >= 2)  # type: ignore[misc]
        first, again = site.told(node)[:2]
        assert again == f"{first}.1"
    assert site.known(site.lb1) == site.known(site.lb2) == ""

    done = site.lb1.hactl("ack", "rs1", "--reason", "disk ordered", check=True)
    assert done.stdout == "server rs1@www: acknowledged\n"
    assert done.stderr == ""
    wait_until(lambda: site.known(site.lb2) == "root")
    assert "disk ordered" in site.lb2.hactl("status").stdout
    (said,) = site.lb1.events("problem.acknowledged", "rs1")
    assert said["reason"] == "by root: disk ordered"

    time.sleep(1.0)
    before = {node: len(site.told(node)) for node in ("lb1", "lb2")}
    site.lb1.signal(signal.SIGKILL)
    site.lb1.start()
    wait_until(lambda: site.lb1.server("rs1@www")["health"] == "down")
    assert site.known(site.lb1) == "root"
    site.lb2.signal(signal.SIGKILL, "notify")
    time.sleep(5.0)
    assert {node: len(site.told(node)) for node in before} == before

    with web(site.net, "rs1", 80):
        wait_until(lambda: site.known(site.lb1) is None and site.known(site.lb2) is None)
    wait_until(lambda: site.known(site.lb1) == site.known(site.lb2) == "")
    wait_until(lambda: all(len(site.told(node)) >= before[node] + 2 for node in before))
