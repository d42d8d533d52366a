"""Many seeds, in several processes: how fast they run, and which one fails first.

Owns the range: portions of it are handed out in order, so that all below what is reported done have run, and a campaign that
was stopped goes on from there.
"""

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulation.trial import Trial
from simulation.world import Broken

PORTION = 25
SELDOM = 100_000
"""New objects after which cycles are looked for: a story makes many that live to its end."""
REPORT_EVERY = 10.0


@dataclass(frozen=True)
class Failure:
    """A seed that broke an invariant, and how."""

    seed: int
    why: str


@dataclass(frozen=True)
class Outcome:
    """`done` seeds from the first one ran; `failures` among them, by seed."""

    done: int
    failures: tuple[Failure, ...]
    seconds: float
    events: int

    @property
    def text(self) -> str:
        """For people."""
        rate = self.done / max(self.seconds, 1e-9)
        failed = f"{len(self.failures)} broke an invariant" if self.failures else "none broke an invariant"
        return f"{self.done} schedules in {self.seconds:.1f} s ({rate:.0f} a second, {self.events} events), {failed}"


def attempt(seed: int) -> tuple[Failure | None, int]:
    """One seed: its failure if it has one, and how many events it took."""
    trial = Trial(seed)
    try:
        trial.run()
    except Broken as broken:
        return Failure(seed, str(broken)), trial.events
    return None, trial.events


def run(
    first: int,
    end: int,
    *,
    jobs: int = 0,
    say: Callable[[str], None] = lambda text: None,
    until_failure: bool = True,
) -> Outcome:
    """Run seeds first..end-1 in `jobs` processes (0: one a core). Stops after the portion in which the first one failed."""
    began, done, events, failures, said = time.monotonic(), 0, 0, [], time.monotonic()
    portions = [(at, min(at + PORTION, end)) for at in range(first, end, PORTION)]
    for results in _portions(portions, jobs or len(os.sched_getaffinity(0))):
        done += len(results)
        events += sum(count for _, count in results)
        failures += [failure for failure, _ in results if failure is not None]
        if failures and until_failure:
            break
        if time.monotonic() - said > REPORT_EVERY:
            said = time.monotonic()
            say(
                f"{Outcome(done, tuple(failures), said - began, events).text}; go on with FROM={first + done}"
            )
    return Outcome(done, tuple(failures), time.monotonic() - began, events)


def _portions(portions: list[tuple[int, int]], jobs: int) -> Iterator[list[tuple[Failure | None, int]]]:
    if jobs == 1:
        yield from map(_portion, portions)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(_portion, portions)


def _portion(portion: tuple[int, int]) -> list[tuple[Failure | None, int]]:
    if gc.get_threshold()[0] != SELDOM:
        gc.collect()
        gc.freeze()
        gc.set_threshold(SELDOM)
    return [attempt(seed) for seed in range(*portion)]
