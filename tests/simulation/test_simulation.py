"""Random schedules of trouble, by seed, against the real failover worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.campaign import attempt, run
from simulation.fencing import FencingTrial
from simulation.found import FENCING, FOUND, WITNESSED
from simulation.trial import Trial, told
from simulation.witnessed import WitnessTrial

from failover import witness

SEEDS = 2000
FENCED = 200
AT_ARBITERS = 100
AT_ONCE = 500
HERE = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_schedule_breaks_an_invariant(first: int) -> None:
    """One holder where one is possible, never none while a daemon that held lives, one master in the end."""
    outcome = run(first, first + AT_ONCE)
    stories = [told(failure.seed) for failure in outcome.failures[:1]]
    assert not outcome.failures, "\n".join([*stories, outcome.text])
    assert outcome.done == AT_ONCE


@pytest.mark.timeout(300)
def test_nobody_takes_over_by_silence_unfenced() -> None:
    """The same stories with directors that fence: whose fencing is required has cut the other one off first."""
    outcome = run(0, FENCED, kind=FencingTrial)
    stories = [told(failure.seed, FencingTrial) for failure in outcome.failures[:1]]
    assert not outcome.failures, "\n".join([*stories, outcome.text])
    assert outcome.done == FENCED


def test_what_the_fenced_stories_contain() -> None:
    """Fencings that end well and that fail, takeovers that wait, hosts that are switched off."""
    trials = [FencingTrial(seed, told=True) for seed in range(30)]
    for trial in trials:
        trial.run()
    text = "\n".join(line for trial in trials for line in trial.story)
    for words in (
        "was fenced",
        "is switched off",
        "has failed to fence",
        "no takeover, another try",
        "all others",
    ):
        assert words in text, words
    fences = [trial.plan.specs[0].routers[0].fence for trial in trials]
    assert {(fence.required, fence.at_start) for fence in fences if fence} == {
        (required, at_start) for required in (False, True) for at_start in (False, True)
    }
    assert sum(trial.fencer.kills for trial in trials) > 10


@pytest.mark.timeout(300)
def test_with_an_arbiter_there_are_never_two_holders() -> None:
    """The same stories with an arbiter that is cut off, late, slow and gone: one holder at most, without exception."""
    outcome = run(0, AT_ARBITERS, kind=WitnessTrial)
    stories = [told(failure.seed, WitnessTrial) for failure in outcome.failures[:1]]
    assert not outcome.failures, "\n".join([*stories, outcome.text])


def test_an_arbiter_whose_word_is_not_waited_for_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge of two holders sees them where they are."""
    monkeypatch.setattr(witness, "good_until", lambda router: float("inf"))
    assert any(attempt(seed, WitnessTrial)[0] for seed in range(30))


@pytest.mark.parametrize("seed", FOUND, ids=str)
def test_what_was_found_once_stays_mended(seed: int) -> None:
    """Stories that broke an invariant."""
    failure, _ = attempt(seed)
    assert failure is None, f"{FOUND[seed]}: {told(seed)}"


@pytest.mark.parametrize("seed", FENCING, ids=str)
def test_what_fencing_found_once_stays_mended(seed: int) -> None:
    """The same with fencing."""
    failure, _ = attempt(seed, FencingTrial)
    assert failure is None, f"{FENCING[seed]}: {told(seed, FencingTrial)}"


@pytest.mark.parametrize("seed", WITNESSED, ids=str)
def test_what_an_arbiter_found_once_stays_mended(seed: int) -> None:
    """The same with an arbiter."""
    failure, _ = attempt(seed, WitnessTrial)
    assert failure is None, f"{WITNESSED[seed]}: {told(seed, WitnessTrial)}"


def test_a_seed_tells_the_same_story_in_any_process() -> None:
    """Replay is exact, byte for byte, whatever Python's hash of strings is."""
    stories = {
        subprocess.run(
            [sys.executable, "-m", "simulation", "--story", "12"],
            env={**os.environ, "PYTHONPATH": f"{HERE}:{HERE / 'tests'}", "PYTHONHASHSEED": hash_seed},
            cwd=HERE,
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(stories) == 1
    assert len(stories.pop().splitlines()) > 20


def test_what_the_schedules_contain() -> None:
    """All that may go wrong does go wrong in them, and both kinds of weather."""
    plans = [Trial(seed).plan for seed in range(300)]
    kinds = {kind for plan in plans for _, kind in plan.steps}
    assert {len(plan.specs) for plan in plans} == {2, 3, 4, 5, 6, 7}
    assert {
        "crash",
        "crash_soon",
        "start",
        "freeze",
        "cut",
        "link",
        "priority",
        "hand_over",
        "stop",
        "aside",
    } <= kinds
    assert {plan.weather.fair for plan in plans} == {True, False}
    assert any(plan.specs[0].channel for plan in plans)
    assert any(plan.specs[0].groups for plan in plans)
    assert any(host.rate != 1.0 for plan in plans for host in plan.hosts)
