"""The seals of one router: roll-out, keys replaced in steps, replay in both modes, and clocks that are set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.guards import Guard
from failover.ip import Received
from failover.packet import GROUP4, TRAILER, Advert, Drop, decode, encode
from failover.seals import MOST_SENDERS, Seals, restored
from failover.spec import Replay, Rollout, TrailerSpec
from failover.trailer import Key, read
from failover.trailer_clock import Moment, TrailerClock
from failover.trailer_keys import TrailerKeys, read_trailer_keys
from support.failover import HIGHER, OURS, advert
from support.moments import at

OLD, NEW, OTHER = Key(1, b"o" * 32), Key(2, b"n" * 32), Key(1, b"x" * 32)


def keys(sending: Key, *taken: Key) -> TrailerKeys:
    """A file with this key first."""
    return TrailerKeys(sending, {key.id: key for key in (sending, *taken)})


def director(held: TrailerKeys | None = None, step: float = 0.0, **changes: object) -> Seals:
    """A director with one router; `step`: what its clock is ahead of the others'."""
    clock = TrailerClock()
    clock.look(at(0.0, step))
    return Seals(TrailerSpec(**changes), held or keys(OLD), clock)  # type: ignore[arg-type]


def sent(by: Seals, moment: Moment, source: bytes = HIGHER) -> bytes:
    """The next advert of a director."""
    return by.seal(encode(advert(200), source, GROUP4), source, GROUP4, moment)


def taken(by: Seals, message: bytes, moment: Moment, source: bytes = HIGHER) -> Drop | None:
    """What another says to it."""
    found = decode(message, source, GROUP4)
    assert isinstance(found, Advert)
    return Guard(seals=by).refuse(found, Received(source, GROUP4, 255, message), moment)


REQUIRE, SEND, RECEIVE = Rollout.REQUIRE, Rollout.SEND, Rollout.RECEIVE


@pytest.mark.parametrize(
    ("one", "other"),
    [(RECEIVE, None), (RECEIVE, RECEIVE), (RECEIVE, SEND), (SEND, SEND), (SEND, REQUIRE), (REQUIRE, REQUIRE)],
)
def test_each_step_of_the_rollout_understands_the_next(one: Rollout, other: Rollout | None) -> None:
    """None, receive, send, require: one director at a time, in this order, and no advert is ever refused."""
    first = director(rollout=one)
    if other is None:
        plain = sent(first, at(1.0))
        assert decode(plain, HIGHER, GROUP4) == advert(200), "without a trailer, as who knows none needs it"
        assert taken(first, encode(advert(200), OURS, GROUP4), at(1.0), OURS) is None
        return
    second = director(rollout=other)
    assert taken(second, sent(first, at(1.0)), at(1.0)) is None
    assert taken(first, sent(second, at(1.0), OURS), at(1.0), OURS) is None


def test_an_advert_without_a_trailer_where_one_is_required() -> None:
    """And one with a trailer where none is configured."""
    plain = encode(advert(200), HIGHER, GROUP4)
    assert taken(director(), plain, at(1.0)) is Drop.WRONG_AUTHENTICATION
    sealed = sent(director(), at(1.0))
    found = decode(sealed, HIGHER, GROUP4)
    assert isinstance(found, Advert)
    assert Guard().refuse(found, Received(HIGHER, GROUP4, 255, sealed), at(1.0)) is Drop.WRONG_AUTHENTICATION


def test_a_key_is_replaced_in_steps() -> None:
    """Every two files that stand side by side during the change understand each other."""
    steps = [keys(OLD), keys(OLD, NEW), keys(NEW, OLD), keys(NEW)]
    for number, held in enumerate(steps[:-1]):
        one, other = director(held), director(steps[number + 1])
        assert taken(other, sent(one, at(1.0)), at(1.0)) is None
        assert taken(one, sent(other, at(1.0), OURS), at(1.0), OURS) is None
    assert taken(director(steps[0]), sent(director(steps[2]), at(1.0)), at(1.0)) is Drop.UNKNOWN_KEY


def test_a_forger_is_not_remembered() -> None:
    """Else anybody could shut a director out with one advert from the future."""
    ours = director(replay=Replay.INCREASING)
    assert taken(ours, sent(director(keys(OTHER)), at(1000.0)), at(1.0)) is Drop.BAD_MAC
    assert taken(ours, sent(director(), at(1.0)), at(1.0)) is None


@pytest.mark.parametrize("replay", Replay)
def test_a_replay_is_refused_at_once(replay: Replay) -> None:
    """The same advert again, and the one before it."""
    peer, ours = director(replay=replay), director(replay=replay)
    before, message = sent(peer, at(1.0)), sent(peer, at(1.0))
    assert taken(ours, message, at(1.0)) is None
    assert taken(ours, message, at(1.0)) is Drop.REPLAYED
    assert taken(ours, before, at(1.0)) is Drop.REPLAYED


def test_a_late_replay() -> None:
    """By time it is stale even for who was just started; increasing knows the sender's last only."""
    message = sent(director(), at(1.0))
    assert taken(director(), message, at(5.9)) is None
    assert taken(director(), message, at(6.1)) is Drop.STALE
    assert taken(director(replay=Replay.INCREASING), message, at(9000.0)) is None


def test_senders_are_told_apart() -> None:
    """Two directors share a key, and each has its own last sequence."""
    ours, one, other = director(), director(), director()
    assert taken(ours, sent(one, at(2.0)), at(2.0)) is None
    assert taken(ours, sent(other, at(1.0), OURS), at(2.0), OURS) is None


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=40))
def test_what_is_sent_always_increases(steps: list[float]) -> None:
    """Whatever the clock does within the window, and however many go out in one tick of it."""
    peer = director()
    sequences, step = [], 0.0
    for number, change in enumerate(steps):
        step = max(-2.0, min(2.0, step + change))
        moment = at(number / 1000, step)
        peer._clock.look(moment)
        for _ in range(3):
            found = read(sent(peer, moment))
            assert not isinstance(found, Drop)
            sequences.append(found.sequence)
    assert sequences == sorted(set(sequences))


def test_a_clock_set_back_locks_nobody_out() -> None:
    """Neither as the sender nor as the receiver, nor when both are set; only a step is told."""
    for sender, receiver in ((-3600.0, 0.0), (0.0, -3600.0), (-3600.0, -3600.0)):
        peer, ours = director(), director()
        assert taken(ours, sent(peer, at(1.0)), at(1.0)) is None
        assert bool(peer._clock.look(at(2.0, sender))) is (sender != 0.0)
        assert bool(ours._clock.look(at(2.0, receiver))) is (receiver != 0.0)
        for now in (2.0, 3.0, 100.0):
            assert taken(ours, sent(peer, at(now, sender)), at(now, receiver)) is None


def test_a_peer_started_with_another_time() -> None:
    """It is refused, and why is said; once our clock is put right as well, it is taken and its time followed."""
    peer, ours = director(step=3600.0), director()
    message = sent(peer, at(1.0, 3600.0))
    assert taken(ours, message, at(1.0)) is Drop.STALE
    assert ours.note(Drop.STALE, message, at(1.0)) == "its clock is 3600 s ahead of ours"
    ours._clock.look(at(2.0, 3600.0))
    message = sent(peer, at(3.0, 3600.0))
    assert taken(ours, message, at(3.0, 3600.0)) is None
    found = decode(message, HIGHER, GROUP4)
    assert isinstance(found, Advert)
    assert "agrees" in ours.agree(found, message, at(3.0, 3600.0))
    assert taken(peer, sent(ours, at(4.0, 3600.0), OURS), at(4.0, 3600.0), OURS) is None


def test_a_sender_whose_clock_was_far_ahead_and_was_put_right() -> None:
    """What it sent from the future shuts it out for no longer than that is fresh by anybody's clock."""
    ours, wild = director(window=300.0), director(step=200.0)
    assert taken(ours, sent(wild, at(1.0, 200.0)), at(1.0)) is None
    right = director()
    assert taken(ours, sent(right, at(2.0)), at(2.0)) is Drop.REPLAYED
    narrow = director(window=5.0)
    narrow._marks.update(ours._marks)
    assert taken(narrow, sent(right, at(3.0)), at(3.0)) is None


def test_memory_is_bounded() -> None:
    """The sender heard longest ago is forgotten."""
    ours, peer = director(), director()
    for number in range(MOST_SENDERS + 5):
        source = bytes((10, 99, 1, number))
        assert taken(ours, sent(peer, at(1.0), source), at(1.0), source) is None
    marks = ours.sealing("/f").marks
    assert len(marks) == MOST_SENDERS
    assert bytes((10, 99, 1, 0)) not in marks


def test_whoever_stands_in_for_a_dead_worker() -> None:
    """Its release is taken by peers, and it takes no replay as a successor's word; without the file it says so."""
    text = "1 " + "o" * 32
    held = read_trailer_keys(text, "/f")
    assert isinstance(held, TrailerKeys)
    worker, peer = director(held), director(held)
    heard = sent(peer, at(1.0))
    assert taken(worker, heard, at(1.0)) is None
    assert taken(peer, sent(worker, at(1.0), OURS), at(1.0), OURS) is None
    stand_in = restored(worker.sealing("/f"), {"/f": text})
    assert isinstance(stand_in, Seals)
    assert taken(stand_in, heard, at(1.1)) is Drop.REPLAYED
    assert taken(peer, sent(stand_in, at(1.1), OURS), at(1.1), OURS) is None
    assert restored(worker.sealing("/f"), {}) == "key file /f cannot be read"


def test_the_trailer_makes_the_advert_longer_by_its_size() -> None:
    """And nothing else of it another."""
    plain = encode(advert(200), HIGHER, GROUP4)
    assert sent(director(), at(1.0))[:-TRAILER] == plain
