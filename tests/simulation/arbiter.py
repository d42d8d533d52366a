"""An arbiter in the world's time, and how a director asks it: stands for etcd and for the edge that speaks to it.

The asker uses the real decisions (`hactl.witness.lease`). Questions and answers are late or lost, each way by itself; an
asker stands still and dies with its daemon. Keys end at their lease's end or somewhat later, never earlier.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from simulation.world import Rank, World

from failover.permit import Permit
from failover.report import RouterReport
from hactl.witness.lease import NEVER, WITHIN, Lease, Question, Reply, Verb

if TYPE_CHECKING:
    from simulation.director import Director

EXPIRES_LATE = 0.6
"""Seconds by which a lease may end late (measured: a key of 2 s was gone after 2.1 to 2.5 s)."""
LOOK = 0.25


class Arbiter:
    """Keys, each with its value and lease. `chance` is its own, so that other stories stay as they are."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.cut: set[tuple[str, str]] = set()
        """Ways that are cut: ("to", director) and ("from", director)."""
        self.down = False
        self.slowest = 0.01
        """Seconds that a question or an answer takes at most."""
        self._ends: dict[int, float] = {}
        self._length: dict[int, float] = {}
        self._keys: dict[str, tuple[str, int]] = {}

    def travel(self, direction: str, who: str) -> float | None:
        """How long a message takes this way, None when it is lost."""
        lost = self.down or (direction, who) in self.cut or self.chance.random() < 0.01
        return None if lost else self.chance.random() * self.slowest

    def answer(self, question: Question, key: str, me: str, ttl: int) -> Reply:
        """What it does and says when a question arrives."""
        now = self.world.now
        for lease in [lease for lease, end in self._ends.items() if now >= end]:
            self._end(lease)
        match question.verb:
            case Verb.GRANT:
                lease = self.world.number()
                self._length[lease] = ttl
                self._renew(lease)
                return Reply(lease=lease, ttl=ttl)
            case Verb.RENEW if question.lease in self._ends:
                self._renew(question.lease)
                return Reply(ttl=self._length[question.lease])
            case Verb.RENEW:
                return Reply()
            case Verb.REVOKE:
                self._end(question.lease)
                return Reply()
        if question.lease not in self._ends:
            return Reply(ttl=-1.0)
        if self._keys.get(key, (me, 0))[0] == me:
            self._keys[key] = me, question.lease
        return Reply(holder=self._keys[key][0])

    def _renew(self, lease: int) -> None:
        self._ends[lease] = self.world.now + self._length[lease] + self.chance.random() * EXPIRES_LATE

    def _end(self, lease: int) -> None:
        self._ends.pop(lease, None)
        self._keys = {key: held for key, held in self._keys.items() if held[1] != lease}


class Asker:
    """The one of a director's daemon; `tell` is called when something else is allowed."""

    def __init__(
        self, arbiter: Arbiter, director: "Director", key: str, ttl: int, tell: Callable[[], None]
    ) -> None:
        assert director.process is not None
        self._arbiter, self._process, self._name = arbiter, director.process, director.name
        self._key, self._ttl, self._tell = key, ttl, tell
        self._lease = Lease(director.name, ttl)
        self._claims: dict[str, int] = {}
        self._asked: tuple[Question, float] | None = None
        self._look()

    def follow(self, report: RouterReport) -> None:
        """A router's last report."""
        if self._claims.get(report.router, 0) != report.claim:
            self._claims[report.router] = report.claim
            self._process.call_soon(self._ask)

    def permits(self, routers: list[str]) -> dict[str, Permit]:
        """What is allowed now."""
        if self._lease.seen_until() == NEVER:
            return {}
        seen, until = self._lease.seen_until(), self._lease.until()
        return {
            name: Permit(seen_until=seen, key_until=until, claim=self._claims.get(name, 0))
            for name in routers
        }

    def _look(self) -> None:
        self._ask()
        self._process.call_later(LOOK, self._look)

    def _ask(self) -> None:
        """Ask what is due, one question at a time."""
        now = self._process.time()
        self._lease.claim = max(self._claims.values(), default=0)
        if self._asked is None and (question := self._lease.ask(now)) is not None:
            self._asked = question, now
            self._process.effect()
            self._process.call_later(WITHIN, self._late, self._asked)
            if (takes := self._arbiter.travel("to", self._name)) is not None:
                world = self._arbiter.world
                world.at(world.now + takes, Rank.ARRIVAL, self._arrive, self._asked)
        elif self._asked is None:
            due = self._lease.due(now)
            if due - now < LOOK:
                self._process.call_at(due, self._ask)
        self._tell()

    def _arrive(self, asked: tuple[Question, float]) -> None:
        """At the arbiter, whatever has become of who asked."""
        reply = self._arbiter.answer(asked[0], self._key, self._name, self._ttl)
        if (takes := self._arbiter.travel("from", self._name)) is not None:
            world = self._arbiter.world
            world.at(world.now + takes, Rank.ARRIVAL, self._come, (asked, reply))

    def _come(self, what: tuple[tuple[Question, float], Reply]) -> None:
        """An answer reaches the host; a process that stands still reads it later."""
        if self._process.alive:
            self._process.call_soon(self._read, *what)

    def _read(self, asked: tuple[Question, float], reply: Reply) -> None:
        if self._asked is asked:
            self._end(asked, reply)

    def _late(self, asked: tuple[Question, float]) -> None:
        if self._asked is asked:
            self._end(asked, None)

    def _end(self, asked: tuple[Question, float], reply: Reply | None) -> None:
        self._asked = None
        self._lease.answered(asked[0], reply, asked[1], self._process.time())
        self._ask()
