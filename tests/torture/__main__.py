"""`make torture DURATION=600`: faults by seed on a pair and a trio of real daemons, until the time is over.

Each line of the record is JSON: a fault with its moment, or a round with its verdict. The first round that breaks a promise
ends its cluster's campaign; what was seen is kept. `--first N --rounds 1` plays one round again.
"""

import argparse
import itertools
import json
import multiprocessing
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Any

from torture import campaign

from support.amounts import count, duration

CLUSTERS = {"pair": ("lb1", "lb2"), "trio": ("lb1", "lb2", "lb3")}


def _play(options: argparse.Namespace, kind: str, lane: int, folder: Path) -> int:
    """One cluster's share: every so manieth round."""
    with (folder / f"{kind}-{lane}.jsonl").open("a") as file:

        def tell(line: dict[str, Any]) -> None:
            file.write(json.dumps({"seed": options.seed, "cluster": kind, **line}) + "\n")
            file.flush()
            if "broken" in line:
                verdict = "; ".join(line["broken"])[:1000] or "well"
                print(f"{kind} {lane} round {line['round']}: {line['faults']} faults, {verdict}", flush=True)

        first = options.first + lane
        numbers: Any = itertools.count(first, options.lanes)
        if options.rounds:
            numbers = range(first, options.first + options.rounds, options.lanes)
        share = -(-options.faults // (options.lanes * len(options.clusters)))
        return campaign.run(
            options.seed,
            numbers,
            CLUSTERS[kind],
            folder / f"{kind}-{lane}",
            tell,
            seconds=options.duration,
            faults=share,
            longest=options.longest,
            go_on=options.go_on,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="torture", description="faults on real directors, by seed")
    parser.add_argument("--duration", type=duration, default=600.0, help="how long, such as 10m")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="which faults")
    parser.add_argument("--faults", type=count, default=10**9, help="how many at most")
    parser.add_argument("--first", type=int, default=0, help="the first round")
    parser.add_argument("--rounds", type=int, default=0, help="how many rounds (0: as time allows)")
    parser.add_argument("--clusters", nargs="+", choices=list(CLUSTERS), default=list(CLUSTERS))
    parser.add_argument("--lanes", type=int, default=2, help="clusters of each kind at once")
    parser.add_argument("--longest", type=float, default=60.0, help="longest time that processes stand still")
    parser.add_argument("--go-on", action="store_true", help="play on after a broken promise")
    parser.add_argument("--folder", type=Path, default=Path("build/torture"), help="where the record goes")
    return parser.parse_args()


def _end_once(number: int, frame: object) -> None:
    """An end that is asked for twice does not break into its own cleaning."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _lane(options: argparse.Namespace, kind: str, lane: int, folder: Path) -> None:
    signal.signal(signal.SIGTERM, _end_once)
    sys.exit(min(100, _play(options, kind, lane, folder)))


def main() -> int:
    """1 when a promise was broken, 2 when a lane itself did not come to its end."""
    options = _arguments()
    folder = options.folder / f"seed-{options.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    lanes = [
        multiprocessing.Process(target=_lane, args=(options, kind, lane, folder))
        for kind in options.clusters
        for lane in range(options.lanes)
    ]
    signal.signal(signal.SIGTERM, _end_once)
    for lane in lanes:
        lane.start()
    try:
        for lane in lanes:
            lane.join()
    finally:
        for lane in lanes:
            lane.terminate()
            lane.join()
    records = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    rounds = [record for record in records if "broken" in record]
    broken = sum(bool(record["broken"]) for record in rounds)
    faults = sum(record["faults"] for record in rounds)
    print(
        f"seed {options.seed}: {faults} faults in {len(rounds)} rounds, {broken} broke a promise; "
        f"{time.monotonic() - began:.0f} s; the record is in {folder}"
    )
    return 1 if broken else 2 if any(lane.exitcode for lane in lanes) else 0


if __name__ == "__main__":
    sys.exit(main())
