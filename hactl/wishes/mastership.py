"""What operators asked about who is to be master: directors that stand aside, and masters that are not to be preempted.

Owns those wishes and how the directors agree on them; core. The law: of two wishes about one object the later revision
holds, the same on all directors; one that was ended is kept as a mark, so that no late word brings it back. Deadlines are
wall clock, because `--for` is a promise in an operator's day and must outlive a restart.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec

from failover.spec import Standby
from hactl import kept
from hactl.wishes.overrides import MAX_NAME, Name, Revision, Seconds

SCHEMA = 1
MOST = 1500
"""Wishes of one kind, at most: with as many overrides as there may be they fit into one word to a peer."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """After a handover: nobody preempts the director of address `master` in this router before `until` (0: ended)."""

    router: Name
    master: Name
    until: Seconds
    by: Name = ""
    at: Seconds
    revision: Revision


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a director stands aside, on whose word and since when."""

    director: Name
    standby: Standby
    by: Name = ""
    at: Seconds
    revision: Revision


Wish = TypeVar("Wish", Hold, Aside)


class Mastership(msgspec.Struct, frozen=True):
    """All such wishes, at most one for each router and director; changed only by making another."""

    holds: Annotated[tuple[Hold, ...], msgspec.Meta(max_length=MOST)] = ()
    asides: Annotated[tuple[Aside, ...], msgspec.Meta(max_length=MOST)] = ()
    revision: Revision = 0

    @property
    def is_sound(self) -> bool:
        """Whether it can be what a director of ours says."""
        texts = [f"{one.router}{one.by}" for one in self.holds]
        texts += [f"{one.director}{one.by}" for one in self.asides]
        revisions = [*(one.revision for one in self.holds), *(one.revision for one in self.asides)]
        return (
            max(revisions, default=0) <= self.revision
            and all(text.isprintable() for text in texts)
            and all(map(_is_address, (one.master for one in self.holds)))
        )

    def held(self, now: float) -> dict[str, Hold]:
        """The holds in force at `now` (wall clock), by router."""
        return {hold.router: hold for hold in self.holds if hold.until > now}

    def standby(self, director: str) -> Standby:
        """Whether a director stands aside."""
        return next((a.standby for a in self.asides if a.director == director), Standby.OFF)

    def standing_aside(self) -> dict[str, Aside]:
        """The directors that stand aside."""
        return {a.director: a for a in self.asides if a.standby is not Standby.OFF}

    def with_holds(self, masters: Mapping[str, str], until: float, by: str, now: float) -> "Mastership":
        """Nobody preempts these masters (addresses by router)."""
        return self._with_holds(masters, until, by, now)

    def without_holds(self, routers: Iterable[str], by: str, now: float) -> "Mastership":
        """The holds of these routers are ended."""
        ended = {name: hold.master for name, hold in self.held(now).items() if name in routers}
        return self._with_holds(ended, 0.0, by, now)

    def with_standby(self, director: str, standby: Standby, by: str, now: float) -> "Mastership":
        """A director stands aside, or no longer."""
        revision = self.revision + 1
        aside = Aside(director=director, standby=standby, by=by[:MAX_NAME], at=now, revision=revision)
        kept = (other for other in self.asides if other.director != director)
        return Mastership(self.holds, _ordered((*kept, aside)), revision)

    def merged(self, other: "Mastership") -> "Mastership":
        """These wishes and those of a peer: of each object the latest."""
        return Mastership(
            _latest((*self.holds, *other.holds), lambda hold: hold.router),
            _latest((*self.asides, *other.asides), lambda aside: aside.director),
            max(self.revision, other.revision),
        )

    def _with_holds(self, masters: Mapping[str, str], until: float, by: str, now: float) -> "Mastership":
        if not masters:
            return self
        revision = self.revision + 1
        new = (
            Hold(router=router, master=master, until=until, by=by[:MAX_NAME], at=now, revision=revision)
            for router, master in masters.items()
        )
        kept = (hold for hold in self.holds if hold.router not in masters)
        return Mastership(_ordered((*kept, *new)), self.asides, revision)


def _latest(wishes: Iterable[Wish], key: Callable[[Wish], str]) -> tuple[Wish, ...]:
    """By revision; two directors that took one each at the same time agree by the time and then by the words."""
    latest: dict[str, Wish] = {}
    for wish in sorted(wishes, key=lambda one: (one.revision, one.at, repr(one))):
        latest[key(wish)] = wish
    newest = sorted(latest.values(), key=lambda one: one.revision, reverse=True)
    return _ordered(newest[:MOST])


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _ordered(wishes: Iterable[Wish]) -> tuple[Wish, ...]:
    return tuple(sorted(wishes, key=repr))


class _Stored(kept.Stored, frozen=True):
    """The form of the file in the state directory."""

    wishes: Mastership


def encode(mastership: Mastership) -> bytes:
    """The wishes as the JSON that is kept in the state directory."""
    return kept.encode(_Stored(SCHEMA, mastership))


def decode(data: bytes) -> Mastership:
    """The wishes from a kept file. Raises ValueError with the reason when it cannot be understood."""
    file = "file of wishes about mastership"
    return kept.decode(data, _Stored, SCHEMA, file=file, content="wishes").wishes
