"""Which channels an event goes to: patterns, severity, and repeats left out.

The law: one event reaches a channel at most once, and a channel is never told of its own failure. A test is given to its
channel by itself, and routed to none.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from notify.event import Event, EventKind
from notify.problem import Role, place
from notify.spec import ChannelSpec

REPEAT_WINDOW = 60.0
"""Seconds in which the same word about the same object is said once."""
REMEMBERED = 20_000
"""Objects whose last event is remembered; the oldest are forgotten first."""

_Said = tuple[str, str, str, str]


def wants(spec: ChannelSpec, event: Event) -> bool:
    """Whether this channel's filter lets the event through."""
    own_failure = event.kind is EventKind.NOTIFY_FAILED and event.subject == spec.name
    if own_failure or event.kind is EventKind.NOTIFY_TEST:
        return False
    if event.severity.rank < spec.severity.rank:
        return False
    return not spec.events or any(fnmatchcase(event.kind, pattern) for pattern in spec.events)


def concerns(spec: ChannelSpec, event: Event) -> bool:
    """Whether this channel must look at the event: it wants it, or is to tell the end of whatever it told."""
    return wants(spec, event) or (spec.recovery is True and place(event)[1] is Role.ENDS)


class Router:
    """Remembers what was said last of each object, so that a repeat within REPEAT_WINDOW seconds is not said
    again.

    A change back and forth is no repeat: only an event equal to the object's last one is left out.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], tuple[_Said, float]] = {}

    def route(self, event: Event, channels: Iterable[ChannelSpec], now: float) -> tuple[str, ...]:
        """Names of the channels that are to deliver this event. `now` is monotonic seconds."""
        if self._is_repeat(event, now):
            return ()
        return tuple(spec.name for spec in channels if concerns(spec, event))

    def _is_repeat(self, event: Event, now: float) -> bool:
        family = event.kind.partition(".")[0]
        key = (event.node, family, event.subject)
        said = (event.kind.value, event.old, event.new, event.reason)
        last = self._last.get(key)
        if last is not None and last[0] == said and now - last[1] < REPEAT_WINDOW:
            return True
        self._last.pop(key, None)
        self._last[key] = (said, now)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        return False
