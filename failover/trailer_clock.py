"""The time that this director's trailers carry: the wall clock as it was found, carried on by the monotonic one.

Owns what a step of the wall clock means. The law: a step is told and changes nothing by itself, so that a clock set back by
an hour locks nobody out; the new time is followed at once when the difference is small, else once a peer's genuine trailer
agrees with it, or once those of peers have agreed with neither time for seconds: then the old one is nobody's, as where two
directors started with wrong clocks. What is received is measured against both, so to follow the wall clock widens no window:
it leaves one of two. Whoever has recordings to replay can at most make us send our host's own time, as any director does
that has just started. Core.
"""

from dataclasses import dataclass
from typing import NamedTuple

FOLLOWED = 1.0
"""Seconds that the wall clock may be put right without a word: slewing, a leap second."""
_UNSTEADY = 0.005
"""Two clocks cannot be read at the same moment: differences below are no reason to tell the supervisor something new."""
DISAGREED = 3.0
"""Seconds for which genuine trailers must have agreed with neither time, and none with one."""
_ROW = 60.0
"""Seconds after the last such trailer in which the next one still belongs to them; the longest interval is 41."""
_WRAP = 1 << 32


class Moment(NamedTuple):
    """The two clocks read together: monotonic seconds, and seconds since 1970."""

    now: float
    wall: float


@dataclass(slots=True)
class TrailerClock:
    """`ahead` is what is added to monotonic time; None before the first look."""

    ahead: float | None = None
    _seen: float = 0.0
    _disagreed: tuple[float, float] | None = None
    """When the first and the last trailer came that agreed with neither time, since one agreed."""

    def look(self, at: Moment) -> str:
        """Follow the wall clock where that is harmless; a warning for the log when it was set."""
        wall = at.wall - at.now
        if self.ahead is None:
            self.ahead = self._seen = wall
            return ""
        step, self._seen = wall - self._seen, wall
        if _UNSTEADY < abs(wall - self.ahead) <= FOLLOWED:
            self.ahead = wall
        if abs(step) <= FOLLOWED:
            return ""
        return f"the clock of this host was set {'back' if step < 0 else 'forward'} by {abs(step):.0f} s"

    def read(self, at: Moment) -> float:
        """The time to send."""
        return at.wall if self.ahead is None else at.now + self.ahead

    def is_fresh(self, seconds: float, window: float, at: Moment) -> bool:
        """Whether a time lies within the window around ours, by the clock kept or by the wall's."""
        return min(abs(lag(clock, seconds)) for clock in (self.read(at), at.wall)) <= window

    def agree(self, seconds: float, window: float, at: Moment) -> str:
        """A genuine peer has this time: where only the wall clock agrees with it, follow that and say so."""
        self._disagreed = None
        if abs(lag(self.read(at), seconds)) <= window or abs(lag(at.wall, seconds)) > window:
            return ""
        self.ahead = at.wall - at.now
        return "a peer's clock agrees with this host's new time; adverts carry it from now on"

    def disagree(self, at: Moment) -> str:
        """A genuine peer has neither time, and ours are two: where that lasts, follow the wall clock and say so."""
        began, last = self._disagreed or (at.now, at.now)
        began = at.now if at.now - last > _ROW else began
        self._disagreed = began, at.now
        if at.now - began < DISAGREED:
            return ""
        self.ahead, self._disagreed = at.wall - at.now, None
        return "no peer's clock agrees with the time sent; adverts carry the host's time from now on"

    def is_set(self, at: Moment) -> bool:
        """Whether the time sent is another than the wall clock's."""
        return abs(self.difference(at)) > FOLLOWED

    def difference(self, at: Moment) -> float:
        """How far the wall clock is from the time sent, in seconds; 0 when it is followed."""
        return at.wall - self.read(at)


def lag(clock: float, seconds: float) -> float:
    """How far a received time, which wraps in 2106, is behind a clock."""
    return (clock - seconds + _WRAP / 2) % _WRAP - _WRAP / 2
