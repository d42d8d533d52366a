"""Each error number has its one reason."""

import errno

import pytest

from health.errors import end_of_error
from health.result import Reason


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        (errno.ECONNREFUSED, Reason.CONNECT_REFUSED, Reason.CONNECT_REFUSED),
        (errno.ETIMEDOUT, Reason.CONNECT_TIMEOUT, Reason.READ_TIMEOUT),
        (errno.EHOSTUNREACH, Reason.CONNECT_UNREACHABLE, Reason.CONNECT_UNREACHABLE),
        (errno.ENETUNREACH, Reason.CONNECT_UNREACHABLE, Reason.CONNECT_UNREACHABLE),
        (errno.ECONNRESET, Reason.CLOSED, Reason.CLOSED),
        (errno.EPIPE, Reason.CLOSED, Reason.CLOSED),
        (errno.EMFILE, Reason.CANNOT_RUN, Reason.CANNOT_RUN),
        (errno.EADDRNOTAVAIL, Reason.CANNOT_RUN, Reason.CANNOT_RUN),
        (errno.EACCES, Reason.CONNECT_FAILED, Reason.CLOSED),
        (0, Reason.CONNECT_FAILED, Reason.CLOSED),
    ],
)
def test_reason_of_error(code: int, before: Reason, after: Reason) -> None:
    """Before and after the connection stood, the reason says whose fault it is."""
    assert end_of_error(code, connected=False).reason is before
    assert end_of_error(code, connected=True).reason is after


def test_every_reason_has_a_text() -> None:
    """No reason is shown without words."""
    assert all(reason.text for reason in Reason)
