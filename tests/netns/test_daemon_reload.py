"""Reloading a running pair: the difference is applied, a bad file changes nothing and says why."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.daemon import VIP, Pair, pair, wait_until
from support.netns import needs_namespaces
from support.web import Web, web

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
checks:
  page: {type: http, path: /health, interval: 400ms, fast_interval: 200ms}
  port: {type: tcp, interval: 400ms}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: [page, port]
    servers: {rs1: 10.99.0.3, rs2: {address: 10.99.0.3, port: 81}, rs3: {address: 10.99.0.3, port: 82}}
health: {user: nobody}
"""


class Cluster:
    """A pair whose configuration is changed, with the web server behind it."""

    def __init__(self, two: Pair, page: Web) -> None:
        self.two, self.page = two, page
        self.lb1, self.lb2 = two.lb1, two.lb2

    def reload(self, text: str, *words: str) -> Any:
        """Gives lb1 another file and reloads it."""
        self.lb1.write(text)
        return self.lb1.hactl("reload", *words)


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """A running pair, its servers up."""
    with (
        pair(TEXT, "rs1") as two,
        web(two.net, "rs1", 80) as page,
        web(two.net, "rs1", 81),
        web(two.net, "rs1", 82),
    ):
        yield Cluster(two, page)


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """The running pair in its first configuration, before and after the test."""
    yield running
    done = running.reload(TEXT, "--force")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: running.lb1.is_state("master") and running.lb2.is_state("backup"))
    wait_until(lambda: VIP not in running.two.net.run("lb2", "ip", "-4", "address").stdout)


def all_up(cluster: Cluster) -> bool:
    """Whether every server of www is up."""
    servers = cluster.lb1.status()["services"]["www"]["servers"].values()
    return all(server["health"] == "up" for server in servers)


def untouched(cluster: Cluster) -> tuple[Any, ...]:
    """What a reload that changes nothing must leave as it was."""
    status = cluster.lb1.status()
    routers = {name: (r["state"], r["since"], r["transitions"]) for name, r in status["routers"].items()}
    servers = {
        name: (s["health"], s["since"], s["reason"])
        for name, s in status["services"]["www"]["servers"].items()
    }
    return cluster.lb1.pids(), routers, servers, status["config"]["sha256"]


def test_unchanged_file(cluster: Cluster) -> None:
    """No worker, router, verdict or counter notices a reload of the same file."""
    wait_until(lambda: all_up(cluster))
    before = untouched(cluster)
    began = time.monotonic()
    done = cluster.lb1.hactl("reload")
    assert (done.returncode, done.stdout) == (0, "nothing changed\n")
    time.sleep(1.0)
    assert untouched(cluster) == before
    assert cluster.two.record.changes(VIP, since=began) == []
    applied = [line for line in cluster.lb1.log_text().splitlines() if "checks in force" in line][-1]
    assert "kept=6 started=0 stopped=0" in applied


def test_plan_changes_nothing_and_says_what_the_reload_does(cluster: Cluster) -> None:
    """Workers are asked and go on as before; the reload afterwards is the first to act on the file."""
    wait_until(lambda: all_up(cluster))
    before = untouched(cluster)
    began = time.monotonic()
    other = TEXT.replace("addresses: [10.99.0.100]", "addresses: [10.99.0.100, 10.99.0.101]")
    other = other.replace(
        "rs3: {address: 10.99.0.3, port: 82}", "rs4: {address: 10.99.0.3, port: 81, weight: 2}"
    )
    cluster.lb1.write(
        other.replace("rs2: {address: 10.99.0.3, port: 81}, ", "").replace("/health", "/planned")
    )
    planned = cluster.lb1.hactl("plan")
    assert planned.returncode == 0, planned.stderr
    for line in (
        "~ web: goes on with the new values",
        "~ rs4@www: stays in the table",
        "- rs3@www: leaves the table",
        "~ page of rs1@www: checked anew",
    ):
        assert line in planned.stdout
    time.sleep(1.0)
    assert untouched(cluster) == before
    assert cluster.two.record.changes("10.99.0.101", since=began) == []
    assert "/planned" not in cluster.page.asked
    assert cluster.lb1.hactl("reload").returncode == 0
    wait_until(lambda: "/planned" in cluster.page.asked)
    wait_until(lambda: cluster.two.record.changes("10.99.0.101", "lb1", since=began))
    after = cluster.lb1.hactl("plan")
    assert (after.returncode, after.stdout) == (0, "nothing would change\n")


def test_plan_of_what_would_be_refused(cluster: Cluster) -> None:
    """A faulty file lists its faults, a mass removal is named with what allows it; no event is made of either."""
    rejected = len(cluster.lb1.events("config.rejected"))
    cluster.lb1.write(TEXT.replace("vrid: 51", "vrid: 999"))
    faulty = cluster.lb1.hactl("plan")
    assert faulty.returncode == 1
    assert f"{cluster.lb1.config}:" in faulty.stderr
    cluster.lb1.write(
        TEXT.replace(", rs2: {address: 10.99.0.3, port: 81}, rs3: {address: 10.99.0.3, port: 82}", "")
    )
    refused = cluster.lb1.hactl("plan")
    assert refused.returncode == 1
    assert "hactl: a reload would be refused: it would remove 2 of 3 servers; --force" in refused.stderr
    assert "- rs2@www: leaves the table" in refused.stdout
    assert cluster.lb1.hactl("plan", "--force").returncode == 0
    assert len(cluster.lb1.events("config.rejected")) == rejected


def test_bad_file_lists_every_fault_and_changes_nothing(cluster: Cluster) -> None:
    """Several faults in one file: each with its place, exit status 1, and the cluster goes on as before."""
    wait_until(lambda: all_up(cluster))
    before = untouched(cluster)
    bad = TEXT.replace("vrid: 51", "vrid: 999").replace("forward: nat", "foward: nat").replace("400ms", "400")
    done = cluster.reload(bad)
    assert done.returncode == 1
    config = str(cluster.lb1.config)
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"{config}:")]
    assert len(lines) >= 4, done.stderr
    for part in ("vrid", "foward", "interval"):
        assert any(part in line for line in lines), done.stderr
    assert "not reloaded, nothing changed" in done.stderr
    assert untouched(cluster) == before
    rejected = wait_until(lambda: cluster.lb1.events("config.rejected")[-1:])[0]
    assert "faults in" in rejected["reason"]


def test_sighup_with_a_bad_file(cluster: Cluster) -> None:
    """SIGHUP with a bad file is an event and a line in the log, and changes nothing."""
    wait_until(lambda: all_up(cluster))
    before = untouched(cluster)
    known = len(cluster.lb1.events("config.rejected"))
    cluster.lb1.write(TEXT.replace("vrid: 51", "vrid: fifty"))
    cluster.lb1.signal(signal.SIGHUP, "supervisor")
    rejected = wait_until(lambda: cluster.lb1.events("config.rejected")[known:])[0]
    assert "by SIGHUP" in rejected["reason"]
    assert "vrid" in rejected["reason"]
    assert "config.rejected" in cluster.lb1.log_text()
    assert untouched(cluster) == before


def test_sighup_with_a_good_file(cluster: Cluster) -> None:
    """SIGHUP takes the file on, as `reload` does."""
    known = len(cluster.lb1.events("config.loaded"))
    cluster.lb1.write(TEXT.replace("path: /health", "path: /hup"))
    cluster.lb1.signal(signal.SIGHUP, "supervisor")
    loaded = wait_until(lambda: cluster.lb1.events("config.loaded")[known:])[0]
    assert "by SIGHUP" in loaded["reason"]
    wait_until(lambda: "/hup" in cluster.page.asked)


def test_changed_check(cluster: Cluster) -> None:
    """A changed path is asked for from now on; a server that goes on answering stays up, other checks are not restarted."""
    wait_until(lambda: all_up(cluster))
    transitions = cluster.lb1.router()["transitions"]
    downs = len(cluster.lb1.events("server.down"))
    done = cluster.reload(TEXT.replace("/health", "/other"))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "/other" in cluster.page.asked)
    wait_until(lambda: all_up(cluster))
    assert len(cluster.lb1.events("server.down")) == downs
    assert cluster.lb1.router()["transitions"] == transitions


def test_changed_priority(cluster: Cluster) -> None:
    """A priority below the peer's moves mastership there, without a restart of the router."""
    done = cluster.reload(
        TEXT.replace("lb1: {address: 10.99.0.1}", "lb1: {address: 10.99.0.1, priority: 90}")
    )
    assert done.returncode == 0, done.stderr
    assert "priority: 150 -> 90" in done.stdout
    began = time.monotonic()
    wait_until(lambda: cluster.lb2.is_state("master") and cluster.lb1.is_state("backup"))
    assert cluster.two.record.longest_absence(VIP, since=began) == 0.0
    assert cluster.lb1.router()["base_priority"] == 90


def test_added_and_removed_address(cluster: Cluster) -> None:
    """A VIP that comes is put on and announced, one that goes is taken off; the others are not touched."""
    began = time.monotonic()
    more = TEXT.replace("addresses: [10.99.0.100]", "addresses: [10.99.0.100, 10.99.0.101]")
    done = cluster.reload(more)
    assert done.returncode == 0, done.stderr
    record = cluster.two.record
    wait_until(lambda: record.changes("10.99.0.101", "lb1", since=began))
    wait_until(lambda: [a for a in record.announcements("lb1", since=began) if a.address == "10.99.0.101"])
    assert cluster.reload(TEXT).returncode == 0
    wait_until(lambda: not record.changes("10.99.0.101", "lb1", since=began)[-1].there)
    assert record.changes(VIP, since=began) == []


def test_added_and_removed_router(cluster: Cluster) -> None:
    """A router that comes takes part, one that goes gives its VIP up; the other one does not move."""
    began = time.monotonic()
    transitions = cluster.lb1.router()["transitions"]
    second = "  inside: {vrid: 52, interface: eth0, addresses: [10.99.0.110]}\nchecks:"
    done = cluster.reload(TEXT.replace("checks:", second))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: cluster.lb1.is_state("master", "inside"))
    assert cluster.reload(TEXT).returncode == 0
    assert set(cluster.lb1.status()["routers"]) == {"web"}
    wait_until(lambda: not cluster.two.record.changes("10.99.0.110", since=began)[-1].there)
    assert cluster.lb1.router()["transitions"] == transitions
    assert cluster.two.record.changes(VIP, since=began) == []


def test_changed_vrid(cluster: Cluster) -> None:
    """A router that becomes another one on the wire hands the old one over and starts as the new one."""
    began = time.monotonic()
    done = cluster.reload(TEXT.replace("vrid: 51", "vrid: 61"))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: cluster.lb2.is_state("master"))
    wait_until(lambda: [a for a in cluster.two.record.adverts("lb1", since=began) if a.vrid == 61])
    assert cluster.lb1.is_state("master")
    assert [a.priority for a in cluster.two.record.adverts("lb1", since=began) if a.vrid == 51][-1] == 0


def test_more_than_half_of_the_servers(cluster: Cluster) -> None:
    """A file that takes away more than half of all servers needs --force."""
    fewer = TEXT.replace(", rs2: {address: 10.99.0.3, port: 81}, rs3: {address: 10.99.0.3, port: 82}", "")
    assert fewer != TEXT
    done = cluster.reload(fewer)
    assert done.returncode == 1
    assert "it would remove 2 of 3 servers; --force if that is meant" in done.stderr
    assert set(cluster.lb1.status()["services"]["www"]["servers"]) == {"rs1", "rs2", "rs3"}
    done = cluster.lb1.hactl("reload", "--force")
    assert done.returncode == 0, done.stderr
    assert set(cluster.lb1.status()["services"]["www"]["servers"]) == {"rs1"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("cluster: web", "cluster: other", "cluster"),
        ("lb1: {address", "lb9: {address", "lb1"),
        ("health:", "state_dir: /tmp/elsewhere\nhealth:", "state_dir"),
        ("health:", "control: {socket: /tmp/elsewhere.sock}\nhealth:", "control.socket"),
    ],
    ids=["cluster", "node", "state_dir", "socket"],
)
def test_what_needs_a_restart(cluster: Cluster, old: str, new: str, named: str) -> None:
    """What cannot change while running is refused by name."""
    done = cluster.reload(TEXT.replace(old, new))
    assert done.returncode == 1
    assert named in done.stderr.splitlines()[-1], done.stderr


def test_what_takes_effect_later(cluster: Cluster) -> None:
    """A change that only the next start takes on is taken and warned of."""
    done = cluster.reload(TEXT.replace("user: nobody", "user: nobody, workers: 2"))
    assert done.returncode == 0
    assert "health.workers takes effect when the daemon is started again" in done.stderr


def test_two_reloads_at_once(cluster: Cluster) -> None:
    """Both are carried out, one after the other; the daemon ends with the file as it is."""
    cluster.lb1.write(TEXT.replace("/health", "/twice"))
    for _ in range(3):
        cluster.lb1.signal(signal.SIGHUP, "supervisor")
        assert cluster.lb1.hactl("reload").returncode == 0
    wait_until(lambda: "/twice" in cluster.page.asked)
    wait_until(lambda: all_up(cluster))


def test_reload_while_a_worker_is_killed(cluster: Cluster) -> None:
    """A worker that dies around a reload comes back with the new configuration, never with the old one."""
    for number in range(4):
        path = f"/round{number}"
        cluster.lb1.write(TEXT.replace("/health", path))
        cluster.lb1.signal(signal.SIGKILL, "health-0")
        time.sleep(0.05 * number)
        done = cluster.lb1.hactl("reload")
        assert done.returncode == 0, done.stderr
        wait_until(lambda path=path: path in cluster.page.asked, 20.0)  # type: ignore[misc]
    cluster.lb1.await_up()
