"""Every decoder and both receive paths under random bytes, and under what made them fail once.

Short; `make fuzz` runs the same targets for long, guided by the lines that each input reaches.
"""

import gc
import tracemalloc
from collections.abc import Callable

import pytest
from fuzz.decoders import DECODERS
from fuzz.links import LINKS
from fuzz.pace import LONGEST, STORY, in_time
from fuzz.paths import PATHS
from fuzz.seeds import seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TARGETS = (*DECODERS, *LINKS, *PATHS)
Target = Callable[[bytes], None]

ROUND = 100
"""Inputs between two looks at the memory; less than a byte each is no leak."""


def name_of(target: Target) -> str:
    """For the test's name."""
    return target.__name__


@pytest.mark.parametrize("target", TARGETS, ids=name_of)
def test_any_bytes(target: Target) -> None:
    """Nothing but what is declared comes out, and in time."""
    known = seeds(target.__name__)
    some = st.binary(max_size=600)
    mixed = st.tuples(st.sampled_from(known), st.integers(0, 400), some).map(_spliced) if known else some

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.one_of(some, mixed))
    def run(data: bytes) -> None:
        in_time(target, data, STORY if target in PATHS else LONGEST)

    run()


@pytest.mark.parametrize("target", TARGETS, ids=name_of)
def test_valid_input_is_understood_and_costs_no_memory(target: Target) -> None:
    """Each seed again and again: what one input leaves behind, many leave manyfold."""
    known = seeds(target.__name__)
    assert known
    for data in known:
        in_time(target, data, STORY if target in PATHS else LONGEST)
    # Caches and the interpreter's free lists fill in the first rounds; what leaks does so in every one.
    tracemalloc.start()
    try:
        assert any(_grown(target, known) < ROUND for _ in range(30))
    finally:
        tracemalloc.stop()


def _grown(target: Target, inputs: tuple[bytes, ...]) -> int:
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(ROUND):
        target(inputs[number % len(inputs)])
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    return after - before


def _spliced(parts: tuple[bytes, int, bytes]) -> bytes:
    known, at, some = parts
    at %= len(known) + 1
    return known[:at] + some + known[at + len(some) // 2 :]
