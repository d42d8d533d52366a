"""Moments of a host whose clock may be set."""

from failover.trailer_clock import Moment

WALL = 1_800_000_000.0


def at(now: float, step: float = 0.0) -> Moment:
    """A moment on a host whose clock was set forward by so much."""
    return Moment(now, WALL + now + step)
