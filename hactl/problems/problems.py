"""What is wrong now, as far as this director was told by its own events; core.

Owns the list of problems and since when each lasts. The law: a problem begins once, whatever restarts in between, and anew
only when it becomes worse; what left the configuration is no problem any more. Times are wall clock.
"""

from collections.abc import Iterable, Iterator

import msgspec

from hactl import kept
from hactl.config.model import Config
from hactl.peers.channel import on_channel
from hactl.problems.acks import Ack, covering
from notify.event import Event, EventKind, Severity
from notify.problem import Key, Role, Topic, place

SCHEMA = 1
SAID_AGAIN = frozenset({Topic.TRACK, Topic.LINK, Topic.PANIC, Topic.FENCE})
"""Topics of which a daemon that starts hears only when they are wrong, never that they are well."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong since `since`; `reason` is its last word."""

    topic: Topic
    subject: str
    kind: EventKind
    severity: Severity
    since: float
    reason: str = ""

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.topic.value, self.subject


class Problems:
    """All of them, in the order in which they began."""

    def __init__(self, known: Iterable[Problem] = ()) -> None:
        self._open = {one.key: one for one in known}

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._open.values())

    def __len__(self) -> int:
        return len(self._open)

    def learn(self, event: Event) -> bool:
        """Take an event; whether the list is another now."""
        key, role = place(event)
        if key is None:
            return False
        if role is Role.ENDS:
            return self._open.pop(key, None) is not None
        before = self._open.get(key)
        worse = before is None or event.severity.rank > before.severity.rank
        now = Problem(
            topic=Topic(key[0]),
            subject=event.subject,
            kind=event.kind,
            severity=event.severity,
            since=event.at if before is None or worse else before.since,
            reason=event.reason,
        )
        self._open[key] = now
        return now != before

    def keep(self, config: Config) -> bool:
        """Forget what the configuration does not have any more; whether there was any."""
        if not self._open:
            return False
        known = subjects(config)
        return self.forget(one.key for one in tuple(self) if one.subject not in known[one.topic])

    def forget(self, keys: Iterable[Key]) -> bool:
        """These are no problems any more, without an event that says so; whether there was any."""
        before = len(self._open)
        for key in keys:
            self._open.pop(key, None)
        return len(self._open) < before

    def acknowledged(self, words: dict[str, Ack]) -> dict[Key, Ack]:
        """The problems that operators have said to know, each with the word."""
        if not words:
            return {}
        found = ((one.key, covering(words, one.subject, one.since)) for one in self)
        return {key: word for key, word in found if word is not None}


def subjects(config: Config) -> dict[Topic, frozenset[str]]:
    """What can have problems of each kind."""
    services = frozenset(service.name for service in config.services)
    routers = frozenset(router.name for router in config.failover.routers)
    peers = on_channel(config)
    servers = frozenset(
        f"{one.name}@{service.name}" for service in config.services for one in service.servers
    )
    tracked = frozenset(
        f"{one.name}@{router.name}" for router in config.failover.routers for one in router.track
    )
    return {
        Topic.SERVICE: services,
        Topic.PANIC: services,
        Topic.SERVER: servers,
        Topic.ROUTER: routers,
        Topic.FENCE: frozenset(spec.router for spec in config.fences),
        Topic.TRACK: tracked,
        Topic.PEER: peers,
        Topic.LINK: peers,
    }


class _Stored(kept.Stored, frozen=True):
    """The form of the file in the state directory."""

    problems: tuple[Problem, ...]


def encode(problems: Problems) -> bytes:
    """The list as the JSON that is kept in the state directory."""
    return msgspec.json.encode(_Stored(SCHEMA, tuple(problems))) + b"\n"


def decode(data: bytes) -> Problems:
    """The list from a kept file. Raises ValueError with the reason when it cannot be understood."""
    return Problems(kept.decode(data, _Stored, SCHEMA, file="file of problems", content="problems").problems)
