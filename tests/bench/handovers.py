"""`PYTHONPATH=tests python -m bench.handovers`: what a client sees of many handovers by name, one after the other.

A pair of whole daemons with the peer channel, adverts each 100 ms; a datagram to the VIP each millisecond or so, and one TCP
connection after another. 1 when a connection failed that began after the announcement, or p99 is above the target.
"""

import argparse
import math
import sys
from collections.abc import Sequence

from hactl.lab import takeovers
from hactl.lab.stories import Act, Result, Story

TARGET = 0.010
"""Seconds of the longest gap, at p99."""
_WATCH = 0.8


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def told(results: Sequence[Result]) -> str:
    """All in one line; milliseconds."""
    gaps = [result.gap for result in results]
    shown = ", ".join(
        f"{name} {1000 * quantile(gaps, q):.1f}" for name, q in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )
    requests, failed, late = (
        sum(getattr(one, name) for one in results) for name in ("requests", "failed", "failed_after")
    )
    return (
        f"{len(results)} handovers by name: longest gap in ms {shown}; "
        f"of {requests} connections {failed} failed, {late} of them begun after the announcement"
    )


def main() -> int:
    """Measure as many as were asked for."""
    parser = argparse.ArgumentParser(prog="bench.handovers")
    parser.add_argument("--count", type=int, default=100)
    asked = parser.parse_args()
    story = Story(act=Act.HANDOVER, gap=TARGET, planned=True, watch=_WATCH)
    results = list(takeovers.run(lambda text: None, (story,) * asked.count))
    print(told(results))
    broken = [complaint for result in results for complaint in result.complaints]
    print(*broken, sep="\n", end="\n" if broken else "")
    late = quantile([result.gap for result in results], 0.99) > TARGET
    return 1 if broken or late else 0


if __name__ == "__main__":
    sys.exit(main())
