"""A regular expression tried on hostile bytes, within a limit of processor time.

Its law: an expression that would run for minutes ends after a few clock ticks. The expression engine looks for
signals while it runs, so a timer of this process's own processor time, whose handler raises, ends it. Main thread
only.
"""

import re
import signal
from types import FrameType

LIMIT = 0.05
"""Processor seconds for one search."""


class _TooLongError(Exception):
    """The timer ran out."""


class _Search:
    """Whether a search is under way, for the handler."""

    under_way = False


def search(pattern: re.Pattern[bytes], data: bytes) -> bool | None:
    """Whether `pattern` is found in `data`; None when it took longer than the limit."""
    signal.signal(signal.SIGVTALRM, _expired)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        _Search.under_way = True
        found = pattern.search(data)
        _Search.under_way = False
    except _TooLongError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return found is not None


def _expired(number: int, frame: FrameType | None) -> None:
    """Raise inside the search; a signal that comes a moment after it is of no use to anyone."""
    if _Search.under_way:
        _Search.under_way = False
        raise _TooLongError
