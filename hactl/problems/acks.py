"""What operators have said of problems: that they are known, and that nobody need be told of them again.

Owns the acknowledgements and how the directors agree on them; core. The law: an acknowledgement covers what its name covers
and had begun when it was given, so it ends by itself with the problem; of two of one name the later revision holds, the
same on all directors; one that was taken back is kept as a mark. Times are wall clock, for they must outlive a restart.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec

from hactl import kept
from hactl.wishes.overrides import MAX_NAME, MAX_REASON, Revision, Seconds

SCHEMA = 1
MOST = 500
"""Acknowledgements kept: with as many overrides as there may be they fit into one word to a peer."""
EVERYTHING = "*"
SKEW = 2.0
"""Seconds by which a problem may seem to begin after the word that covers it: directors' clocks differ a little."""
MAX_TARGET = 2 * MAX_NAME + 1

Target = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TARGET)]


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """One operator's word. `target` is a subject ("rs1@www"), one side of it ("rs1": in all services; "www": with all its
    servers), or `*`; `withdrawn`: not known any more."""

    target: Target
    by: Annotated[str, msgspec.Meta(max_length=MAX_NAME)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON)] = ""
    at: Seconds
    revision: Revision
    withdrawn: bool = False


class Acks(msgspec.Struct, frozen=True):
    """All of them, one for each target; changed only by making another."""

    records: Annotated[tuple[Ack, ...], msgspec.Meta(max_length=MOST)] = ()
    revision: Revision = 0

    @property
    def is_sound(self) -> bool:
        """Whether it can be what a director of ours says."""
        return all(
            one.revision <= self.revision and f"{one.target}{one.by}{one.reason}".isprintable()
            for one in self.records
        )

    def with_words(
        self, targets: Iterable[str], by: str, reason: str, now: float, *, withdrawn: bool = False
    ) -> "Acks":
        """These and an operator's new ones. `now` is wall clock."""
        revision = self.revision + 1
        new = tuple(
            Ack(
                target=target,
                by=by[:MAX_NAME],
                reason=reason,
                at=now,
                revision=revision,
                withdrawn=withdrawn,
            )
            for target in dict.fromkeys(targets)
        )
        return self.merged(new, revision)

    def merged(self, others: Sequence[Ack], revision: int) -> "Acks":
        """These and those of a peer: of each target the latest. Equal revisions are settled by time and words."""
        latest: dict[str, Ack] = {}
        for one in sorted({*self.records, *others}, key=_order):
            latest[one.target] = one
        newest = sorted(latest.values(), key=_order)[-MOST:]
        return Acks(tuple(newest), max(self.revision, revision))

    def by_target(self) -> dict[str, Ack]:
        """Those in force."""
        return {one.target: one for one in self.records if not one.withdrawn}


def covering(words: dict[str, Ack], subject: str, since: float) -> Ack | None:
    """The latest word that covers a problem of this subject that began then."""
    found = (words.get(target) for target in targets_of(subject))
    given = [one for one in found if one is not None and one.at >= since - SKEW]
    return max(given, key=_order, default=None)


def targets_of(subject: str) -> Iterator[str]:
    """The targets that cover a subject."""
    yield from (EVERYTHING, subject)
    one, at, other = subject.partition("@")
    if at:
        yield from (one, other)


def _order(one: Ack) -> tuple[int, float, str]:
    return one.revision, one.at, repr(one)


class _Stored(kept.Stored, frozen=True):
    """The form of the file in the state directory."""

    acks: Acks


def encode(acks: Acks) -> bytes:
    """The acknowledgements as the JSON that is kept in the state directory."""
    return kept.encode(_Stored(SCHEMA, acks))


def decode(data: bytes) -> Acks:
    """The acknowledgements from a kept file. Raises ValueError with the reason when it cannot be understood."""
    return kept.decode(
        data, _Stored, SCHEMA, file="file of acknowledgements", content="acknowledgements"
    ).acks
