"""The seals of one router: the trailers that its adverts get, and whether received ones hold.

Owns the last sequence sent and the last one taken of each sender. The law: a sequence sent is greater than every one
before; nothing is remembered of a sender whose MAC was not right; whatever is refused has one reason. Core.
"""

from collections.abc import Mapping

import msgspec

from failover.packet import Advert, Drop
from failover.spec import Replay, Rollout, TrailerSpec
from failover.trailer import Seal, is_after, is_genuine, read, seal, sequence_at
from failover.trailer_clock import Moment, TrailerClock, lag
from failover.trailer_keys import TrailerKeys, read_trailer_keys

MOST_SENDERS = 16
"""Senders remembered; beyond that the one heard longest ago is forgotten. Each has shown that it holds a key."""
SEQUENCES_A_SECOND = 1 << 32


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody else needs, besides the keys, to seal and judge for a router whose worker is dead.

    `ahead` is the trailer's clock less the monotonic one; `marks` are the last sequences taken, by packed sender.
    """

    spec: TrailerSpec
    file: str
    ahead: float
    marks: dict[bytes, int]


class Seals:
    """`clock` is this director's, shared by all routers. `marks` are the last sequences taken, oldest sender first."""

    def __init__(
        self,
        spec: TrailerSpec,
        keys: TrailerKeys,
        clock: TrailerClock,
        marks: Mapping[bytes, int] | None = None,
    ) -> None:
        self.spec, self.keys = spec, keys
        self._clock = clock
        self._sent: int | None = None
        self._marks = dict(marks or {})

    def seal(self, message: bytes, source: bytes, destination: bytes, at: Moment) -> bytes:
        """An encoded advert as it is sent."""
        if self.spec.rollout is Rollout.RECEIVE:
            return message
        self._sent = self._next(at)
        return seal(message, source, destination, self.keys.sending, self._sent)

    def refuse(self, advert: Advert, message: bytes, source: bytes, at: Moment) -> Drop | None:
        """Why an advert is not taken; its sender is remembered when it is. The cheap checks come first."""
        if not advert.sealed:
            return Drop.WRONG_AUTHENTICATION if self.spec.rollout is Rollout.REQUIRE else None
        seal = read(message)
        if isinstance(seal, Drop):
            return seal
        timed = self.spec.replay is Replay.TIME
        if timed and not self._clock.is_fresh(seal.seconds, self.spec.window, at):
            return Drop.STALE
        forged = is_genuine(message, source, self.keys.taken)
        return forged if forged is not None else self._take(seal, source, at)

    def agree(self, advert: Advert, message: bytes, at: Moment) -> str:
        """A taken trailer may show that this host's new time is right; then a line for the log."""
        seal = read(message) if advert.sealed else Drop.WRONG_AUTHENTICATION
        if isinstance(seal, Drop) or self.spec.replay is not Replay.TIME:
            return ""
        return self._clock.agree(seal.seconds, self.spec.window, at)

    def disagree(self, drop: Drop, message: bytes, source: bytes, at: Moment) -> str:
        """A dropped trailer may show that the time sent is nobody's; then a line for the log.

        It must be right in all but its time, and newer than the last one taken of its sender: what was taken once can be
        replayed. What is taken is decided as ever; only what we send may become another time.
        """
        seal = read(message) if drop is Drop.STALE and self._clock.is_set(at) else drop
        if isinstance(seal, Drop) or is_genuine(message, source, self.keys.taken) is not None:
            return ""
        mark = self._marks.get(source)
        return self._clock.disagree(at) if mark is None or is_after(seal.sequence, mark) else ""

    def note(self, drop: Drop, message: bytes, at: Moment) -> str:
        """How the clocks differ, where that is why an advert was dropped."""
        seal = read(message) if drop is Drop.STALE else drop
        if isinstance(seal, Drop):
            return ""
        behind = lag(self._clock.read(at), seal.seconds)
        return f"its clock is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} ours"

    def sealing(self, file: str) -> Sealing:
        """For whoever stands in for this worker; `file` holds the keys."""
        return Sealing(spec=self.spec, file=file, ahead=self._clock.ahead or 0.0, marks=dict(self._marks))

    def _next(self, at: Moment) -> int:
        """The clock's, or one more than the last where that is not later.

        One that is ahead of the clock by more than the window was made before the clock was put right: by time it would
        be refused as long as the clock takes to come there, so it starts from the clock again.
        """
        sequence = sequence_at(self._clock.read(at))
        if self._sent is None or is_after(sequence, self._sent):
            return sequence
        ahead = (self._sent - sequence) / SEQUENCES_A_SECOND
        if self.spec.replay is Replay.TIME and ahead > self.spec.window:
            return sequence
        return self._sent + 1

    def _take(self, seal: Seal, source: bytes, at: Moment) -> Drop | None:
        mark = self._marks.get(source)
        if mark is not None and self._counts(mark, at) and not is_after(seal.sequence, mark):
            return Drop.REPLAYED
        self._marks.pop(source, None)
        self._marks[source] = seal.sequence
        if len(self._marks) > MOST_SENDERS:
            del self._marks[next(iter(self._marks))]
        return None

    def _counts(self, mark: int, at: Moment) -> bool:
        """Whether what it forbids is not forbidden by its time already; else its sender's clock was put right since."""
        seconds = Seal(0, mark).seconds
        return self.spec.replay is not Replay.TIME or self._clock.is_fresh(seconds, self.spec.window, at)


def restored(sealing: Sealing, secrets: Mapping[str, str]) -> Seals | str:
    """The seals of a worker that died, as far as others need them; in words why there are none."""
    keys = read_trailer_keys(secrets.get(sealing.file), sealing.file)
    if isinstance(keys, str):
        return keys
    return Seals(sealing.spec, keys, TrailerClock(sealing.ahead), sealing.marks)
