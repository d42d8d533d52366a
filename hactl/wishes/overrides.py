"""What operators asked of single servers: drain, disable, enable, another weight.

Owns the overrides and their laws. An override has a scope: one server of one service, or the server of that
name in every service. The narrow scope wins over the wide one; within a scope the later word wins. `enable`
ends everything said earlier in its scope (in every service, when said of the server alone). Deadlines are
wall clock, because `--for` is a promise in an operator's day and must outlive a restart.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from hactl import kept
from hactl.ipvs.spec import ServiceSpec
from hactl.wishes.scopes import OverrideError, Scope, affected

SCHEMA = 1
MAX_WEIGHT = 65535
MAX_REASON = 200
MAX_NAME = 64
MOST = 2000
"""Overrides kept, marks included: so many fit into one word to a peer."""
_NEVER_AT_ZERO = "dh"

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=MAX_WEIGHT)]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
"""Wall clock since the epoch; no clock of ours shows the year 5000, and NaN is refused with it."""


class Admin(StrEnum):
    """What the operator wants of a server."""

    ENABLED = "enabled"
    DRAIN = "drain"
    DISABLED = "disabled"

    @property
    def text(self) -> str:
        """The wish in words for people."""
        return _TEXTS[self]


_TEXTS = {
    Admin.ENABLED: "enabled",
    Admin.DRAIN: "drained: no new connections, existing ones stay",
    Admin.DISABLED: "disabled: out of service",
}


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One wish of one operator: either `admin` or `weight` is given.

    `until`, `remove_by` and `at` are wall-clock seconds since the epoch, `until` None means until `enable`. `revision`
    orders all overrides of a director. One with admin `enabled` is kept as a mark: it annuls what its scope was told
    earlier. `remove`: a drained server leaves the table once its connections have ended, at `remove_by` at the latest.
    """

    server: Name
    service: Name | None = None
    admin: Admin | None = None
    weight: Weight | None = None
    until: Seconds | None = None
    remove: bool = False
    remove_by: Seconds | None = None
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)] = ""
    by: Name = ""
    at: Seconds
    revision: Revision

    @property
    def scope(self) -> Scope:
        """What the override is about."""
        return Scope(self.server, self.service)

    @property
    def is_mark(self) -> bool:
        """Whether this only ends earlier overrides."""
        return self.admin is Admin.ENABLED

    def has_expired(self, now: float) -> bool:
        """Whether its deadline has passed at `now` (wall clock)."""
        return self.until is not None and self.until <= now

    def replaces(self, other: "Override") -> bool:
        """Whether `other` need not be kept beside this later one."""
        if self.is_mark:
            return self.scope.covers(other.scope)
        same_wish = not other.is_mark and (self.admin is None) == (other.admin is None)
        return same_wish and self.scope == other.scope


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator typed, before it is checked against the configuration."""

    scope: Scope
    admin: Admin | None = None
    weight: int | None = None
    until: float | None = None
    remove: bool = False
    remove_by: float | None = None
    reason: str = ""
    by: str = ""


class Overrides(msgspec.Struct, frozen=True):
    """All overrides of a director in the order of their revisions; changed only by making another."""

    records: tuple[Override, ...] = ()
    revision: int = 0

    def effective(self, service: str, server: str) -> tuple[Admin, int | None]:
        """What is wanted of a server of a service: its state, and its weight or None (as configured)."""
        told = self._told(Scope(server, service))
        weight = next((record.weight for record in told if record.weight is not None), None)
        return next((record.admin for record in told if record.admin), Admin.ENABLED), weight

    def deciding(self, service: str, server: str) -> Override | None:
        """The override that says in which state a server of a service is wanted."""
        return next((r for r in self._told(Scope(server, service)) if r.admin is not None), None)

    def _told(self, scope: Scope) -> list[Override]:
        """Overrides in force for one server of one service: narrow before wide, later before earlier."""
        about = [record for record in self.records if record.scope.covers(scope)]
        ended = max((record.revision for record in about if record.is_mark), default=0)
        told = [record for record in about if record.revision > ended]
        return sorted(told, key=lambda record: (record.service is None, -record.revision))

    def in_force(self) -> tuple[Override, ...]:
        """The overrides that say something, in the order they were given."""
        return tuple(record for record in self.records if not record.is_mark)

    def expired(self, now: float) -> tuple[Override, ...]:
        """Those whose deadline has passed at `now` (wall clock)."""
        return tuple(r for r in self.records if r.has_expired(now))

    def without_expired(self, now: float) -> "Overrides":
        """The same without those whose deadline has passed; the revision stays."""
        return Overrides(tuple(r for r in self.records if not r.has_expired(now)), self.revision)

    def with_wish(self, wish: Wish, services: Sequence[ServiceSpec], now: float) -> "Overrides":
        """These overrides after `wish`. Raises OverrideError with a sentence for the operator."""
        self._check_scope(wish, services)
        _check_wish(wish, now)
        _check_scheduler(wish, services)
        record = Override(
            server=wish.scope.server,
            service=wish.scope.service,
            admin=wish.admin,
            weight=wish.weight,
            until=wish.until,
            remove=wish.remove,
            remove_by=wish.remove_by,
            reason=wish.reason,
            by=wish.by[:MAX_NAME],
            at=now,
            revision=self.revision + 1,
        )
        kept = tuple(other for other in self.records if not record.replaces(other))
        if len(kept) >= MOST:
            raise OverrideError(f"there are {MOST} overrides already; enable servers that need none any more")
        return Overrides((*kept, record), record.revision)

    def merged(self, others: Sequence[Override], revision: int) -> "Overrides":
        """These overrides and those of a peer at `revision`: of each object the latest, the same on both directors.

        From the latest to the first, so that each is looked at once: the work grows with their number only.
        """
        kept: list[Override] = []
        ended: set[Scope] = set()
        said: set[tuple[Scope, bool]] = set()
        for record in sorted({*self.records, *others}, key=_order, reverse=True):
            wish = (record.scope, record.admin is None)
            is_ended = not ended.isdisjoint((record.scope, Scope(record.server)))
            if not is_ended and (record.is_mark or wish not in said):
                kept.append(record)
            if record.is_mark:
                ended.add(record.scope)
            else:
                said.add(wish)
        return Overrides(tuple(reversed(kept[:MOST])), max(self.revision, revision))

    def _check_scope(self, wish: Wish, services: Sequence[ServiceSpec]) -> None:
        """Refuse a scope that the configuration does not have; ending an old override is always possible."""
        kept = any(wish.scope.covers(record.scope) for record in self.in_force())
        if not (wish.admin is Admin.ENABLED and kept):
            affected(wish.scope, services)


def _order(record: Override) -> tuple[int, float, str]:
    """By revision; two directors that took one each at the same time agree by the time and then by the words."""
    return record.revision, record.at, repr(record)


def _check_wish(wish: Wish, now: float) -> None:
    if (wish.admin is None) == (wish.weight is None):
        raise OverrideError("an override sets either a state or a weight")
    if wish.weight is not None and not 0 <= wish.weight <= MAX_WEIGHT:
        raise OverrideError(f"a weight is a number from 0 to {MAX_WEIGHT}, not {wish.weight}")
    if wish.until is not None and wish.admin is Admin.ENABLED:
        raise OverrideError("enable ends overrides for good; it takes no deadline")
    if wish.remove and wish.admin is not Admin.DRAIN:
        raise OverrideError("only a drained server is removed when its connections have ended")
    if wish.until is not None and wish.until <= now:
        raise OverrideError("the deadline of the override has already passed")
    if len(wish.reason) > MAX_REASON or not wish.reason.isprintable():
        raise OverrideError(f"a reason is one line of at most {MAX_REASON} printable characters")


def _check_scheduler(wish: Wish, services: Sequence[ServiceSpec]) -> None:
    """Scheduler dh drops every connection whose hash names a server at weight 0: no draining there."""
    if wish.admin is not Admin.DRAIN and wish.weight != 0:
        return
    schedulers = {service.name: service.scheduler for service in services}
    for scope in affected(wish.scope, services):
        if schedulers[scope.service or ""] == _NEVER_AT_ZERO:
            raise OverrideError(
                f"{scope} cannot be drained: scheduler dh drops connections that hash to a server at "
                f"weight 0; disable it instead, or name another service (SERVER@SERVICE)"
            )


class _Stored(kept.Stored, frozen=True):
    """The form of the file in the state directory."""

    revision: int
    overrides: tuple[Override, ...]


def encode(overrides: Overrides) -> bytes:
    """The overrides as the JSON that is kept in the state directory."""
    return kept.encode(_Stored(SCHEMA, overrides.revision, overrides.records))


def decode(data: bytes) -> Overrides:
    """The overrides from a kept file. Raises ValueError with the reason when it cannot be understood."""
    stored = kept.decode(data, _Stored, SCHEMA, file="file of overrides", content="overrides")
    return Overrides(stored.overrides, stored.revision)
