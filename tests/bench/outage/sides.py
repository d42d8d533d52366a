"""The two programs that are compared, each as a pair of directors on an equal lab: how to start, hurt and mend it.

Its law: both sides do the same to the same processes of theirs; a way that one side does not have is not played on it.
"""

import os
import signal
import subprocess
from pathlib import Path
from typing import Protocol

from bench.outage.acts import ONLY_OURS, Act

from hactl.lab import net, takeovers, topology
from hactl.lab.cluster import Cluster, LabError, wait_for
from hactl.lab.stories import BACKUP, MASTER
from hactl.lab.takeovers import MeterProcess
from support.keepalived import PROGRAM
from support.processes import children

PRIORITIES = {MASTER: 150, BACKUP: 140}
"""Those that hactl gives directors in the order of the file: equal skews on both sides."""
VIPS = (topology.NAT_VIP, topology.DR_VIP, topology.TUN_VIP)
LOWER = 100
"""A master's priority by which keepalived is made to hand over: below its peer's."""
_WORKERS = {Act.KILL_HEALTH: b"hactl.workers.health", Act.KILL_NOTIFY: b"hactl.workers.notify"}
RELEASES_AFTER = 20.0
"""Seconds within which a program that is asked to end has ended."""


class Side(Protocol):
    """One program on a pair of directors."""

    name: str
    cluster: Cluster
    meter: MeterProcess

    def start(self) -> None:
        """Start both directors."""

    def prepare(self, act: Act) -> None:
        """What must be so before the act; the pair is settled."""

    def do(self, act: Act) -> None:
        """Hurt the master."""

    def undo(self, act: Act) -> None:
        """Mend it: the preferred director becomes master again."""

    def settle(self) -> None:
        """Wait until the preferred director alone is master. Raises LabError."""


class Hactl:
    """Our own program, with the channel between its directors."""

    name = "hactl"

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.meter = cluster, MeterProcess(cluster)

    def start(self) -> None:
        """Start both daemons."""
        for director in (MASTER, BACKUP):
            self.cluster.start_daemon(director)

    def prepare(self, act: Act) -> None:
        """Stop the master that is to return."""
        if act is Act.RETURN:
            self.do(Act.TERM)
            self.cluster.process(MASTER, self.name).wait(RELEASES_AFTER)

    def do(self, act: Act) -> None:
        """Hurt the master."""
        match act:
            case Act.RETURN:
                self.cluster.start_daemon(MASTER)
            case Act.KILL_HEALTH | Act.KILL_NOTIFY:
                os.kill(self._worker(_WORKERS[act]), signal.SIGKILL)
            case Act.KILL_HELPERS:
                for helper in [pid for module in _WORKERS.values() for pid in children(self._worker(module))]:
                    os.kill(helper, signal.SIGKILL)
            case _:
                takeovers.do(act.of_the_lab, self.cluster)

    def undo(self, act: Act) -> None:
        """Mend it."""
        if act not in (Act.RETURN, *ONLY_OURS):
            takeovers.undo(act.of_the_lab, self.cluster)

    def _worker(self, module: bytes) -> int:
        for pid in children(self.cluster.process(MASTER, self.name).pid):
            if module in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise LabError(f"no {module.decode()} runs on {MASTER}")

    def settle(self) -> None:
        """Wait for both daemons' word."""
        takeovers.settle(self.cluster)


class Keepalived:
    """keepalived with the same routers in a group, in the foreground, its files in the lab's folder."""

    name = "keepalived"

    def __init__(self, cluster: Cluster, interval: float) -> None:
        self.cluster, self.meter = cluster, MeterProcess(cluster)
        self._interval = interval

    def start(self) -> None:
        """Start it on both directors."""
        for director in (MASTER, BACKUP):
            self._start(director)

    def _start(self, director: str) -> None:
        folder = self.cluster.folder / director
        folder.mkdir(exist_ok=True)
        config = folder / "keepalived.conf"
        config.write_text(configuration(PRIORITIES[director], self._interval))
        pids = [f"--pid={folder}/pid", f"--vrrp_pid={folder}/vrrp_pid"]
        options = ["--dont-fork", "--log-console", "--vrrp", "--no-syslog", f"--use-file={config}"]
        self.cluster.start(director, self.name, [PROGRAM, *options, *pids])

    def _reload(self, priority: int) -> None:
        config = self.cluster.folder / MASTER / "keepalived.conf"
        config.write_text(configuration(priority, self._interval))
        self.cluster.process(MASTER, self.name).send_signal(signal.SIGHUP)

    def prepare(self, act: Act) -> None:
        """Stop the master that is to return."""
        if act is Act.RETURN:
            self.do(Act.TERM)
            self.cluster.process(MASTER, self.name).wait(RELEASES_AFTER)

    def do(self, act: Act) -> None:
        """Hurt the master; a worker is its child, which runs the election. It hands over by a lower priority."""
        cluster, main = self.cluster, self.cluster.process(MASTER, self.name)
        match act:
            case Act.TERM:
                main.terminate()
            case Act.KILL_SUPERVISOR:
                main.kill()
            case Act.KILL_WORKER:
                os.kill(children(main.pid)[0], signal.SIGKILL)
            case Act.HANDOVER:
                self._reload(LOWER)
            case Act.RETURN:
                self._start(MASTER)
            case _:
                takeovers.do_to_host(act.of_the_lab, cluster)

    def undo(self, act: Act) -> None:
        """Mend it. A killed one is started again, which clears away what it left."""
        match act:
            case Act.TERM | Act.KILL_ALL | Act.KILL_SUPERVISOR:
                self.cluster.process(MASTER, self.name).wait(RELEASES_AFTER)
                net.signal_all(self.cluster.plan.namespace(MASTER), signal.SIGKILL)
                self._start(MASTER)
            case Act.HANDOVER:
                self._reload(PRIORITIES[MASTER])
            case Act.RETURN:
                pass
            case _:
                takeovers.undo_to_host(act.of_the_lab, self.cluster)

    def settle(self) -> None:
        """Wait until the kernels say that the preferred director alone has the VIPs."""

        def settled() -> bool:
            return set(VIPS) <= addresses(self.cluster, MASTER) and not set(VIPS) & addresses(
                self.cluster, BACKUP
            )

        wait_for(f"{MASTER} alone has the VIPs", settled, 30.0)


def addresses(cluster: Cluster, director: str) -> set[str]:
    """What a director's kernel holds."""
    words = ["ip", "-n", cluster.plan.namespace(director), "-4", "-o", "address", "show"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[3].partition("/")[0] for line in lines}


def configuration(priority: int, interval: float) -> str:
    """keepalived.conf of a director: the lab's two routers in a group; announcements at once, as hactl's."""
    instances = [("web", 51, "eth0", VIPS), ("inside", 52, "eth1", (topology.GATEWAY,))]
    text = "global_defs {\nvrrp_version 3\nvrrp_garp_master_delay 1\n}\nvrrp_sync_group pair {\ngroup {\nweb\ninside\n}\n}\n"
    for name, vrid, interface, vips in instances:
        listed = "\n".join(f"{vip}/32" for vip in vips)
        text += (
            f"vrrp_instance {name} {{\nstate BACKUP\ninterface {interface}\nvirtual_router_id {vrid}\n"
            f"priority {priority}\nadvert_int {interval:g}\nvirtual_ipaddress {{\n{listed}\n}}\n}}\n"
        )
    return text
