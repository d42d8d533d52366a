"""VRRP's times, as far as the configuration needs them: for a lease that outlives the peers' patience.

Durations are seconds.
"""

import math
from typing import Final

SHORTEST_LEASE: Final = 2


def skew(version: int, priority: int, interval: float) -> float:
    """Skew time: RFC 9568 6.1 for version 3, RFC 3768 6.1 for version 2 (in 256ths of a second)."""
    return (256 - priority) * (interval if version == 3 else 1.0) / 256


def master_down(version: int, priority: int, interval: float, down_after: int) -> float:
    """How long a backup of that priority waits for an advert before it takes over."""
    return down_after * interval + skew(version, priority, interval)


def automatic_lease(slowest: float) -> int:
    """Whole seconds that a VIP is kept without renewal, where the slowest peer takes over after `slowest`."""
    return max(SHORTEST_LEASE, math.ceil(1.5 * (slowest + 0.5)))
