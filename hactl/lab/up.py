"""``hactl lab up``, ``exec`` and ``down``: the lab's cluster to play with.

Its law: one such lab at a time; it lives as long as the process that brought it up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from hactl.lab import guest, kernel, net, records, spool, topology
from hactl.lab.cluster import Cluster, LabError, wait_for
from hactl.lab.kernel import Place
from hactl.lab.stories import BACKUP, MASTER
from hactl.lab.topology import NAT_VIP, Plan, Role

IDENTITY = "up"
NO_LAB = 3
GUEST_FOLDER = "/run/hactl-lab-guest"
GUEST_MEMORY = "1G"
FOR_EVER = 365 * 86400.0
START_LIMIT = 180.0
END_LIMIT = 25.0


def plan() -> Plan:
    """The plan of the lab that ``up`` builds."""
    return topology.plan(IDENTITY)


def node_names() -> tuple[str, ...]:
    """The nodes that ``exec`` reaches."""
    return tuple(node.name for node in plan().nodes)


def current() -> tuple[Path, records.Record] | None:
    """The lab that is up, if there is one."""
    return next(((f, r) for f, r in records.labs() if r.identity == IDENTITY and records.alive(r)), None)


def up() -> int:
    """Brings the lab up and keeps it until a signal; the exit status."""
    if current() is not None:
        raise LabError("a lab is up already; end it with `hactl lab down`")
    place = kernel.choose(kernel.inspect())
    print(f"hactl lab: building the cluster {place.text}", flush=True)
    namespaces = plan().namespaces if place is Place.HERE else ()
    with (
        guest.raising_signals(),
        records.lab(IDENTITY, node_names(), namespaces, guest=place is Place.GUEST) as folder,
    ):
        if place is Place.GUEST:
            return up_in_guest(folder)
        cluster = Cluster(plan(), folder)
        bring_up(cluster)
        threading.Event().wait()
    return 0


def up_in_guest(folder: Path) -> int:
    """Boots a guest that holds the lab, and waits for its end."""
    shared = folder / "spool"
    shared.mkdir()
    command = [sys.executable, "-m", "hactl.lab.up", str(shared)]
    job = guest.make_job(command, memory=GUEST_MEMORY, time_limit=FOR_EVER, shown=[str(shared)])
    job = msgspec.structs.replace(job, environment={**job.environment, "HACTL_LAB_DIR": GUEST_FOLDER})
    return guest.run(job, stopping=(shared / "stop").touch, grace=END_LIMIT)


def serve_in_guest(shared: Path) -> None:
    """Inside the guest: the lab, and an agent for ``exec``, until the host says stop."""
    with records.lab(IDENTITY, node_names(), plan().namespaces, guest=False) as folder:
        cluster = Cluster(plan(), folder)
        bring_up(cluster)
        agent = spool.Agent(shared, lambda request: words(cluster, request.node, request.command))
        agent.run()


def bring_up(cluster: Cluster) -> None:
    """Builds the cluster, starts both daemons, and says what there is."""
    cluster.up()
    for director in (MASTER, BACKUP):
        cluster.start_daemon(director)

    def answering() -> bool:
        for director in (MASTER, BACKUP):
            cluster.check_daemon(director)
        return all(serving(cluster.status(director)) for director in (MASTER, BACKUP))

    wait_for("every service up on both directors", answering, START_LIMIT, every=0.5)
    print(welcome(cluster.plan), flush=True)


def serving(status: dict[str, Any] | None) -> bool:
    """True when every service of a director's status is up."""
    return status is not None and all(found["state"] == "up" for found in status["services"].values())


def welcome(plan: Plan) -> str:
    """What exists and how to play with it."""
    lines = ["the lab is up:"]
    for node in plan.nodes:
        lines.append(f"  {node.name:7} {node.role.value:9} {node.lan:12} {node.inside or ''}".rstrip())
    vips = f"VIPs: nat {topology.NAT_VIP}, dr {topology.DR_VIP} (ssh as well), tun {topology.TUN_VIP}"
    server = plan.of(Role.SERVER)[0].name
    return "\n".join(
        (
            *lines,
            f"  {vips}",
            "in another terminal:",
            f"  hactl lab exec {MASTER} hactl status",
            f"  hactl lab exec client curl -s http://{NAT_VIP}/",
            f"  hactl lab exec {MASTER} hactl handover",
            f"  hactl lab exec {server} sh -c 'kill $(cat $HACTL_LAB_NODE/nginx.pid)'",
            "Ctrl-C here, or `hactl lab down`, removes everything",
        )
    )


def words(cluster: Cluster, node: str, command: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command that runs ``command`` on a node, and its environment."""
    role = cluster.plan.node(node).role
    more = cluster.environment(node) if role is Role.DIRECTOR else {}
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    environment = {**os.environ, **more, "PATH": path, "HACTL_LAB_NODE": str(cluster.folder / node)}
    return net.command(cluster.plan.namespace(node), command), environment


def execute(node: str, command: Sequence[str]) -> int:
    """Runs a command on a node of the lab that is up; its exit status."""
    found = current()
    if found is None:
        print("hactl lab: no lab is up; bring one up with `hactl lab up`", file=sys.stderr)
        return NO_LAB
    folder, record = found
    if node not in record.nodes:
        raise LabError(f"there is no node {node}; there are {', '.join(record.nodes)}")
    if record.guest:
        return execute_in_guest(folder / "spool", record, spool.Request(node=node, command=tuple(command)))
    line, environment = words(Cluster(plan(), folder), node, command)
    return os.execvpe(line[0], line, environment)


def execute_in_guest(shared: Path, record: records.Record, request: spool.Request) -> int:
    """Hands a command to the guest's agent and its output through."""

    def going() -> bool:
        return records.alive(record)

    wait_for("the lab", lambda: (shared / "ready").exists() or not going(), START_LIMIT)
    caller = spool.Caller(shared, request)
    try:
        with guest.raising_signals():
            status = caller.wait(sys.stdout.buffer, sys.stderr.buffer, going)
    except guest.Interrupted as interrupted:
        caller.cancel()
        return 128 + interrupted.number
    caller.close()
    if status is None:
        raise LabError("the lab ended")
    return status


def down() -> int:
    """Ends the lab that is up, and removes what killed labs left; the exit status."""
    found = current()
    if found is not None:
        os.kill(found[1].owner[0], signal.SIGTERM)
        limit = time.monotonic() + END_LIMIT + 5.0
        while records.alive(found[1]):
            if time.monotonic() > limit:
                raise LabError(f"the lab's process {found[1].owner[0]} does not end")
            time.sleep(0.1)
    removed = records.sweep()
    gone = [IDENTITY] if found is not None else []
    print(f"removed: {', '.join([*gone, *removed]) or 'nothing was there'}")
    return 0


if __name__ == "__main__":
    try:
        serve_in_guest(Path(sys.argv[1]))
    except (LabError, net.NetError) as error:
        sys.exit(f"hactl lab: {error}")
