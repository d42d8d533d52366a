"""Faults of the core, put in on purpose, are caught by the simulation: else its silence would mean little."""

import pytest
from simulation.campaign import attempt
from simulation.mutants import MUTANTS, Mutant


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught(mutant: Mutant) -> None:
    """By some seed of a bounded range, which is told with what it noticed."""
    caught = mutant.caught()
    assert caught is not None, f"no seed below {mutant.within} notices: {mutant.name}"
    print(f"{mutant.name}: seed {caught[0]}: {caught[1]}")


def test_there_are_enough_and_they_leave_nothing_behind() -> None:
    """At least twenty, each of its own name; the seed that caught the first is clean without it."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert attempt(MUTANTS[0].seed)[0] is None
