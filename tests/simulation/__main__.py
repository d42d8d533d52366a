"""`make simulate SEEDS=N [FROM=M]`: N schedules beginning with seed M; the first that fails tells its story.

`python -m simulation --story SEED` tells the story of one seed, `--digest` those of many in one number; `--compiled` does it
in half the time once it is compiled. With `--journal FILE` a campaign is run in pieces: what the file has of this state of
the program is not run again, and `--summary` adds it up.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.trial import Trial


def main() -> int:
    """1 when a seed failed."""
    parser = argparse.ArgumentParser(prog="simulation", description="directors in random trouble, by seed")
    parser.add_argument("--seeds", type=int, default=2000, help="how many schedules")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=0, help="processes (0: one a core)")
    parser.add_argument("--story", type=int, help="tell the story of this seed, and no more")
    parser.add_argument(
        "--digest", action="store_true", help="tell all these stories, and print their digest"
    )
    parser.add_argument(
        "--compiled", action="store_true", help="compile first, which pays from 10,000 schedules on"
    )
    parser.add_argument("--fencing", action="store_true", help="with directors that fence")
    parser.add_argument("--witness", action="store_true", help="with an arbiter, whose lease the holder has")
    parser.add_argument("--journal", type=Path, help="go on where this file ends, and append to it what ran")
    parser.add_argument("--summary", action="store_true", help="what the journal says, and no more")
    options = parser.parse_args()
    if options.compiled and (options.fencing or options.witness):
        parser.error("stories of fencing and of witnesses are not compiled")
    if options.compiled:
        from simulation import compiled

        return compiled.run([word for word in sys.argv[1:] if word != "--compiled"])
    if options.journal is None and options.summary:
        parser.error("--summary needs --journal FILE")
    if options.journal is not None and not options.journal.absolute().parent.is_dir():
        parser.error(f"there is no folder {options.journal.parent} for the journal")
    return _do(options)


def _do(options: argparse.Namespace) -> int:
    from simulation.campaign import digest
    from simulation.journal import Journal
    from simulation.trial import told

    if options.story is not None:
        print(told(options.story, _kind(options)))
    elif options.digest:
        print(digest(options.first, options.first + options.seeds, jobs=options.jobs))
    elif options.summary:
        print(Journal(options.journal, _kind(options)).summary())
    else:
        return _simulate(options)
    return 0


def _kind(options: argparse.Namespace) -> "type[Trial]":
    if options.fencing:
        from simulation.fencing import FencingTrial

        return FencingTrial
    if options.witness:
        from simulation.witnessed import WitnessTrial

        return WitnessTrial
    from simulation.trial import Trial

    return Trial


def _simulate(options: argparse.Namespace) -> int:
    from simulation.campaign import run
    from simulation.journal import Journal
    from simulation.trial import told

    kind = _kind(options)
    journal = None if options.journal is None else Journal(options.journal, kind)
    first, end = options.first, options.first + options.seeds
    if journal is not None:
        first = journal.next_after(first)
    outcome = run(
        first,
        end,
        jobs=options.jobs,
        say=lambda text: print(text, flush=True),
        journal=journal,
        kind=kind,
    )
    for failure in outcome.failures[:1]:
        print(told(failure.seed, kind))
    for failure in outcome.failures:
        print(f"seed {failure.seed}: {failure.why}")
    print(f"{outcome.text}; seeds {first} to {first + outcome.done - 1}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
