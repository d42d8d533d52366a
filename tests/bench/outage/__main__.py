"""`PYTHONPATH=tests python -m bench.outage`: what a client sees of a director's failures, hactl and keepalived in turns.

Two equal labs stand beside each other, one for each program; a failure is played to one, then to the other, again and again,
each time at a random moment between two adverts. A table is printed, the samples are written as JSON.
"""

import argparse
import contextlib
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from bench.outage import table
from bench.outage.samples import Sample, sample
from bench.outage.sides import Hactl, Keepalived, Side

from hactl.lab import guest, records, topology
from hactl.lab.cluster import Cluster
from hactl.lab.stories import Act

_BEFORE = 0.3
_SETTLED = 0.5
"""Seconds after a pair has settled: the announcements of the return are over."""
_LEASE_OVER = 2.5
"""Seconds that show whether what a dead director left has gone away."""
_PLAYED = (
    Act.NOTHING, Act.HANDOVER, Act.TERM, Act.KILL_ALL, Act.KILL_SUPERVISOR, Act.KILL_WORKER, Act.FREEZE,
    Act.CUT, Act.SILENCE,
)  # fmt: skip
_SHORT = (Act.NOTHING, Act.HANDOVER, Act.TERM, Act.CUT, Act.SILENCE)
"""At long intervals only what depends on them."""


def play(side: Side, act: Act, interval: float) -> Sample:
    """One failure from a settled pair, recorded, judged and mended."""
    side.meter.say("start")
    time.sleep(_BEFORE + random.uniform(0.0, interval))
    acted = time.monotonic()
    side.do(act)
    time.sleep(4.5 * interval + (0.5 if act in (Act.NOTHING, Act.HANDOVER, Act.TERM) else _LEASE_OVER))
    found = sample(side.name, interval, act, side.meter.stop(), acted)
    side.undo(act)
    side.settle()
    time.sleep(_SETTLED)
    return found


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
    plan = topology.plan(f"bench{letter}{os.getpid()}", servers=0)
    nodes = tuple(node.name for node in plan.nodes)
    folder = stack.enter_context(records.lab(plan.identity, nodes, plan.namespaces, guest=False))
    cluster = Cluster(plan, folder, f"{1000 * interval:.0f}ms")
    cluster.up()
    return cluster


def compare(interval: float, acts: Sequence[Act], count: int) -> Iterator[Sample]:
    """`count` samples of every act from each side that can play it, in turns."""
    with sides(interval) as pair:
        for _ in range(count):
            for act in acts:
                for side in pair:
                    if act is not Act.HANDOVER or side.name == "hactl":
                        yield play(side, act, interval)


def main() -> int:
    """Plays everything, prints, writes."""
    parser = argparse.ArgumentParser(prog="bench.outage", description=__doc__)
    parser.add_argument("--count", type=int, default=9, help="samples of each")
    parser.add_argument("--intervals", type=int, nargs="+", default=[100, 1000], help="milliseconds")
    parser.add_argument("--json", type=Path, default=Path("build/bench/outage.json"))
    asked = parser.parse_args()
    found: list[Sample] = []
    began = time.monotonic()
    with guest.raising_signals():
        for interval in (one / 1000 for one in asked.intervals):
            for one in compare(interval, _SHORT if interval >= 1.0 else _PLAYED, asked.count):
                found.append(one)
                print(
                    f"[{time.monotonic() - began:6.0f} s] {one.side:10} {one.act:16} {1000 * one.gap:6.0f} ms",
                    flush=True,
                )
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_bytes(msgspec.json.encode([one._asdict() for one in found]))
    print("\n".join(("", *table.lines(found))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
