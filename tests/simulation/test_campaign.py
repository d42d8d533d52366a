"""A campaign of many schedules: in pieces, in several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation import journal as journals
from simulation.campaign import digest, run
from simulation.compiled import ROOT
from simulation.fencing import FencingTrial
from simulation.journal import Journal, State


def test_a_campaign_goes_on_where_its_journal_ends(tmp_path: Path) -> None:
    """Pieces that touch are one range; seeds before the first one do not count."""
    journal = Journal(tmp_path / "journal")
    assert journal.next_after(10) == 10
    first = run(10, 13, jobs=1, journal=journal)
    assert Journal(tmp_path / "journal").next_after(10) == 13
    second = run(13, 15, jobs=1, journal=journal)
    assert journal.next_after(10) == 15
    assert journal.next_after(0) == 0
    summary = journal.summary()
    assert "the present ones: 5 schedules (10 to 14;" in summary
    assert f"{first.events + second.events} events" in summary
    assert "none broke an invariant" in summary


def test_another_state_of_the_core_counts_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds that ran on other code are none of this one's."""
    old = Journal(tmp_path / "journal")
    old.add(0, 100, events=5, seconds=1.0, failed=[])
    monkeypatch.setattr(
        journals, "present_state", lambda stories: State("new", old.state.world, stories.__name__)
    )
    new = Journal(tmp_path / "journal")
    assert new.next_after(0) == 0
    new.add(0, 7, events=3, seconds=1.0, failed=[3])
    before, after = new.summary().splitlines()
    assert before.startswith(f"core {old.state.core}, world {old.state.world}, Trial: 100 schedules")
    assert after.startswith(f"core new, world {old.state.world}, Trial, the present ones: 7 schedules")
    assert Journal(tmp_path / "journal", FencingTrial).next_after(0) == 0
    assert after.endswith("broke an invariant: 3")


def test_what_ran_is_written_down_when_a_campaign_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A portion that did not end does not count, those before it do."""
    monkeypatch.setattr("simulation.campaign.PORTION", 1)
    monkeypatch.setattr("simulation.campaign.attempt", _interrupted_at_three)
    journal = Journal(tmp_path / "journal")
    with pytest.raises(KeyboardInterrupt):
        run(0, 9, jobs=1, journal=journal)
    assert journal.next_after(0) == 3


def _interrupted_at_three(seed: int, kind: object) -> tuple[None, int]:
    if seed == 3:
        raise KeyboardInterrupt
    return None, 1


def test_comments_are_no_other_state(tmp_path: Path) -> None:
    """What only people read changes nothing; what runs does."""

    def digest_of(text: str) -> str:
        (tmp_path / "a.py").write_text(text)
        return journals._digest(tmp_path, [tmp_path / "a.py"])

    first = digest_of('"""One."""\nX = 1\n"""An X."""\n')
    assert digest_of('"""Two."""\n\nX = 1  # much\n') == first
    assert digest_of("X = 2\n") != first


def test_stories_are_the_same_in_one_process_and_in_several() -> None:
    """Their digest can be compared wherever it was made."""
    assert digest(0, 30, jobs=1) == digest(0, 30, jobs=2) != digest(1, 31, jobs=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_campaign_tells_the_same_stories(tmp_path: Path) -> None:
    """The copy is made anew when it is not there, compared with the sources, and what it ran counts as theirs."""
    journal = tmp_path / "journal"
    _simulation("--compiled", "--seeds", "20", "--journal", str(journal))
    assert "the present ones: 20 schedules (0 to 19;" in _simulation("--summary", "--journal", str(journal))


def _simulation(*words: str) -> str:
    """A process of its own: what this one has loaded besides would be another state of the program."""
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    done = subprocess.run(
        [sys.executable, "-m", "simulation", *words],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
