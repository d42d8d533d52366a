"""`make simulate SEEDS=N [FROM=M]`: N schedules beginning with seed M; the first that fails tells its story.

`python -m simulation --story SEED` tells the story of one seed.
"""

import argparse
import sys

from simulation.campaign import run
from simulation.trial import told


def main() -> int:
    """1 when a seed failed."""
    parser = argparse.ArgumentParser(prog="simulation", description="directors in random trouble, by seed")
    parser.add_argument("--seeds", type=int, default=2000, help="how many schedules")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=0, help="processes (0: one a core)")
    parser.add_argument("--story", type=int, help="tell the story of this seed, and no more")
    options = parser.parse_args()
    if options.story is not None:
        print(told(options.story))
        return 0
    outcome = run(
        options.first,
        options.first + options.seeds,
        jobs=options.jobs,
        say=lambda text: print(text, flush=True),
    )
    for failure in outcome.failures[:1]:
        print(told(failure.seed))
    for failure in outcome.failures:
        print(f"seed {failure.seed}: {failure.why}")
    print(f"{outcome.text}; seeds {options.first} to {options.first + outcome.done - 1}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
