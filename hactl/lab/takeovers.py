"""Part one of the demo: what a client sees of each failure of a director, to the millisecond, on the running kernel.

The VIP is answered by the director itself, so that nothing but the takeover is measured. Its law: it plays
the stories and records; the judgement is ``stories.judge``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hactl.lab import net, records, topology
from hactl.lab.cluster import Cluster, LabError, wait_for
from hactl.lab.meter import Setup
from hactl.lab.samples import Recording
from hactl.lab.stories import BACKUP, MASTER, STORIES, Act, Result, Story, judge

Say = Callable[[str], None]
BEFORE = 1.0
SETTLED = 0.7


class MeterProcess:
    """The meter in a process of its own, so that nothing here delays it."""

    def __init__(self, cluster: Cluster) -> None:
        plan = cluster.plan
        setup = Setup(
            client=plan.namespace("client"),
            directors={name: plan.namespace(name) for name in (MASTER, BACKUP)},
            vip=topology.NAT_VIP,
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hactl.lab.meter", msgspec.json.encode(setup).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._line()

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise LabError("the meter ended")
        return line

    def say(self, word: str) -> None:
        """Tells the meter "start" or "stop"."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()

    def stop(self) -> Recording:
        """Ends the recording and returns it."""
        self.say("stop")
        return msgspec.json.decode(self._line(), type=Recording)

    def close(self) -> None:
        """Ends the meter."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def hactl(cluster: Cluster, verb: str) -> None:
    """Runs a command on the master; LabError with its words when it declines."""
    done = cluster.command(MASTER, verb)
    if done.returncode != 0:
        raise LabError(f"hactl {verb}: {done.stderr.strip() or done.stdout.strip()}")


def do(act: Act, cluster: Cluster) -> None:
    """Does to the master what the act says."""
    daemon = cluster.process(MASTER, "hactl")
    match act:
        case Act.HANDOVER:
            hactl(cluster, "handover")
        case Act.TERM:
            daemon.terminate()
        case Act.KILL_SUPERVISOR:
            daemon.kill()
        case Act.KILL_WORKER:
            os.kill(cluster.failover_worker(MASTER), signal.SIGKILL)
        case _:
            do_to_host(act, cluster)


def do_to_host(act: Act, cluster: Cluster) -> None:
    """Does to the master's host what the act says, whatever program runs there."""
    match act:
        case Act.KILL_ALL:
            cluster.signal_director(MASTER, signal.SIGKILL)
        case Act.FREEZE:
            cluster.signal_director(MASTER, signal.SIGSTOP)
        case Act.CUT:
            net.cut(cluster.plan, MASTER)
        case Act.SILENCE:
            for lan in topology.LANS:
                net.block(cluster.plan, MASTER, True, lan)


def undo(act: Act, cluster: Cluster) -> None:
    """Mends what ``do`` broke; the preferred director becomes master again."""
    match act:
        case Act.HANDOVER:
            hactl(cluster, "resume")
        case Act.TERM | Act.KILL_ALL | Act.KILL_SUPERVISOR:
            cluster.process(MASTER, "hactl").wait(20)
            cluster.start_daemon(MASTER)
        case _:
            undo_to_host(act, cluster)


def undo_to_host(act: Act, cluster: Cluster) -> None:
    """Mends what ``do_to_host`` broke without ending anything."""
    match act:
        case Act.FREEZE:
            cluster.signal_director(MASTER, signal.SIGCONT)
        case Act.CUT:
            net.mend(cluster.plan, MASTER)
        case Act.SILENCE:
            for lan in topology.LANS:
                net.block(cluster.plan, MASTER, False, lan)


def state(cluster: Cluster, director: str, router: str = "web") -> str:
    """A router's state as a director's daemon reports it; empty while it does not answer."""
    status = cluster.status(director) or {}
    return str(status.get("routers", {}).get(router, {}).get("state", ""))


def settle(cluster: Cluster, limit: float = 30.0) -> float:
    """Waits until the preferred director is master and the other backup, in every router."""

    def settled() -> bool:
        for director in (MASTER, BACKUP):
            cluster.check_daemon(director)
        return all(
            state(cluster, MASTER, router) == "master" and state(cluster, BACKUP, router) == "backup"
            for router in ("web", "inside")
        )

    return wait_for(f"{MASTER} master and {BACKUP} backup", settled, limit)


def play(story: Story, cluster: Cluster, meter: MeterProcess) -> Result:
    """One story from a settled pair, recorded and judged."""
    meter.say("start")
    time.sleep(BEFORE)
    acted = time.monotonic()
    do(story.act, cluster)
    time.sleep(max(0.0, acted + story.watch - time.monotonic()))
    return judge(story, meter.stop(), acted)


def describe(result: Result) -> str:
    """A result in one line, as it is told while the demo runs."""
    return (
        f"{result.act.text}: gap {result.gap * 1000:.0f} ms (target {result.target * 1000:.0f}), "
        f"{result.failed} of {result.requests} requests failed, {' -> '.join(result.holders)}, "
        f"two for {result.overlap:.2f} s: {result.verdict.value}"
    )


def run(say: Say, stories: tuple[Story, ...] = STORIES) -> Iterator[Result]:
    """Builds a pair without real servers, plays the stories, removes everything; a result after each."""
    plan = topology.plan(f"pair{os.getpid()}", servers=0)
    nodes = tuple(node.name for node in plan.nodes)
    with records.lab(plan.identity, nodes, plan.namespaces, guest=False) as folder:
        cluster = Cluster(plan, folder)
        cluster.up()
        say(f"client and two directors are built in network namespaces ({Path(folder).name})")
        for director in (MASTER, BACKUP):
            cluster.start_daemon(director)
        meter = MeterProcess(cluster)
        try:
            say(f"both daemons are up: {MASTER} is master after {settle(cluster):.1f} s")
            for story in stories:
                time.sleep(SETTLED)
                result = play(story, cluster, meter)
                say(describe(result))
                for complaint in result.complaints:
                    say(f"  not as promised: {complaint}")
                yield result
                undo(story.act, cluster)
                settle(cluster)
        except LabError as error:
            raise LabError(
                f"{error}\n{cluster.log(MASTER, 'hactl')}\n{cluster.log(BACKUP, 'hactl')}"
            ) from error
        finally:
            meter.close()
