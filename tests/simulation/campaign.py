"""Many seeds, in several processes: how fast they run, and which one fails first.

Owns the range: portions of it are handed out in order, so that all below what is reported done have run, and a campaign that
was stopped goes on from there.
"""

import gc
import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from simulation.journal import Journal
from simulation.trial import Trial, told
from simulation.world import Broken

PORTION = 25
REPORT_EVERY = 10.0
Result = TypeVar("Result")


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

    def with_these(self, results: Sequence["Ran"], seconds: float) -> "Outcome":
        """After some more have run, `seconds` after the beginning."""
        failures = tuple(failure for failure, _ in results if failure is not None)
        events = sum(count for _, count in results)
        return Outcome(self.done + len(results), (*self.failures, *failures), seconds, self.events + events)

    @property
    def text(self) -> str:
        """For people."""
        rate = self.done / max(self.seconds, 1e-9)
        failed = f"{len(self.failures)} broke an invariant" if self.failures else "none broke an invariant"
        return f"{self.done} schedules in {self.seconds:.1f} s ({rate:.0f} a second, {self.events} events), {failed}"


Ran = tuple[Failure | None, int]
"""A seed's failure, and its events."""


def attempt(seed: int, kind: type[Trial] = Trial) -> Ran:
    """One seed: its failure if it has one, and how many events it took."""
    trial = kind(seed)
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
    journal: Journal | None = None,
    kind: type[Trial] = Trial,
) -> Outcome:
    """Run seeds first..end-1 in `jobs` processes (0: one a core). Stops after the portion in which the first one failed.

    What has run is said, and written to the journal, now and then and at the end, an interrupted one as well.
    """
    whole = Outcome(0, (), 0.0, 0)
    began, noted = time.monotonic(), whole
    try:
        for results in _in_portions(partial(_portion, kind), first, end, jobs):
            whole = whole.with_these(results, time.monotonic() - began)
            if whole.failures and until_failure:
                break
            if whole.seconds - noted.seconds > REPORT_EVERY:
                say(f"{whole.text}; go on with FROM={first + whole.done}")
                noted = _note(journal, first, noted, whole)
    finally:
        _note(journal, first, noted, whole)
    return whole


def digest(first: int, end: int, *, jobs: int = 0) -> str:
    """One number for the stories of these seeds: the same before and after a change that is to change none of them."""
    whole = hashlib.sha256()
    for texts in _in_portions(_tell_portion, first, end, jobs):
        whole.update("\0".join(texts).encode())
    return whole.hexdigest()


def _note(journal: Journal | None, first: int, noted: Outcome, whole: Outcome) -> Outcome:
    """Write down what has run since the last time."""
    if journal is not None and whole.done > noted.done:
        journal.add(
            first + noted.done,
            first + whole.done,
            events=whole.events - noted.events,
            seconds=whole.seconds - noted.seconds,
            failed=[failure.seed for failure in whole.failures[len(noted.failures) :]],
        )
    return whole


def _in_portions(act: Callable[[range], Result], first: int, end: int, jobs: int) -> Iterator[Result]:
    portions = (range(at, min(at + PORTION, end)) for at in range(first, end, PORTION))
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1:
        yield from map(act, portions)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap(act, portions)


def _portion(kind: type[Trial], seeds: range) -> list[Ran]:
    if gc.isenabled():
        gc.collect()
        gc.freeze()
        gc.disable()
    results = [attempt(seed, kind) for seed in seeds]
    gc.collect()
    return results


def _tell_portion(seeds: range) -> list[str]:
    return [told(seed) for seed in seeds]
