"""A file that holds one whole number, read.

Its law: only a regular file is read, of it only the beginning, and opening it waits for nobody.
"""

import functools
import os
import re
import stat

from health.dialogue import LocalPlan
from health.result import End, Reason, excerpt
from health.spec import CheckSpec, FileProbe

MOST = 10_000
"""Largest number taken, positive or negative; weights beyond 254 make no difference."""
_LENGTH = 64
_NUMBER = re.compile(rb"\s*([+-]?[0-9]{1,9})\s*\Z")


def plan(check: CheckSpec, probe: FileProbe) -> LocalPlan:
    """How this file is looked at."""
    return LocalPlan(probe.path, functools.partial(look, probe.path))


def look(path: str) -> End:
    """The number in the file at `path`, or why there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return _unreadable(path, error)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return End(Reason.NO_NUMBER, f"{path} is not a regular file")
        return number(path, os.read(handle, _LENGTH + 1))
    except OSError as error:
        return _unreadable(path, error)
    finally:
        os.close(handle)


def _unreadable(path: str, error: OSError | ValueError) -> End:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return End(Reason.NO_NUMBER, f"{path}: {said}")


def number(path: str, text: bytes) -> End:
    """What the beginning of a file says: one whole number and nothing else but white space."""
    found = _NUMBER.match(text) if len(text) <= _LENGTH else None
    if found is None:
        said = f"holds '{excerpt(text.strip(), 20)}'" if text.strip() else "is empty"
        return End(Reason.NO_NUMBER, f"{path} {said}")
    value = int(found[1])
    if abs(value) > MOST:
        return End(Reason.NO_NUMBER, f"{path} holds {value}; -{MOST} to {MOST} can be")
    return End(Reason.OK, number=value)
