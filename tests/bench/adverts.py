"""`PYTHONPATH=tests python -m bench.adverts`: advert lateness under full load; 1 when a real-time master was accused."""

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

from bench.book import FOLDER, Book
from bench.lateness import HOGS_A_CORE, Measured, measure

from hactl.lab import guest
from support.netns import NOT_REALTIME

_SHARES = (0.5, 0.99, 0.999, 1.0)


def row(measured: Measured) -> str:
    """One line of the table; milliseconds."""
    how = "SCHED_RR" if measured.realtime else "not real-time"
    times = "".join(f"{1000 * measured.quantile(share):9.2f}" for share in _SHARES)
    return (
        f"{1000 * measured.interval:7.0f}  {how:14}{len(measured.late):8}{times}"
        f"{1000 * measured.gap:9.2f}{measured.moves:8}"
    )


def written(measured: Measured) -> dict[str, Any]:
    """The same for the book; seconds."""
    return {
        "interval": measured.interval,
        "realtime": measured.realtime,
        "adverts": len(measured.late),
        **{f"{share:g}": measured.quantile(share) for share in _SHARES},
        "gap": measured.gap,
        "moves": measured.moves,
    }


def main() -> int:
    """Measure at each interval that was asked for, in real time and without."""
    parser = argparse.ArgumentParser(prog="bench.adverts", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each line")
    parser.add_argument("--intervals", type=int, nargs="+", default=[10, 100], help="milliseconds")
    parser.add_argument("--json", type=Path, default=FOLDER / "adverts.json")
    asked = parser.parse_args()
    book = Book(asked.json, {"seconds": asked.seconds, "busy processes a core": HOGS_A_CORE})
    print(f"advert lateness in ms, {HOGS_A_CORE} busy processes a core, {asked.seconds:.0f} s a line")
    print("interval  scheduling     adverts      p50      p99    p99.9      max  longest  moves of")
    print("                                                                        gap   the VIP")
    runs = []
    with guest.raising_signals():
        for interval, wrapper in itertools.product(asked.intervals, ((), NOT_REALTIME)):
            runs.append(measure(asked.seconds, interval / 1000, *wrapper))
            print(row(runs[-1]), flush=True)
            book.add("adverts", written(runs[-1]))
    return 1 if any(run.moves for run in runs if run.realtime) else 0


if __name__ == "__main__":
    sys.exit(main())
