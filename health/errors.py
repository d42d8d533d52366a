"""What an error says about the server that was probed.

Its law: each error number has one reason; those that speak of this director rather than of the server say so. Where this
host has run out of what every probe needs, nothing at all is said of the server.
"""

import errno

from health.result import DETAIL_LIMIT, End, Reason, Result

_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ENODEV}
)
_CLOSED = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
_LOCAL = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC, errno.EAGAIN})
_NO_MORE = "out of resources: "


def end_of_error(code: int, connected: bool) -> End:
    """How a probe ends at error number `code`, before or after its connection stood."""
    if code == errno.ECONNREFUSED:
        return End(Reason.CONNECT_REFUSED)
    if code == errno.ETIMEDOUT:
        return End(Reason.READ_TIMEOUT if connected else Reason.CONNECT_TIMEOUT, _name(code))
    if code in _UNREACHABLE:
        return End(Reason.CONNECT_UNREACHABLE, _name(code))
    if code in _CLOSED:
        return End(Reason.CLOSED, _name(code))
    if code in _SCARCE:
        return scarcity(_name(code))
    if code in _LOCAL:
        return End(Reason.CANNOT_RUN, _name(code))
    return End(Reason.CLOSED if connected else Reason.CONNECT_FAILED, _name(code))


def scarcity(what: str) -> End:
    """How a probe ends that could not begin for want of what all of this host shares."""
    return End(Reason.CANNOT_RUN, _NO_MORE + what)


def says_nothing(end: End | Result) -> bool:
    """Whether it ended like that, so that no verdict may change by it."""
    return end.reason is Reason.CANNOT_RUN and end.detail.startswith(_NO_MORE)


def internal_error(error: BaseException) -> End:
    """How a probe ends whose own code failed."""
    return End(Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}"[:DETAIL_LIMIT])


def _name(code: int) -> str:
    return errno.errorcode.get(code, f"error {code}")
