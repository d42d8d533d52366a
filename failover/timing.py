"""The formulas of VRRP's timers, in seconds.

Owns nothing else; the sections are those of RFC 9568 (v3) and RFC 3768 (v2).
"""

import math

LEASE_MINIMUM = 2
GRACE = 1.0
"""What a release waits for a successor beyond the slowest peer's time."""


def skew_time(priority: int, interval: float, version: int = 3) -> float:
    """How much later a director of lower priority acts: ((256 - priority) x interval) / 256 (6.1).

    VRRPv2 counts with one second whatever the interval (RFC 3768 6.1).
    """
    return (256 - priority) * (interval if version == 3 else 1.0) / 256


def master_down(priority: int, interval: float, down_after: int = 3, version: int = 3) -> float:
    """After how long a silent master is taken for dead: down_after x interval + skew time (6.1)."""
    return down_after * interval + skew_time(priority, interval, version)


def automatic_lease(slowest_master_down: float) -> int:
    """The lease in whole seconds that outlives the slowest peer's takeover, so no moment is without a holder."""
    return max(LEASE_MINIMUM, math.ceil(1.5 * (slowest_master_down + 0.5)))


def renewal_period(lease: int) -> float:
    """How often a lease is renewed: at a third of it, so two renewals may be lost."""
    return lease / 3


def renewal_after(now: float, lease: int) -> float:
    """When a lease is renewed next: the multiple of its period that comes next, so that equal leases end together.

    Linux looks for leases that are over at most once a second (check_lifetime in net/ipv4/devinet.c): of two that end apart
    the later one may stay for a second more.
    """
    period = renewal_period(lease)
    at = (math.floor(now / period) + 1) * period
    return at if at > now else at + period


def successor_within(interval: float, down_after: int = 3) -> float:
    """How long a release waits for a successor: the slowest peer's master-down time, whatever its priority, and grace."""
    return (down_after + 1) * interval + GRACE
