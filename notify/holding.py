"""What one channel holds back, and until when: problems by what its receiver knows, everything in quiet times; core.

The law: what is held stays in the spool until it is told or need not be. After a restart the spool is taken again in order,
with what the receiver knew, and the same is decided. `now` is wall-clock seconds, handed in.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import inf

import msgspec

from notify.event import Event, Severity
from notify.known import Known, by_now, due_at, hand_over, learn, remind, remind_at
from notify.problem import IN_ITSELF, Key, Role, place
from notify.quiet import free_at
from notify.router import wants
from notify.spec import ChannelSpec


class Told(msgspec.Struct, frozen=True):
    """What outlives a restart of what the receiver knows of a problem; `event` None: nothing any more."""

    key: Key
    event: Event | None = None
    at: float = 0.0
    times: int = 0


class Passed(msgspec.Struct):
    """Events to be told now, and ids of those that need not be told."""

    tell: list[Event] = msgspec.field(default_factory=list)
    drop: list[str] = msgspec.field(default_factory=list)


class Holding:
    """Of one channel."""

    def __init__(self, spec: ChannelSpec) -> None:
        self.spec = spec
        self._known: dict[Key, Known] = {}
        self._quiet: dict[str, tuple[Event, Severity]] = {}
        self._quiet_of: dict[Key | None, list[str]] = {}
        self._reminders: dict[Key, str] = {}
        self._open: frozenset[Key] | None = None
        self._acknowledged: frozenset[Key] = frozenset()
        self._next = inf
        self.knows = False
        """Whether it was said what the receiver knew before a restart."""
        self._free: dict[tuple[Severity, float], float] = {}

    @property
    def held(self) -> int:
        """How many events wait for their time."""
        return len(self._quiet) + sum(known.news is not None for known in self._known.values())

    @property
    def holds(self) -> bool:
        """Whether anything may have to wait for its time."""
        return self.spec.minds or bool(self.spec.quiet)

    @property
    def next_look(self) -> float:
        """When to look again, infinite while nothing is held."""
        return self._next

    def load(self, rows: Iterable[Told]) -> None:
        """Take up what the receiver knew before a restart; what it was told since counts more."""
        for row in rows:
            if self.spec.minds and row.event is not None:
                self._known.setdefault(row.key, Known(told=row.event, told_at=row.at, times=row.times))
        self.knows, self._next = True, 0.0

    def replace(self, spec: ChannelSpec) -> None:
        """Go on by another spec; what is held is judged anew."""
        self.spec, self._next = spec, 0.0
        self._free.clear()

    def standing(self, open_now: frozenset[Key], acknowledged: frozenset[Key]) -> list[Told]:
        """The problems that there are, and those of them that nobody need be reminded of; what is known no more."""
        self._open, self._acknowledged, self._next = open_now, acknowledged, 0.0
        gone = [
            k for k, known in self._known.items() if known.is_open and not known.news and k not in open_now
        ]
        for key in gone:
            self._known[key] = msgspec.structs.replace(self._known[key], told=None)
        return [Told(key) for key in gone]

    def take(self, event: Event, now: float) -> Passed:
        """Take an event that is in the spool."""
        passed = Passed()
        if event.id in self._quiet:
            return passed
        key, role = place(event)
        known = by_now(self._known.get(key, Known()), now) if key is not None else Known()
        if key is None or not self.spec.minds or self._is_news(event, role, known):
            self._gate(event, event.severity, now, passed)
            return passed
        if known.news is not None and known.news.id == event.id:
            return passed
        if (
            role is Role.ENDS
            and not self.knows
            and key not in self._known
            and self.spec.recovery is not False
        ):
            # Its beginning may have been told before a restart: better an end too many than one too few.
            self._known[key] = Known(told=event, told_at=now, times=1)
            self._gate(event, event.severity, now, passed)
            return passed
        at = min(now, event.at)
        known = self._release(key, known, at, now, passed)
        step = learn(known, event, self.spec, acknowledged=key in self._acknowledged)
        passed.drop += step.dropped
        if role is Role.ENDS and key in self._reminders:
            passed.drop.append(self._reminders.pop(key))
        self._known[key] = self._release(key, step.known, at, now, passed)
        return passed

    def _is_news(self, event: Event, role: Role, known: Known) -> bool:
        """Whether this is the end of nothing that the receiver is, or was to be, told of, and worth telling in itself."""
        return (
            role is Role.ENDS
            and event.kind in IN_ITSELF
            and not (known.is_open or known.begins_next)
            and wants(self.spec, event)
        )

    def look(self, now: float) -> Passed:
        """What is due: news that have waited long enough, reminders, what a quiet time held."""
        passed = Passed()
        self._next = inf
        self._after_quiet(now, passed)
        for key, before in list(self._known.items()):
            known = self._release(key, by_now(before, now), now, now, passed)
            known = self._remind(key, known, now, passed)
            self._known[key] = known
            spoken = max(known.told_at, known.since)
            if known.news is None and not known.is_open and spoken + self._memory <= now:
                del self._known[key]
        return passed

    def _after_quiet(self, now: float, passed: Passed) -> None:
        held, self._quiet, self._quiet_of = self._quiet, {}, {}
        for event, severity in held.values():
            self._gate(event, severity, now, passed)
            key, _ = place(event)
            if key in self._known and event.id not in self._quiet:
                self._known[key] = msgspec.structs.replace(self._known[key], told_at=now)

    @property
    def _memory(self) -> float:
        """Seconds for which it matters that a subject was spoken of."""
        return max(self.spec.every, self.spec.after.within if self.spec.after else 0.0)

    def _release(self, key: Key, known: Known, at: float, now: float, passed: Passed) -> Known:
        """Hand over the news that were due at `at`. One from the future, for the clock was set back, is due."""
        due = due_at(known, self.spec)
        if due is None or known.news is None:
            return known
        if at < due and now >= known.news.at - 1.0:
            self._next = min(self._next, due)
            return known
        severity = known.news.severity
        if known.told is not None and not known.begins_next and self.spec.recovery:
            severity = max(severity, known.told.severity, key=lambda one: one.rank)
        known, event = hand_over(known, now)
        self._gate(event, severity, now, passed)
        self._next = min(self._next, remind_at(known, self.spec))
        return known

    def _remind(self, key: Key, known: Known, now: float, passed: Passed) -> Known:
        due = remind_at(known, self.spec)
        if due == inf or key in self._reminders or not self._lasts(key):
            return known
        assert known.told is not None
        due = self._free_at(known.told.severity, now) if due <= now else due
        if due > now:
            self._next = min(self._next, due)
            return known
        known, event = remind(known, now)
        self._reminders[key] = event.id
        self._next = min(self._next, remind_at(known, self.spec))
        passed.tell.append(event)
        return known

    def _lasts(self, key: Key) -> bool:
        return self._open is not None and key in self._open and key not in self._acknowledged

    def _gate(self, event: Event, severity: Severity, now: float, passed: Passed) -> None:
        """Tell it now, or hold it for the end of the quiet time. What passes takes along what is held of its subject, so
        that the last word about it is the last that is heard."""
        free = self._free_at(severity, now)
        key, _ = place(event)
        if free > now:
            self._quiet[event.id] = (event, severity)
            self._quiet_of.setdefault(key, []).append(event.id)
            self._next = min(self._next, free)
            return
        if key is not None:
            earlier = (self._quiet.pop(name, None) for name in self._quiet_of.pop(key, ()))
            passed.tell += [one[0] for one in earlier if one is not None]
        passed.tell.append(event)

    def _free_at(self, severity: Severity, now: float) -> float:
        """`quiet.free_at`, worked out once for all that is looked at in one moment."""
        if (severity, now) not in self._free:
            self._free = {key: free for key, free in self._free.items() if key[1] == now}
            self._free[severity, now] = free_at(self.spec.quiet, severity, now)
        return self._free[severity, now]

    def ended(self, events: Sequence[Event]) -> list[Told]:
        """These were delivered, or given up: what of that must outlive a restart."""
        return list(self._rows(events)) if self.spec.minds else []

    def _rows(self, events: Sequence[Event]) -> Iterator[Told]:
        for key in {found for event in events if (found := place(event)[0]) is not None}:
            self._reminders.pop(key, None)
            known = self._known.get(key)
            if known is not None and known.told is not None and (known.is_open or self.spec.every):
                yield Told(key, known.told, known.told_at, known.times)
            else:
                yield Told(key)
