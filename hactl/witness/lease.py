"""One key of an arbiter, and the lease that it hangs on: what to ask next, and how long the key is surely ours; core.

The law: one question at a time; the key is ours from the moment that the arbiter said so until TTL minus a margin after the
last renewal that it confirmed was *sent*, on our own clock. Giving it up revokes the lease, which deletes the key and makes
void whatever question of ours is still under way; the next claim has a lease of its own.
"""

from enum import StrEnum

import msgspec

NEVER = float("-inf")
POLL = 0.1
"""Seconds between two attempts to have a key that somebody else has."""
RENEWALS = 4
"""Renewals in the time of a lease. With the shortest TTL two questions may be lost: an etcd cluster that elects a new
leader answers nobody for a second and more."""
AGAIN = 0.1
"""Seconds until a question without an answer is asked again."""
WITHIN = 0.7
"""Seconds that an answer may take."""
_DRIFT = 0.01
_MARGIN = 0.1
_REST = 0.05


class Verb(StrEnum):
    """What is asked of the arbiter."""

    GRANT = "grant"
    RENEW = "renew"
    ACQUIRE = "acquire"
    REVOKE = "revoke"


class Question(msgspec.Struct, frozen=True):
    """One question; `lease` is the lease's number, 0 for a grant."""

    verb: Verb
    lease: int = 0


class Reply(msgspec.Struct, frozen=True):
    """What the arbiter says. `lease` is granted; `ttl` is what a lease was granted or renewed for, 0: it is no more.

    `holder` is who has the key now, as its value says.
    """

    lease: int = 0
    ttl: float = 0.0
    holder: str = ""


def margin(ttl: float) -> float:
    """How much earlier than the arbiter's lease ours counts as over: clocks run differently."""
    return _MARGIN + _DRIFT * ttl


class Lease:
    """That of one key. `me` is the value by which the key is known to be ours, this host's since it booted."""

    def __init__(self, me: str, ttl: int) -> None:
        self.me, self._ttl = me, ttl
        self.claim = 0
        """The claim that it is wanted for, 0 for none."""
        self.alive = True
        """Whether those who hold the VIPs were heard lately; what is theirs is not renewed otherwise."""
        self.holder = ""
        self.trouble = ""
        self._lease = 0
        self._length = float(ttl)
        self._confirmed = NEVER
        self._holds = self._maybe = False
        self._revoking = 0
        self._not_before = NEVER

    def until(self) -> float:
        """Until when (monotonic seconds) the key is surely ours."""
        return self._ends() if self._holds and self.claim else NEVER

    @property
    def is_held(self) -> bool:
        """Whether the key may be ours."""
        return self._holds or self._maybe

    def seen_until(self) -> float:
        """Until when the arbiter counts as seen."""
        return self._confirmed + self._ttl / 2

    def due(self, now: float) -> float:
        """When to ask next."""
        if self._question(now) is not None:
            return max(now, self._not_before)
        return max(self._not_before, self._confirmed + self._ttl / RENEWALS, now + _REST)

    def ask(self, now: float) -> Question | None:
        """What to ask now; None for nothing."""
        if now < self._not_before:
            return None
        question = self._question(now)
        if question is not None and question.verb is Verb.REVOKE:
            self._revoking, self._lease = question.lease, 0
            self._holds = self._maybe = False
            self._confirmed = min(self._confirmed, now)
        elif question is not None and question.verb is Verb.ACQUIRE:
            self._maybe = True
        return question

    def _question(self, now: float) -> Question | None:
        if self._lease and now >= self._confirmed + self._length:
            self._forget()
        if self._revoking:
            return Question(Verb.REVOKE, self._revoking)
        if not self._lease:
            return Question(Verb.GRANT)
        if (self._holds or self._maybe) and not self.claim:
            return Question(Verb.REVOKE, self._lease)
        if now >= self._confirmed + self._ttl / RENEWALS and (self.alive or not self._holds):
            return Question(Verb.RENEW, self._lease)
        acquire = self.claim and self.alive and not self._holds
        return Question(Verb.ACQUIRE, self._lease) if acquire else None

    def answered(self, question: Question, reply: Reply | None, sent: float, now: float) -> None:
        """The answer to what was asked at `sent`; None when there was none in time."""
        if reply is None:
            self._not_before = now + AGAIN
            if question.verb is Verb.REVOKE and now - self._confirmed > self._length:
                self._revoking = 0  # Never renewed, it has ended by itself.
            return
        self._not_before = NEVER
        match question.verb:
            case Verb.GRANT:
                self._lease, self._confirmed = reply.lease, sent
                self._length = min(float(self._ttl), reply.ttl) or float(self._ttl)
                self._holds = self._maybe = False
            case Verb.RENEW if question.lease == self._lease:
                if reply.ttl <= 0:
                    self._forget()
                else:
                    self._confirmed = max(self._confirmed, sent)
            case Verb.ACQUIRE if question.lease == self._lease:
                self.holder = reply.holder
                self._holds = self._maybe = reply.holder == self.me
                if not self._holds:
                    self._not_before = now + POLL
                if reply.ttl < 0:
                    self._forget()
            case Verb.REVOKE:
                self._revoking = 0
                self.holder = ""

    def _ends(self) -> float:
        return self._confirmed + self._length - margin(self._length)

    def _forget(self) -> None:
        self._lease = 0
        self._holds = self._maybe = False
