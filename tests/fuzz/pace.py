"""How long one input may take: processor time, since a machine under load takes its own."""

import time
from collections.abc import Callable
from typing import TypeVar

LONGEST = 0.05
"""Seconds for one packet, one answer, one request."""
STORY = 1.0
"""Seconds for a whole story of many packets."""
_TRIES = 3
T = TypeVar("T")


def in_time(target: Callable[[bytes], None], data: bytes, longest: float) -> None:
    """Run a target on an input, in the best of some tries if need be."""
    took = []
    for _ in range(_TRIES):
        began = time.thread_time()
        target(data)
        took.append(time.thread_time() - began)
        if took[-1] < longest:
            return
    raise AssertionError(f"{min(took):.3f} s of processor time for one input")


def step(act: Callable[[], T]) -> T:
    """One step of a story, which cannot be tried again."""
    began = time.thread_time()
    result = act()
    took = time.thread_time() - began
    assert took < LONGEST, f"{took:.3f} s of processor time for one step"
    return result
