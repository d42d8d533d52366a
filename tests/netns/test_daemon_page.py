"""The page of a whole daemon: across the network, through reloads and a killed worker."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.daemon import Director, daemons, wait_until
from support.netns import lan, needs_namespaces
from support.web import web

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {type: tcp, interval: 300ms, fast_interval: 200ms, fall: 2, rise: 1}
    servers: {rs1: 10.99.0.2, rs2: {address: 10.99.0.2, port: 81}}
health: {user: nobody}
control: {socket: '${SOCKET}', http: '0.0.0.0:80', token_file: TOKEN}
"""


class Asked:
    """What curl on another host got: the status, and the body."""

    def __init__(self, text: str) -> None:
        self.body, _, status = text.rpartition("\n")
        self.status = int(status)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Site:
    """One daemon, and a host from which its page is asked for."""

    def __init__(self, lb1: Director, text: str) -> None:
        self.lb1, self.text = lb1, text

    def curl(self, path: str, *options: str) -> Asked:
        """Ask from the client's host; status 0 where there was no answer."""
        line = ("curl", "-s", "-m", "8", "-w", "\n%{http_code}", *options, f"http://10.99.0.1{path}")
        return Asked(self.lb1.net.run("client", *line, check=False).stdout)

    def metric(self, name: str) -> float | None:
        """The value of a line of /metrics, None where there is none."""
        for line in self.curl("/metrics").body.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return None


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A running daemon whose page is on a port that only root may open."""
    token = tmp_path / "token"
    token.write_text("secret-word\n")
    token.chmod(0o600)
    text = TEXT.replace("TOKEN", str(token))
    with (
        lan("lb1", "rs1", "client") as net,
        daemons(net, text, "lb1") as (lb1,),
        web(net, "rs1", 80),
        web(net, "rs1", 81),
    ):
        lb1.start()
        site = Site(lb1, text)
        wait_until(lambda: site.curl("/v1/status").status == 200)
        yield site


def test_metrics_follow_a_real_server(site: Site) -> None:
    """What a check says is what Prometheus reads, and the page is there beside it."""
    wait_until(lambda: site.metric('hactl_server_health{server="rs1",service="www",state="up"}') == 1.0)
    assert "<title>hactl</title>" in site.curl("/").body
    site.lb1.net.ip("rs1", "link set eth0 down")
    wait_until(lambda: site.metric('hactl_server_health{server="rs1",service="www",state="down"}') == 1.0)


def test_an_operator_acts_and_is_named_in_the_history(site: Site) -> None:
    """With the token; without it nothing happens. The token is in no answer and no log."""
    drain = ("-d", '{"action": "drain", "server": "rs1", "reason": "disk"}')
    assert site.curl("/v1/overrides", *drain).status == 403
    assert site.curl("/v1/overrides", *drain, "-H", "Authorization: Bearer wrong").status == 403
    assert site.lb1.status()["overrides"] == []
    assert site.curl("/v1/overrides", *drain, "-H", "Authorization: Bearer secret-word").status == 200
    assert site.lb1.status()["overrides"][0]["by"].startswith("page from 10.99.0.")
    (kept,) = wait_until(lambda: site.lb1.events("override.set", "rs1"))
    assert kept["reason"].startswith("drain by page from 10.99.0.")
    assert "secret-word" not in site.lb1.log_text() + site.curl("/v1/status").body


def test_a_name_that_is_not_ours_is_turned_away(site: Site) -> None:
    """Addresses and directors' names are taken, and a name from the configuration after a reload."""
    ask = ("-H", "Host: status.example.org")
    assert site.curl("/v1/status", "-H", "Host: lb1").status == 200
    assert site.curl("/v1/status", *ask).status == 403
    site.lb1.write(site.text.replace("http: ", "hosts: [status.example.org], http: "))
    site.lb1.hactl("reload", check=True)
    wait_until(lambda: site.curl("/v1/status", *ask).status == 200)


def test_a_killed_worker_is_only_a_pause(site: Site) -> None:
    """Who asks while the worker is started again waits for the answer; nobody is refused."""
    before = site.lb1.pids()["notify"]
    site.lb1.signal(signal.SIGKILL, "notify")
    assert site.curl("/v1/status").status == 200
    assert site.lb1.pids()["notify"] != before


def test_a_port_that_is_taken_is_said_and_had_later(site: Site) -> None:
    """A reload is never refused for it; status says why there is no page."""
    with web(site.lb1.net, "lb1", 8080, "0.0.0.0"):
        site.lb1.write(site.text.replace("0.0.0.0:80'", "0.0.0.0:8080'"))
        site.lb1.hactl("reload", check=True)
        (warning,) = (w for w in site.lb1.status()["warnings"] if "control.http" in w)
        assert warning == "control.http 0.0.0.0:8080 cannot be opened: Address already in use"
        assert site.curl("/").status == 0
    line = ("curl", "-s", "-m", "5", "http://10.99.0.1:8080/v1/page")
    wait_until(lambda: "operable" in site.lb1.net.run("client", *line, check=False).stdout, 20.0)
    assert not any("control.http" in w for w in site.lb1.status()["warnings"])


def test_a_reader_that_stops_reading_delays_nobody(site: Site) -> None:
    """Somebody watches and does not read; events are still recorded and the page answers."""
    reader = site.lb1.net.start("client", "sh", "-c", "curl -sN http://10.99.0.1/v1/live | sleep 60")
    try:
        for number in range(5):
            site.lb1.hactl("drain" if number % 2 else "enable", "rs1", check=True)
        began = time.monotonic()
        assert site.curl("/v1/status").status == 200
        assert time.monotonic() - began < 8
        wait_until(lambda: len(site.lb1.events("override.set", "rs1")) == 5)
    finally:
        reader.kill()
        reader.wait()
