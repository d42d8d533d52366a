"""What the other directors say to this one, supervisor to supervisor: configuration and overrides.

Owns the word that travels (opaque to the channel) and what is known of each peer; core. The law: a word is the whole
present truth of its sender, so a lost one costs nothing; of two overrides of one object the later revision holds.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec

from failover.peer.actions import PeerState
from failover.peer.latest import MAX_VALUE
from failover.peer.report import PeerReport
from hactl.events import Occurrence, plain
from hactl.peers.links import PeerLinks
from hactl.problems.acks import Acks
from hactl.wishes.mastership import Mastership
from hactl.wishes.overrides import MOST, Override, Overrides
from notify.event import EventKind

_SCHEMA = 1
_MAX_REVISION = 2**53
"""Far below what a revision can be, so that ours goes on rising from any that a peer has."""
_NO_WISHES = Mastership()
_NO_ACKS = Acks()
_EVENTS = {PeerState.UP: EventKind.PEER_UP, PeerState.DOWN: EventKind.PEER_DOWN}


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One director's word: the digest of its configuration, its overrides and their revision, its wishes of mastership,
    the problems that its operators know."""

    schema: int = _SCHEMA
    config: Annotated[str, msgspec.Meta(max_length=128)]
    revision: Annotated[int, msgspec.Meta(ge=0, le=_MAX_REVISION)]
    overrides: Annotated[tuple[Override, ...], msgspec.Meta(max_length=MOST)]
    mastership: Mastership = Mastership()
    acks: Acks = Acks()

    @property
    def is_sound(self) -> bool:
        """Whether it can be what a director of ours says: no later revision than its own, and text that is one line."""
        return (
            self.config.isprintable()
            and self.mastership.revision <= _MAX_REVISION
            and self.mastership.is_sound
            and self.acks.revision <= _MAX_REVISION
            and self.acks.is_sound
            and all(
                one.revision <= self.revision and f"{one.scope}{one.by}{one.reason}".isprintable()
                for one in self.overrides
            )
        )


def word(
    config: str, overrides: Overrides, mastership: Mastership = _NO_WISHES, acks: Acks = _NO_ACKS
) -> bytes:
    """Our word as bytes. Where it were longer than the channel carries, the reasons are left out, then what is oldest."""
    said = Word(
        config=config,
        revision=overrides.revision,
        overrides=overrides.records,
        mastership=mastership,
        acks=acks,
    )
    return next(data for data in map(msgspec.msgpack.encode, _ever_shorter(said)) if len(data) <= MAX_VALUE)


def _ever_shorter(said: Word) -> Iterator[Word]:
    yield said
    said = msgspec.structs.replace(said, acks=Acks())
    told = tuple(msgspec.structs.replace(one, reason="") for one in said.overrides)
    while told:
        yield msgspec.structs.replace(said, overrides=told)
        told = told[len(told) // 2 + 1 :]
    yield msgspec.structs.replace(said, overrides=())
    yield msgspec.structs.replace(said, overrides=(), mastership=Mastership())


class Peers:
    """All that is known of the other directors."""

    def __init__(self) -> None:
        self.reports: dict[str, PeerReport] = {}
        self.words: dict[str, Word] = {}
        self._told: dict[str, PeerState] = {}
        self._drifted: dict[str, str] = {}
        self._links = PeerLinks()
        self.refused: Counter[str] = Counter()
        """Words that were not understood, by peer."""

    def on_report(self, report: PeerReport) -> Occurrence | None:
        """Take a report; the event when the peer came up or went down."""
        self.reports[report.peer] = report
        kind, before = _EVENTS.get(report.state), self._told.get(report.peer)
        if kind is None or before is report.state:
            return None
        self._told[report.peer] = report.state
        return plain(
            kind, report.peer, report.reason, old=before.value if before else "", new=report.state.value
        )

    def look(self, now: float) -> list[Occurrence]:
        """The events of links that broke while their peer is up, or work again; to be asked each second."""
        return self._links.look(self.reports, now)

    def on_payload(self, peer: str, data: bytes, config: str) -> tuple[Word | None, Occurrence | None]:
        """Take a peer's word; None for one that this version does not understand. The event tells of drift, once."""
        try:
            heard: Word | None = msgspec.msgpack.decode(data, type=Word)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            heard = None
        if heard is None or heard.schema != _SCHEMA or not heard.is_sound:
            self.refused[peer] += 1
            return None, None
        self.words[peer] = heard
        return heard, self.drift(peer, config)

    def drift(self, peer: str, config: str) -> Occurrence | None:
        """The event when this peer's configuration differs from ours and nobody was told of this one last."""
        heard = self.words.get(peer)
        if heard is None or heard.config == config:
            self._drifted.pop(peer, None)
            return None
        if self._drifted.get(peer) == heard.config:
            return None
        self._drifted[peer] = heard.config
        return plain(EventKind.CONFIG_DRIFT, peer, f"{peer} runs another configuration ({heard.config[:12]})")

    def up(self) -> tuple[str, ...]:
        """The peers that are up."""
        return tuple(name for name, report in self.reports.items() if report.state is PeerState.UP)

    def have(self, revision: int) -> tuple[str, ...]:
        """The peers that are up and have our overrides up to this revision."""
        return tuple(n for n in self.up() if n in self.words and self.words[n].revision >= revision)

    def know(self, revision: int) -> tuple[str, ...]:
        """The peers that are up and have our wishes of mastership up to this revision."""
        return tuple(
            n for n in self.up() if n in self.words and self.words[n].mastership.revision >= revision
        )

    def know_acks(self, revision: int) -> tuple[str, ...]:
        """The peers that are up and have our acknowledgements up to this revision."""
        return tuple(n for n in self.up() if n in self.words and self.words[n].acks.revision >= revision)

    def matches(self, peer: str, config: str) -> bool | None:
        """Whether a peer that is up runs this configuration, None when it is not known."""
        heard = self.words.get(peer) if peer in self.up() else None
        return None if heard is None else heard.config == config

    def forget(self) -> None:
        """The failover worker died: what it told is of the past."""
        self.reports.clear()
