"""Runs where IPVS is: the lab's cluster with traffic and some hours' trouble in some minutes, and what it says of it.

``python -m screenshots.story FOLDER`` leaves ``record.json`` and ``report.html`` there.
"""

import contextlib
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hactl.control.client import Client
from hactl.lab import net, records, topology, up
from hactl.lab.cluster import Cluster, wait_for
from hactl.lab.files import SERVICES
from hactl.lab.traffic import Traffic

INTERVALS = {"nat": 0.06, "dr": 0.09, "tun": 0.14}
"""Seconds between the client's requests to each service."""
SESSIONS = 9
SAMPLES = 45
SAMPLE_EVERY = 1.5
BEFORE = 25.0
"""Seconds that the report shows of the time before the trouble; in a guest the command itself needs some of them."""
LIMIT = 120.0


class Record(msgspec.Struct):
    """What the daemon on lb2 said: its statuses with their monotonic times, and the rows of its history; `wall` is the
    wall-clock time of the first."""

    wall: float = 0.0

    statuses: list[tuple[float, dict[str, Any]]] = []
    events: list[dict[str, Any]] = []


def is_master(cluster: Cluster, director: str) -> bool:
    """Whether it has both routers."""
    status = cluster.status(director)
    return status is not None and all(router["state"] == "master" for router in status["routers"].values())


def health(cluster: Cluster, server: str) -> str:
    """What lb2 thinks of a server, in the service by direct routing."""
    status = cluster.status("lb2")
    return str(status["services"]["dr"]["servers"][server]["health"]) if status else ""


@contextlib.contextmanager
def used(cluster: Cluster) -> Iterator[None]:
    """A client that asks all services."""
    space = cluster.plan.namespace("client")
    with contextlib.ExitStack() as stack:
        for name, vip in SERVICES.items():
            traffic = Traffic(space, vip, INTERVALS[name])
            traffic.start()
            stack.callback(traffic.stop)
        yield


@contextlib.contextmanager
def logged_in(cluster: Cluster) -> Iterator[None]:
    """Some sessions by ssh, which stay open."""
    with contextlib.ExitStack() as stack, net.inside(cluster.plan.namespace("client")):
        for _ in range(SESSIONS):
            stack.enter_context(socket.create_connection((topology.DR_VIP, 22), timeout=10.0))
        yield


def past(cluster: Cluster) -> None:
    """A server falls and returns; lb1 dies, lb2 takes over; lb1 comes back and is told to hand over."""
    cluster.kill("rs2", "nginx")
    wait_for("rs2 down", lambda: health(cluster, "rs2") == "down", LIMIT)
    time.sleep(12)
    cluster.start_nginx("rs2")
    wait_for("rs2 up", lambda: health(cluster, "rs2") == "up", LIMIT)
    time.sleep(8)
    cluster.signal_director("lb1", signal.SIGKILL)
    wait_for("lb2 master", lambda: is_master(cluster, "lb2"), LIMIT)
    time.sleep(10)
    cluster.start_daemon("lb1")
    wait_for("lb1 master again", lambda: is_master(cluster, "lb1"), LIMIT)
    time.sleep(8)
    Client(str(cluster.socket("lb1"))).post("handover", {})
    wait_for("lb2 master by handover", lambda: is_master(cluster, "lb2"), LIMIT)


def present(cluster: Cluster) -> None:
    """One server is down, one is drained."""
    cluster.kill("rs1", "nginx")
    wait_for("rs1 down", lambda: health(cluster, "rs1") == "down", LIMIT)
    drained = {"action": "drain", "server": "rs3", "for_seconds": 7200, "reason": "new kernel"}
    Client(str(cluster.socket("lb2"))).post("overrides", drained)


def record(cluster: Cluster, folder: Path, began: float) -> None:
    """A minute and more of statuses, the history, the report."""
    kept, client = Record(wall=time.time()), Client(str(cluster.socket("lb2")))
    for _ in range(SAMPLES):
        kept.statuses.append((time.monotonic(), client.get("status")))
        time.sleep(SAMPLE_EVERY)
    kept.events = client.get("events", limit=1000)["events"]
    (folder / "record.json").write_bytes(msgspec.json.encode(kept))
    since = f"{time.monotonic() - began + BEFORE:.0f}s"
    done = cluster.command("lb2", "report", "--since", since, "--html", str(folder / "report.html"))
    assert done.returncode == 0, done.stderr


def main(folder: Path) -> None:
    """Builds, plays, records. A guest stands still now and then, so the adverts are those of a slow network."""
    plan = topology.plan("shots")
    with records.lab(plan.identity, (), plan.namespaces, guest=False) as made:
        cluster = Cluster(plan, made)
        cluster.up()
        cluster.config.write_text(cluster.config.read_text().replace("100ms", "1s"))
        for director in ("lb1", "lb2"):
            cluster.start_daemon(director)
        wait_for(
            "all well", lambda: all(up.serving(cluster.status(d)) for d in ("lb1", "lb2")), up.START_LIMIT
        )
        time.sleep(BEFORE / 2)
        began = time.monotonic()
        with used(cluster):
            past(cluster)
            with logged_in(cluster):
                present(cluster)
                record(cluster, folder, began)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
