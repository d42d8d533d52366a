"""Random schedules of trouble, by seed, against the real election."""

import pytest
from simulation.trial import Trial

SEEDS = 300
PORTIONS = 10


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_no_schedule_breaks_an_invariant(portion: int) -> None:
    """One holder where one is possible, never none while a daemon that held lives, one master in the end."""
    for seed in range(portion, SEEDS, PORTIONS):
        Trial(seed).run()


def test_a_seed_tells_the_same_story_again() -> None:
    """Replay is exact."""
    first, second = Trial(7), Trial(7)
    first.run()
    second.run()
    assert first.story == second.story
    assert len(first.story) > 50
