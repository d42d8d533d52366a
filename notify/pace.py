"""When a channel delivers: gathering a burst, the digest, and back-off after a failure.

The law: the first event after a quiet time leaves as soon as the burst it belongs to pauses; what follows
within the digest leaves as one delivery; after a failure nothing leaves before the back-off has passed. Times
are monotonic seconds.
"""

import msgspec

GATHER = 0.2
"""A burst has paused when for so long, times its events, no further one came: more events are less of a chance."""
GATHER_MOST = 2.0
"""A burst has paused when so long no further event came, however many it has."""
LARGE = 50
"""Events that make a burst a large one: most of a cluster fails at once."""
LARGE_WITHIN = 10.0
"""Seconds for which the end of a large burst is waited for, where the digest is shorter: one mail, and not three."""
BACKOFF_FIRST = 1.0
BACKOFF_MOST = 300.0
ASKED_MOST = 900.0
"""Longest back-off that a receiver can ask for."""


class Pace(msgspec.Struct, frozen=True):
    """Where a channel stands. `first` and `last` are the arrivals of its oldest and newest waiting event
    (None: none waits), `number` how many came since the oldest, `began` the start of the last successful
    delivery, `attempts` the failures in a row."""

    first: float | None = None
    last: float = 0.0
    number: int = 0
    began: float | None = None
    attempts: int = 0
    retry_at: float = 0.0


def arrived(pace: Pace, now: float) -> Pace:
    """An event came."""
    first = now if pace.first is None else pace.first
    number = 1 if pace.first is None else pace.number + 1
    return msgspec.structs.replace(pace, first=first, last=now, number=number)


def deadline(pace: Pace, digest: float) -> float | None:
    """When the next delivery is due; None while nothing waits. `digest` is seconds; 0 delivers at once."""
    if pace.first is None:
        return None
    if pace.attempts:
        return pace.retry_at
    within = max(digest, LARGE_WITHIN) if digest and pace.number >= LARGE else digest
    pause = min(GATHER * pace.number, GATHER_MOST)
    due = min(pace.last + pause, pace.first + within)
    return due if pace.began is None else max(due, pace.began + digest)


def emptied(pace: Pace) -> Pace:
    """What waited need not be delivered any more."""
    return msgspec.structs.replace(pace, first=None)


def succeeded(pace: Pace, began: float, now: float, *, waiting: bool, burst: bool) -> Pace:
    """A delivery that began at `began` has succeeded; `waiting`: some events came meanwhile or did not fit
    into it.

    `burst`: the delivery was as large as one can be, so the rest belongs to the same burst and is due at
    once.
    """
    if not waiting:
        return Pace(began=began)
    if burst:
        return Pace(first=pace.first, last=pace.first or now)
    return Pace(first=now, last=now, began=began)


def failed(pace: Pace, now: float, asked: float = 0.0) -> Pace:
    """A delivery has failed: the next one is tried after 1 s, then 2 s, doubling up to 5 minutes; not before the receiver
    has `asked` for it."""
    wait = min(BACKOFF_MOST, BACKOFF_FIRST * 2.0 ** min(pace.attempts, 30))
    wait = max(wait, min(asked, ASKED_MOST))
    return msgspec.structs.replace(pace, attempts=pace.attempts + 1, retry_at=now + wait)


def gave_up(pace: Pace, now: float, *, waiting: bool) -> Pace:
    """What could not be delivered was given up; what still waits keeps the back-off's place but not its count."""
    if not waiting:
        return Pace()
    return Pace(first=now, last=now, attempts=1, retry_at=pace.retry_at)
