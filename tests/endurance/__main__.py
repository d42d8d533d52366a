"""`PYTHONPATH=tests python -m endurance --duration 1h`: whether hactl stays flat under load; 1 when something grows.

A pair of daemons in namespaces of its own, with servers that come and go, is reloaded each second with another
configuration, given operators' wishes, asked for its status, and made to send alerts. Memory, descriptors, threads and
tasks of each process and the size of each history are sampled each second, and judged after a warm-up.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import msgspec
from endurance import judge
from endurance.judge import Sample
from endurance.run import Counts, endure

from hactl.config.duration import written
from support.amounts import duration

_SAID_EVERY = 60.0


def warm_up(seconds: float) -> float:
    """How much of a run of so many seconds is not judged: a quarter, five minutes at most."""
    return min(300.0, seconds / 4)


class Teller:
    """Says now and then that it goes on."""

    def __init__(self) -> None:
        self._due = 0.0

    def say(self, sample: Sample) -> None:
        """A sample was taken."""
        if sample.at >= self._due:
            self._due += _SAID_EVERY
            total = sum(figures.get("memory", 0.0) for figures in sample.figures.values())
            print(f"{sample.at:7.0f} s  {total:.1f} MiB in all", file=sys.stderr, flush=True)


def _done(counts: Counts) -> str:
    fields = ("reloads", "polls", "wishes", "handovers", "alerts", "refusals")
    return ", ".join(f"{getattr(counts, name)} {name}" for name in fields)


def main() -> int:
    """Endure, print, write down."""
    parser = argparse.ArgumentParser(prog="endurance")
    parser.add_argument("--duration", type=duration, default=3600.0, help="such as 10m")
    parser.add_argument("--json", type=Path, help="write conditions, verdicts and all samples here as well")
    asked = parser.parse_args()
    seconds = asked.duration
    day, busy = time.strftime("%Y-%m-%d"), os.getloadavg()
    taken, counts = endure(seconds, Teller().say)
    found = judge.judge(taken, warm_up(seconds))
    print(
        f"{day}: {written(seconds)} on kernel {platform.release()}, {os.cpu_count()} cores; {_done(counts)}"
    )
    print(judge.HEAD)
    print("\n".join(map(judge.line, found)))
    if asked.json is not None:
        asked.json.parent.mkdir(parents=True, exist_ok=True)
        conditions = {
            "day": day,
            "kernel": platform.release(),
            "cores": os.cpu_count(),
            "seconds": seconds,
            "busy": busy,
        }
        content = {"conditions": conditions, "done": counts, "judged": found, "samples": taken}
        asked.json.write_bytes(msgspec.json.encode(content))
    return 0 if all(one.flat for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
