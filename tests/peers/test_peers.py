"""What is known of the other directors, and whose override holds."""

import random

import msgspec

from failover.peer.actions import PeerState
from failover.peer.report import PeerReport
from hactl.peers.peers import Peers, word
from hactl.problems.acks import Acks
from hactl.wishes.overrides import Admin, Override, Overrides
from notify.event import EventKind


def report(state: PeerState, peer: str = "lb2") -> PeerReport:
    """A report of a peer in this state."""
    return PeerReport(peer=peer, state=state, reason="why", since=1.0, links=(), drops={}, payload_taken=0)


def override(revision: int, at: float = 1.0, weight: int | None = None, server: str = "rs1") -> Override:
    """A drain, or a weight."""
    admin = Admin.DRAIN if weight is None else None
    return Override(server=server, admin=admin, weight=weight, at=at, revision=revision, by="a")


def test_a_peer_is_told_up_and_down_once() -> None:
    """Up, unknown, up is one event; down is another."""
    peers = Peers()
    states = (PeerState.UP, PeerState.UNKNOWN, PeerState.UP, PeerState.DOWN)
    told = [peers.on_report(report(state)) for state in states]
    assert [t.kind for t in told if t] == [EventKind.PEER_UP, EventKind.PEER_DOWN]


def test_drift_is_told_once_for_each_configuration() -> None:
    """The same differing word again is no event; an equal one ends it; then it is told anew."""
    peers = Peers()
    told = [
        peers.on_payload("lb2", word(digest, Overrides()), "ours")[1]
        for digest in ("theirs", "theirs", "ours", "theirs")
    ]
    assert [bool(t) for t in told] == [True, False, False, True]


def test_a_word_that_is_none_changes_nothing() -> None:
    """Bytes that are no word of this version are passed over."""
    peers = Peers()
    assert peers.on_payload("lb2", b"\xc1garbage", "ours") == (None, None)
    assert peers.words == {}


def test_who_has_our_overrides() -> None:
    """Only a peer that is up and said a revision not below ours."""
    peers = Peers()
    peers.on_payload("lb2", word("x", Overrides((), 5)), "x")
    assert peers.have(5) == ()
    peers.on_report(report(PeerState.UP))
    assert peers.have(5) == ("lb2",)
    assert peers.have(6) == ()
    assert peers.matches("lb2", "x") is True
    peers.forget()
    assert peers.matches("lb2", "x") is None


def test_two_directors_agree_whatever_the_order() -> None:
    """Merging is the same on both sides, and again changes nothing: the later revision of one object holds."""
    chance = random.Random(7)
    for _ in range(200):
        records = [
            override(chance.randint(1, 4), chance.random(), chance.choice((None, 1, 2)), chance.choice("ab"))
            for _ in range(chance.randint(0, 6))
        ]
        half = len(records) // 2
        one = Overrides().merged(records[:half], 4)
        other = Overrides().merged(records[half:], 4)
        both = one.merged(other.records, other.revision)
        assert both == other.merged(one.records, one.revision)
        assert both.merged(one.records, one.revision) == both
        newest = max((r.revision for r in records), default=0)
        assert newest in {r.revision for r in both.records} | {0}


def test_acknowledgements_travel_with_the_word() -> None:
    """And a peer that has ours is known by their revision; an older director's word has none."""
    peers, acks = Peers(), Acks().with_words(["rs1"], "alice", "known", 5.0)
    heard, _ = peers.on_payload("lb2", word("x", Overrides(), acks=acks), "x")
    assert heard is not None
    assert heard.acks == acks
    peers.on_report(report(PeerState.UP))
    assert peers.know_acks(acks.revision) == ("lb2",)
    assert peers.know_acks(acks.revision + 1) == ()
    lying = msgspec.structs.replace(heard, acks=msgspec.structs.replace(acks, revision=0))
    assert peers.on_payload("lb2", msgspec.msgpack.encode(lying), "x") == (None, None)
