"""The formulas of VRRP's timers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.timing import automatic_lease, master_down, renewal_after, renewal_period, skew_time


@pytest.mark.parametrize(
    ("priority", "interval", "version", "seconds"),
    [
        (254, 1.0, 3, 2 / 256),
        (100, 1.0, 3, 156 / 256),
        (1, 1.0, 3, 255 / 256),
        (100, 0.1, 3, 15.6 / 256),
        (100, 40.0, 3, 156 * 40 / 256),
        (100, 1.0, 2, 156 / 256),
        (100, 5.0, 2, 156 / 256),
        (255, 0.01, 3, 0.01 / 256),
    ],
)
def test_rfc9568_6_1_skew_time(priority: int, interval: float, version: int, seconds: float) -> None:
    """Skew_Time = ((256 - Priority) * interval) / 256; RFC 3768 6.1 counts with one second whatever the interval."""
    assert skew_time(priority, interval, version) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("priority", "interval", "missed", "version", "seconds"),
    [
        (100, 1.0, 3, 3, 3 + 156 / 256),
        (150, 0.1, 3, 3, 0.3 + 10.6 / 256),
        (100, 0.1, 5, 3, 0.5 + 15.6 / 256),
        (100, 2.0, 3, 2, 6 + 156 / 256),
    ],
)
def test_rfc9568_6_1_master_down(
    priority: int, interval: float, missed: int, version: int, seconds: float
) -> None:
    """Active_Down_Interval = 3 * interval + Skew_Time, with `down_after` in the place of 3."""
    assert master_down(priority, interval, missed, version) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("slowest", "lease"), [(0.0, 2), (0.36, 2), (0.8, 2), (0.84, 3), (3.61, 7), (123.0, 186)]
)
def test_automatic_lease(slowest: float, lease: int) -> None:
    """auto = max(2 s, 1.5 x (slowest peer's master-down + 0.5 s), rounded up)."""
    assert automatic_lease(slowest) == lease


def test_a_lease_survives_two_lost_renewals() -> None:
    """A third of the lease between renewals."""
    assert renewal_period(3) == 1.0


@given(st.floats(0, 1e9), st.floats(0, 0.66), st.integers(2, 60))
def test_a_renewal_is_never_late_and_never_now(now: float, later: float, lease: int) -> None:
    """It comes within a third of the lease, and after now: a timer that is due at once again and again would not end."""
    for at in (now, now + later, renewal_after(now, lease)):
        assert 0 < renewal_after(at, lease) - at <= renewal_period(lease) + 1e-6


def test_equal_leases_are_renewed_together() -> None:
    """Whenever each was begun; a lease of twice the length is renewed with each second of them."""
    assert {renewal_after(now, 3) for now in (10.0, 10.1, 10.999)} == {11.0}
    assert renewal_after(11.0, 3) == renewal_after(10.5, 6) == renewal_after(11.2, 6) == 12.0
