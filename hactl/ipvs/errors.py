"""Why the kernel's IPVS cannot be used, each a sentence for the operator."""

import errno

TRANSIENT = frozenset({errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOBUFS, errno.ENOMEM})
"""Refusals that say nothing about what was asked: the same may be done in a moment."""


class IpvsError(Exception):
    """The table cannot be read or written now."""


class IpvsMissing(IpvsError):
    """The running kernel has no IPVS."""


class IpvsForbidden(IpvsError):
    """This process may not change the table."""


class IpvsLost(IpvsError):
    """The kernel did not answer, or its answer was lost: what was sent may or may not have been done."""
