"""How late this process wakes up on this host, and which advert interval that allows; core.

The law: what is said is measured here, not known of hosts in general; and what was seen for seconds is not the worst of
years, so it counts twice.
"""

import math
from collections import deque
from collections.abc import Sequence

import msgspec

SHORTEST = 0.01
"""The shortest advert interval of VRRPv3 and its unit, in seconds (RFC 9568 5.2.7)."""
MARGIN = 2.0
_ROUNDING = 1e-9
_WINDOWS = 10


class Lateness(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How late the failover worker woke up. Times are seconds.

    `samples` wake-ups were looked at since it was last told, half of them later than `middle` and one of a hundred later
    than `most`; `worst` is the latest of the last ten such times. `realtime`: it is scheduled in real time.
    """

    realtime: bool
    samples: int
    middle: float
    most: float
    worst: float


def smallest_interval(worst: float, down_after: int = 3) -> float:
    """The shortest advert interval, in whole hundredths of a second, with which a master that is so late is not accused.

    Its next advert comes after an interval and its lateness, and the first of its peers gives up after `down_after`
    intervals; the skew time may be next to nothing. So interval + margin x worst <= down_after x interval. With
    `down_after` 1 there is nothing but the skew time, half an interval by the usual priorities.
    """
    needed = MARGIN * worst / max(down_after - 1, 0.5)
    return max(1, math.ceil(needed / SHORTEST - _ROUNDING)) * SHORTEST


class Samples:
    """The wake-ups since it was last told, and the worst of the times before."""

    def __init__(self, *, realtime: bool) -> None:
        self._realtime = realtime
        self._late: list[float] = []
        self._worst: deque[float] = deque(maxlen=_WINDOWS)

    def add(self, late: float) -> None:
        """One wake-up that was so much later than due."""
        self._late.append(max(0.0, late))

    def tell(self) -> Lateness:
        """What was seen, and begin anew. At least one sample must have come since it was last told."""
        late, self._late = sorted(self._late), []
        self._worst.append(late[-1])
        return Lateness(
            realtime=self._realtime,
            samples=len(late),
            middle=quantile(late, 0.5),
            most=quantile(late, 0.99),
            worst=max(self._worst),
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; `ordered` ascending and not empty."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
