"""Events that the notify worker may not have on its disk yet; core.

The law: an event leaves this place only a while after a living worker was given it. One that was given to a worker that
died is given to the next one again; the history knows it by its id and takes it once. Times are monotonic seconds.
"""

from collections import deque

from notify.event import Event

KEPT = 60.0
"""How long an event is kept after it was given to a worker; recording it takes a worker seconds at most."""
MOST = 10_000
"""Most events of each kind; the oldest beyond are lost and counted."""


class Outbox:
    """Events given lately, and events that wait for a worker, each in order."""

    def __init__(self) -> None:
        self.lost = 0
        self._given: deque[tuple[float, Event]] = deque(maxlen=MOST)
        self._waiting: deque[Event] = deque(maxlen=MOST)

    def given(self, event: Event, now: float) -> None:
        """A living worker was given this event."""
        while self._given and now - self._given[0][0] > KEPT:
            self._given.popleft()
        self._given.append((now, event))

    def wait(self, event: Event) -> None:
        """There is no worker to give this event to."""
        self.lost += len(self._waiting) == MOST
        self._waiting.append(event)

    def again(self, now: float) -> tuple[Event, ...]:
        """All that a worker started anew must be given, in order."""
        events = (*(event for _, event in self._given), *self._waiting)
        self._given.clear()
        self._waiting.clear()
        for event in events[-MOST:]:
            self._given.append((now, event))
        return events
