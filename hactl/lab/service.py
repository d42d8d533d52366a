"""Part two of the demo: a whole cluster with IPVS, real servers and real traffic.

``python -m hactl.lab.service FILE SECONDS`` plays it on the kernel it runs on, tells what happens line by line, and
writes the checks to FILE as JSON. Its law: it acts and reads the kernel's own table; the judgement is in
``serving``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hactl.lab import net, records, serving, topology, traffic
from hactl.lab.cluster import Cluster, LabError, wait_for
from hactl.lab.files import SERVICES
from hactl.lab.samples import Request
from hactl.lab.serving import Check, Entry
from hactl.lab.stories import BACKUP, MASTER
from hactl.lab.takeovers import state
from hactl.lab.topology import Role

Say = Callable[[str], None]
START_LIMIT = 180.0
STEP_LIMIT = 30.0
AFTERWARDS = 2.0
REQUESTS = 30
PACE = 0.2


class Stage:
    """The cluster with traffic on every service, and the questions that the steps ask of it."""

    def __init__(self, cluster: Cluster, say: Say) -> None:
        self.cluster = cluster
        self.say = say
        self.client = cluster.plan.namespace("client")
        self.mails_before = 0
        self.flows = {name: traffic.Traffic(self.client, vip, PACE) for name, vip in SERVICES.items()}

    def table(self, director: str) -> tuple[Entry, ...]:
        """A director's IPVS table, read from its kernel."""
        with net.inside(self.cluster.plan.namespace(director)):
            return serving.table(Path("/proc/net/ip_vs").read_text())

    def serving(self, server: str) -> int:
        """How many of the services on the master have this real server in use."""
        node = self.cluster.plan.node(server)
        mine = (f"{node.lan}:80", f"{node.inside}:80")
        return sum(entry.server in mine and entry.weight > 0 for entry in self.table(MASTER))

    def requests(self) -> list[Request]:
        """Every request of the traffic so far."""
        return [request for flow in self.flows.values() for request in list(flow.requests)]


def come_up(stage: Stage) -> Iterator[Check]:
    """Starts the daemons and waits until every real server is in the kernel's table."""
    begin = time.monotonic()
    for director in (MASTER, BACKUP):
        stage.cluster.start_daemon(director)

    def complete() -> bool:
        for director in (MASTER, BACKUP):
            stage.cluster.check_daemon(director)
        full = all(
            len(serving.servers(stage.table(director), service)) == 3
            for director in (MASTER, BACKUP)
            for service in (*(f"{vip}:80" for vip in SERVICES.values()), f"{topology.DR_VIP}:22")
        )
        return full and all(state(stage.cluster, MASTER, router) == "master" for router in ("web", "inside"))

    wait_for("every real server in both directors' tables", complete, START_LIMIT, every=0.5)
    took = time.monotonic() - begin
    yield Check(
        name="checks pass, servers enter IPVS", seen=f"4 services x 3 servers in {took:.0f} s", ok=True
    )


def balance(stage: Stage) -> Iterator[Check]:
    """Requests through each forwarding method, and ssh."""
    for name, vip in SERVICES.items():
        yield serving.balanced(
            f"balanced by {name}", traffic.ask_often(stage.client, vip, REQUESTS), expected=3
        )
    line = traffic.greeting(stage.client, topology.DR_VIP, 22)
    yield Check(name="ssh through the VIP", seen=line, ok=line.startswith("SSH-2.0"))


def fail_and_return(
    stage: Stage, server: str, what: str, fail: Callable[[], None], mend: Callable[[], None]
) -> Iterator[Check]:
    """Breaks a real server under traffic until it has left the table, and mends it until it is back."""
    begin = time.monotonic()
    fail()
    wait_for(f"{server} out of the table", lambda: stage.serving(server) == 0, STEP_LIMIT)
    gone = time.monotonic()
    time.sleep(AFTERWARDS)
    mend()
    end = time.monotonic()
    yield serving.removed(what, server, stage.requests(), failed_at=begin, gone_at=gone, end=end)
    back = wait_for(f"{server} back in the table", lambda: stage.serving(server) == 3, STEP_LIMIT)
    time.sleep(AFTERWARDS)
    now = time.monotonic()
    used = serving.answered(stage.requests(), server, end + back, now)
    seen = f"{server} in the table after {back:.1f} s, answered {used} requests since"
    yield Check(name=f"{what}: back again", seen=seen, ok=used > 0)


def web_server_dies(stage: Stage) -> Iterator[Check]:
    """nginx on one real server is killed: connections are refused."""
    cluster = stage.cluster
    return fail_and_return(
        stage,
        "rs2",
        "nginx killed",
        lambda: cluster.kill("rs2", "nginx"),
        lambda: cluster.start_nginx("rs2"),
    )


def host_falls_silent(stage: Stage) -> Iterator[Check]:
    """One real server's host says nothing any more: connections time out."""

    def silence(blocked: bool) -> None:
        for lan in topology.LANS:
            net.block(stage.cluster.plan, "rs3", blocked, lan)

    return fail_and_return(stage, "rs3", "host silent", lambda: silence(True), lambda: silence(False))


def master_dies(stage: Stage) -> Iterator[Check]:
    """Every process of the master is killed; the other goes on; its table stays as it was."""
    cluster = stage.cluster
    before = stage.table(MASTER)
    killed = time.monotonic()
    cluster.signal_director(MASTER, signal.SIGKILL)
    wait_for(f"{BACKUP} master", lambda: state(cluster, BACKUP) == "master", STEP_LIMIT)
    taken = time.monotonic()
    time.sleep(2 * AFTERWARDS)
    now = time.monotonic()
    lost = serving.lost(stage.requests(), killed, now)
    total = sum(request.sent >= killed for request in stage.requests())
    seen = f"{BACKUP} master after {taken - killed:.1f} s, {lost} of {total} requests failed"
    late = serving.lost(stage.requests(), taken + 1.0, now)
    yield Check(name="master killed (SIGKILL)", seen=seen, ok=total > 0 and not late)
    yield from daemon_returns(stage, before)


def daemon_returns(stage: Stage, before: tuple[Entry, ...]) -> Iterator[Check]:
    """The daemon starts again: its table never changes, and the preferred director is master again."""
    cluster = stage.cluster
    cluster.process(MASTER, "hactl").wait()
    begin = time.monotonic()
    cluster.start_daemon(MASTER)
    changed = False

    def back() -> bool:
        nonlocal changed
        changed = changed or stage.table(MASTER) != before
        return state(cluster, MASTER) == "master"

    took = wait_for(f"{MASTER} master again", back, START_LIMIT)
    time.sleep(AFTERWARDS)
    back()
    lost = serving.lost(stage.requests(), begin, time.monotonic())
    word = "changed" if changed else "untouched"
    seen = f"table {word}, master again after {took:.0f} s, {lost} requests failed"
    yield Check(name="daemon started again", seen=seen, ok=not changed)


def alert_arrived(stage: Stage) -> Iterator[Check]:
    """The mail server got the alert about the dead web server."""

    def judged() -> Check:
        mails = stage.cluster.received()[stage.mails_before :]
        return serving.alerted((str(mail["text"]) for mail in mails), ("rs2", "down"))

    with contextlib.suppress(LabError):
        wait_for("the alert", lambda: judged().ok, STEP_LIMIT)
    yield judged()


def run(say: Say) -> Iterator[Check]:
    """Builds the cluster, plays every step, removes everything; a check after each step."""
    plan = topology.plan(f"web{os.getpid()}")
    nodes = tuple(node.name for node in plan.nodes)
    with records.lab(plan.identity, nodes, plan.namespaces, guest=False) as folder:
        cluster = Cluster(plan, folder)
        cluster.up()
        say(f"client, two directors, {len(plan.of(Role.SERVER))} real servers with nginx and sshd are up")
        stage = Stage(cluster, say)
        try:
            yield from come_up(stage)
            yield from balance(stage)
            stage.mails_before = len(cluster.received())
            for flow in stage.flows.values():
                flow.start()
            for step in (web_server_dies, host_falls_silent, master_dies, alert_arrived):
                yield from step(stage)
        except LabError as error:
            yield Check(name="the cluster does as it should", seen=str(error).splitlines()[0], ok=False)
            say(f"{cluster.log(MASTER, 'hactl')}\n{cluster.log(BACKUP, 'hactl')}")
        finally:
            for flow in stage.flows.values():
                flow.stop()


def main(file: Path, elapsed: float) -> None:
    """Plays the part, and stores the checks after each step, so that an early end loses none.

    ``elapsed`` is how long the demo has run, in seconds: no clock is the same here and in a guest.
    """
    begin = time.monotonic() - elapsed

    def say(text: str) -> None:
        print(f"[{time.monotonic() - begin:6.1f} s] {text}", flush=True)

    checks: list[Check] = []
    for check in run(say):
        checks.append(check)
        say(f"{check.name}: {check.seen}{'' if check.ok else '  <- not as promised'}")
        file.write_bytes(msgspec.json.encode(checks))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), float(sys.argv[2]))
    except net.NetError as error:
        sys.exit(f"hactl lab: {error}")
