"""`PYTHONPATH=tests python -m bench.outage`: what a client sees of a director's failures, hactl and keepalived in turns.

Two equal labs stand beside each other, one for each program; a failure is played to one, then to the other, again and again,
each time at a random moment between two adverts. Every sample is written down as it comes; a table is printed at the end.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench.book import FOLDER, Book
from bench.outage import calls, table
from bench.outage.acts import ALL, AT_LENGTH, ONLY_OURS, SEEN_SOON, SHOWS_LEASE, Act
from bench.outage.samples import Sample, sample
from bench.outage.sides import Hactl, Keepalived, Side

from hactl.lab import guest, net, records, topology
from hactl.lab.cluster import Cluster, LabError
from hactl.lab.topology import Plan

_BEFORE = 0.3
_SETTLED = 0.5
"""Seconds after a pair has settled: the announcements of the return are over."""
_AFTER = 0.5
_LEASE_OVER = 2.5
"""Seconds that show whether what a dead director left has gone away."""
_LONG = 1.0
"""An interval from which on only what depends on it is played."""
_TRIES = 3
"""Labs in a row that may fail to come up."""


def play(side: Side, act: Act, interval: float) -> Sample:
    """One failure from a settled pair, recorded and judged."""
    side.prepare(act)
    with calls.through(side.cluster.plan) as talking:
        side.meter.say("start")
        time.sleep(_BEFORE + random.uniform(0.0, interval))
        acted = time.monotonic()
        side.do(act)
        if act is Act.RETURN:
            side.settle()
        time.sleep(watched(act, interval))
        return sample(side.name, interval, act, side.meter.stop(), acted, talking.kept())


def watched(act: Act, interval: float) -> float:
    """For how long after the act, in seconds."""
    intervals = 1.5 if act in SEEN_SOON else 4.5
    return intervals * interval + (_LEASE_OVER if act in SHOWS_LEASE else _AFTER)


def mend(side: Side, act: Act) -> None:
    """Until the pair is settled again."""
    side.undo(act)
    side.settle()
    time.sleep(_SETTLED)


@contextlib.contextmanager
def sides(interval: float) -> Iterator[tuple[Side, Side]]:
    """Both programs, settled, each on a lab of its own."""
    with contextlib.ExitStack() as stack:
        hactl = Hactl(_lab(stack, "h", interval))
        stack.callback(hactl.meter.close)
        keepalived = Keepalived(_lab(stack, "k", interval), interval)
        stack.callback(keepalived.meter.close)
        for side in (hactl, keepalived):
            side.start()
            side.settle()
        time.sleep(_SETTLED)
        yield hactl, keepalived


def _lab(stack: contextlib.ExitStack, letter: str, interval: float) -> Cluster:
    pair = topology.plan(f"bench{letter}{os.getpid()}", servers=0)
    plan = Plan(identity=pair.identity, nodes=(*pair.nodes, calls.HOST))
    nodes = tuple(node.name for node in plan.nodes)
    folder = stack.enter_context(records.lab(plan.identity, nodes, plan.namespaces, guest=False))
    cluster = Cluster(plan, folder, f"{1000 * interval:.0f}ms")
    cluster.up()
    calls.build(plan)
    stack.callback(calls.Echo(plan).close)
    return cluster


def compare(interval: float, acts: Sequence[Act], count: int) -> Iterator[Sample | str]:
    """`count` samples of every act from each side that can play it, in turns.

    At long intervals one side plays while the other is mended, which takes as long and hardly any CPU. Where a pair does not
    come back the act is left out, said, and new labs are made.
    """
    left = [
        (act, which) for _ in range(count) for act in acts for which in ((0,) if act in ONLY_OURS else (0, 1))
    ]
    failures = 0
    while left and failures < _TRIES:
        try:
            with sides(interval) as pair, ThreadPoolExecutor() as pool:
                mending: dict[int, Future[None]] = {}
                while left:
                    act, which = left.pop(0)
                    if which in mending:
                        mending.pop(which).result()
                    yield play(pair[which], act, interval)
                    mending[which] = pool.submit(mend, pair[which], act)
                    if interval < _LONG:
                        mending.pop(which).result()
                    failures = 0
        except (LabError, OSError, net.NetError, subprocess.SubprocessError) as error:
            failures += 1
            yield f"the labs are made anew: {type(error).__name__}: {error}"
    if left:
        yield f"{len(left)} samples are left out"


def main() -> int:
    """Plays everything, prints, writes."""
    parser = argparse.ArgumentParser(prog="bench.outage", description=__doc__)
    parser.add_argument("--count", type=int, default=9, help="samples of each")
    parser.add_argument("--intervals", type=int, nargs="+", default=[100, 1000], help="milliseconds")
    parser.add_argument("--acts", type=Act, nargs="+", default=ALL, help=f"some of {', '.join(ALL)}")
    parser.add_argument("--json", type=Path, default=FOLDER / "outage.json")
    asked = parser.parse_args()
    book = Book(asked.json, {"count": asked.count})
    found: list[Sample] = []
    began = time.monotonic()
    with guest.raising_signals():
        for interval in (one / 1000 for one in asked.intervals):
            acts = [act for act in asked.acts if interval < _LONG or act in AT_LENGTH]
            for one in compare(interval, acts, asked.count):
                text = one if isinstance(one, str) else progress(one)
                print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)
                if isinstance(one, Sample):
                    found.append(one)
                    book.add("outage", one._asdict())
    print("\n".join(("", *table.lines(found))))
    return 0 if found else 1


def progress(one: Sample) -> str:
    """A sample in one line."""
    return (
        f"{1000 * one.interval:4.0f} ms {one.side:10} {one.act:16} {1000 * one.gap:6.0f} ms, two for {one.overlap:.2f} s, "
        f"{one.kept} of {one.held} connections went on"
    )


if __name__ == "__main__":
    sys.exit(main())
