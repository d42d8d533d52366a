"""Values on their way: whole or not at all, the latest wins, within bounds."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.peer.latest import (
    IN_FLIGHT,
    MAX_PIECES,
    MAX_VALUE,
    PIECE,
    Inbox,
    Outbox,
    Piece,
    Slot,
    decode_piece,
    encode_piece,
)
from failover.peer.packet import MAX_BODY


def outbox() -> Outbox:
    """An outbox for payloads."""
    return Outbox(Slot.PAYLOAD, 0.05, 0.2)


def carry(box: Outbox, inbox: Inbox, seed: int = 0, loss: float = 0.0) -> list[bytes]:
    """Run both until everything has arrived, losing and shuffling what travels; the values that came out."""
    chance, now, values = random.Random(seed), 0.0, []
    while box.deadline() is not None:
        assert now < 600
        now += 0.05
        pieces = box.take(now)
        assert len(pieces) <= IN_FLIGHT
        chance.shuffle(pieces)
        for piece in pieces:
            if chance.random() >= loss:
                value = inbox.take(piece)
                values += [value] if value is not None else []
        receipt = inbox.receipt()
        if receipt is not None and chance.random() >= loss:
            box.acknowledged(receipt)
    return values


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(0, 60 * PIECE) | st.sampled_from([0, PIECE - 1, PIECE, PIECE + 1]),
    loss=st.floats(0, 0.6),
    seed=st.integers(0, 2**32),
)
def test_a_value_arrives_whole(size: int, loss: float, seed: int) -> None:
    """Through loss and reordering, once."""
    value = random.Random(seed).randbytes(size)
    box, inbox = outbox(), Inbox(Slot.PAYLOAD)
    box.put(1, value)
    assert carry(box, inbox, seed, loss) == [value]


def test_the_longest_value_arrives() -> None:
    """And one byte more is refused by the sender."""
    box, inbox = outbox(), Inbox(Slot.PAYLOAD)
    box.put(1, bytes(MAX_VALUE))
    assert carry(box, inbox) == [bytes(MAX_VALUE)]
    with pytest.raises(ValueError, match="more than"):
        box.put(2, bytes(MAX_VALUE + 1))
    with pytest.raises(ValueError, match="not newer"):
        box.put(1, b"")


def test_a_newer_value_replaces_an_older_half_sent_one() -> None:
    """Pieces of the older one that come late change nothing."""
    box, inbox = outbox(), Inbox(Slot.PAYLOAD)
    box.put(1, b"1" * 5 * PIECE)
    old = box.take(0.0)
    for piece in old[:3]:
        inbox.take(piece)
    box.put(2, b"2" * 2 * PIECE)
    first, second = box.take(0.0)
    assert inbox.take(first) is None
    assert [inbox.take(piece) for piece in old] == [None] * 5
    assert inbox.take(second) == b"2" * 2 * PIECE
    assert inbox.take(second) is None


def test_a_new_session_brings_it_again() -> None:
    """The other end may be a new process."""
    box = outbox()
    box.put(7, b"value")
    assert carry(box, Inbox(Slot.PAYLOAD)) == [b"value"]
    box.restart()
    assert carry(box, Inbox(Slot.PAYLOAD)) == [b"value"]


def test_unanswered_pieces_are_sent_ever_more_slowly() -> None:
    """10, 20, 40, ... ms, at most a beat apart."""
    box = Outbox(Slot.STANDING, 0.01, 0.2)
    box.put(1, b"value")
    times, now = [], 0.0
    for _ in range(7):
        now = max(now, box.deadline() or 0.0)
        assert len(box.take(now)) == 1
        times.append(now)
    gaps = [round(after - before, 3) for before, after in itertools.pairwise(times)]
    assert gaps == [0.01, 0.02, 0.04, 0.08, 0.16, 0.2]


def test_a_peer_that_never_answers_is_asked_for_ever() -> None:
    """Such as over a path that whole pieces do not pass: the pauses grow no more, and each resending takes the next link."""
    box = Outbox(Slot.PAYLOAD, 0.05, 0.2)
    box.put(1, b"value")
    now = 0.0
    for number in range(3000):
        assert len(box.take(now)) == 1
        assert box.round == number
        due = box.deadline()
        assert due is not None
        assert now < due <= now + 0.2
        now = due


@given(body=st.binary(max_size=MAX_BODY))
def test_a_piece_is_read_or_refused(body: bytes) -> None:
    """Any body: no exception, and no number beyond the bounds."""
    piece = decode_piece(body)
    if piece is not None:
        assert piece.index < piece.count <= MAX_PIECES
        assert encode_piece(piece)[2:] == body[2:]
        Inbox(piece.slot).take(piece)


def test_contradicting_pieces_are_left_out() -> None:
    """The same version with another count."""
    inbox = Inbox(Slot.PAYLOAD)
    assert inbox.take(Piece(Slot.PAYLOAD, False, 1, 0, 2, bytes(PIECE))) is None
    assert inbox.take(Piece(Slot.PAYLOAD, False, 1, 2, 3, b"x")) is None
    assert inbox.take(Piece(Slot.PAYLOAD, False, 1, 1, 2, b"x")) == bytes(PIECE) + b"x"
