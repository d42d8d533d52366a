"""`PYTHONPATH=tests python -m bench [PART ...]`: the measurements beside keepalived, one part after another.

Each part is a program of its own, which prints as it goes and writes its samples to build/bench/PART.json as they come.
One that fails or takes too long ends nothing but itself. `python -m bench.page` makes the page of what was written.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.book import FOLDER

from hactl.lab import guest

SIZES = ("quick", "usual", "full")


class Part(NamedTuple):
    """A module of the bench, with its arguments at each size; it is given up after so many seconds.

    `guest`: it needs IPVS, so it runs in the lab kernel.
    """

    module: str
    quick: str
    usual: str
    full: str
    ceilings: tuple[float, float, float]
    guest: bool = False


PARTS = {
    "outage": Part(
        "bench.outage",
        "--count 1 --intervals 100 --acts term cut",
        "--count 9 --intervals 100 1000",
        "--count 100 --intervals 10 30 100 1000",
        (60, 3600, 60_000),
    ),
    "adverts": Part(
        "bench.adverts",
        "--seconds 1 --intervals 100",
        "--seconds 30 --intervals 10 100",
        "--seconds 300 --intervals 10 30 100",
        (60, 600, 3600),
    ),
    "routers": Part("bench.routers", "--seconds 1", "--seconds 30", "--seconds 60", (60, 300, 600)),
    "burdens": Part("bench.burdens", "--seconds 1", "--seconds 20", "--seconds 60", (600, 900, 1800)),
    "vips": Part("bench.vips", "--seconds 2", "--seconds 30", "--seconds 300", (200, 300, 1200)),
    "rest": Part("bench.rest", "--seconds 2 --routers 1", "--seconds 20", "--seconds 120", (200, 600, 1800)),
    "removal": Part(
        "bench.removal", "--servers 8", "--servers 200", "--servers 200 --rounds 3", (90, 600, 1800)
    ),
    "removal-ipvs": Part(
        "bench.removal",
        "--kernel --servers 8 --settings first",
        "--kernel --servers 40",
        "--kernel --servers 40 --rounds 3",
        (600, 1800, 5400),
        guest=True,
    ),
    "flows": Part(
        "bench.flows", "--acts term --means hash", "--rounds 1", "--rounds 3", (900, 2400, 7200), guest=True
    ),
    "health": Part(
        "bench.health",
        "--seconds 1 --rounds 1 --only second",
        "--seconds 10 --rounds 1",
        "--seconds 10 --rounds 3",
        (600, 3600, 7200),
    ),
    "sharing": Part(
        "bench.scale",
        "--only sharing --seconds 1 --settle 5",
        "--only sharing",
        "--only sharing --seconds 30",
        (120, 180, 300),
    ),
    "scale": Part(
        "bench.scale",
        "--only table --servers 100 --interval 5",
        "--only table",
        "--only table --interval 60",
        (300, 1200, 2400),
        guest=True,
    ),
}
USUAL = ("outage", "adverts", "routers", "removal")
"""Together less than half an hour."""


def command(part: Part, size: str, more: Sequence[str]) -> list[str]:
    """The words that run a part; what is said last counts."""
    words = [sys.executable, "-m", part.module, *str(getattr(part, size)).split(), *more]
    if not part.guest:
        return words
    limit = str(part.ceilings[SIZES.index(size)])
    lab = [
        sys.executable,
        "-m",
        "hactl.lab.guest",
        "--mem",
        "1G",
        "--time-limit",
        limit,
        "--env",
        "PYTHONPATH",
    ]
    return [*lab, "--results", str(FOLDER), "--", *words]


def run(part: Part, size: str, more: Sequence[str]) -> str:
    """Runs a part to its end; what went wrong, or nothing."""
    with subprocess.Popen(command(part, size, more)) as process:
        try:
            status = process.wait(part.ceilings[SIZES.index(size)])
        except subprocess.TimeoutExpired:
            process.terminate()
            return "took too long"
        except BaseException:
            process.terminate()
            raise
    return f"ended with status {status}" if status else ""


def main() -> int:
    """Every part that was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--size", choices=SIZES, default="usual")
    parser.add_argument(
        "--with", dest="more", default="", metavar="WORDS", help="further arguments of each part"
    )
    asked = parser.parse_args()
    names = asked.parts or (tuple(PARTS) if asked.size == "full" else USUAL)
    if unknown := set(names) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    failed = {}
    with guest.raising_signals():
        for name in names:
            print(f"\n=== {name}, from {time.strftime('%H:%M:%S', time.gmtime())} UTC", flush=True)
            if fault := run(PARTS[name], asked.size, asked.more.split()):
                failed[name] = fault
                print(f"=== {name} {fault}", flush=True)
    print(f"\n=== {len(names) - len(failed)} of {len(names)} parts done; {FOLDER}/*.json", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
