"""The wait before the next try: it doubles with each, up to a longest one.

The law: however often something failed, the wait is a number; a power that grew without bound would overflow and end the
worker after some hours of trying.
"""

_ENOUGH = 30
"""Doublings after which each first wait that anybody asks for has reached its longest."""


def doubled(first: float, times: int, longest: float) -> float:
    """The wait in seconds: `first`, doubled so many times, at most `longest`."""
    return min(longest, first * 2.0 ** min(times, _ENOUGH))
