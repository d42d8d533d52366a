"""Runs a range of seeds: `PYTHONPATH=tests python -m simulation FIRST END`; the first that fails tells its story."""

import sys
import time

from simulation.trial import Broken, Trial


def main(first: int, end: int) -> int:
    """Run seeds first..end-1; 1 when one failed."""
    began = time.monotonic()
    for seed in range(first, end):
        try:
            Trial(seed).run()
        except Broken as broken:
            print(broken)
            return 1
    print(f"{end - first} schedules in {time.monotonic() - began:.1f} s, none broke an invariant")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
