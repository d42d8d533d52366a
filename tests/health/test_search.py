"""The search that cannot run away."""

import re
import signal
import time

from health.probes.search import search


def test_found_and_not_found() -> None:
    """Ordinary expressions answer as they always do, and the timer is off afterwards."""
    assert search(re.compile(rb"o.k"), b"look oxk") is True
    assert search(re.compile(rb"^x"), b"look") is False
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_runaway_expression_is_ended() -> None:
    """An expression that would take years takes a moment, again and again."""
    for _ in range(3):
        start = time.monotonic()
        assert search(re.compile(rb"(x+x+)+y"), b"x" * 5000) is None
        assert time.monotonic() - start < 2
    assert search(re.compile(rb"x"), b"x") is True
