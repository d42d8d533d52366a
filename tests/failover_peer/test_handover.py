"""Handing over by name: once asked once told, repeated until answered, taken back when nobody answers."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failover.peer.actions import HandoverAsked, HandoverDone, HandoverFailed, HandoverReady
from failover.peer.handover import (
    GIVE_UP,
    REPEAT,
    Handovers,
    Message,
    Outcome,
    Step,
    decode_message,
    encode_message,
)


def words(outcome: list[Outcome]) -> list[Message]:
    """What is said to the peer."""
    return [one for one in outcome if isinstance(one, Message)]


def test_ask_ready_done() -> None:
    """The whole of it, each word repeated once: everything is told once."""
    giver, taker = Handovers(), Handovers()
    (ask,) = words(giver.ask("web", 0.0))
    assert taker.receive(ask, 0.0) == [HandoverAsked("web")]
    assert taker.receive(ask, 0.0) == []
    (ready,) = words(taker.ready("web", 0.1))
    assert taker.receive(ask, 0.1) == [ready]
    assert giver.receive(ready, 0.1) == [HandoverReady("web")]
    assert giver.receive(ready, 0.1) == []
    (done,) = words(giver.done("web"))
    assert giver.receive(ready, 0.1) == [done]
    assert taker.receive(done, 0.1) == [HandoverDone("web")]
    assert taker.receive(done, 0.1) == []
    assert taker.receive(ask, 0.2) == []
    assert giver.deadline() is taker.deadline() is None


def test_refused() -> None:
    """With the reason, and a new ask is a new one."""
    giver, taker = Handovers(), Handovers()
    taker.receive(words(giver.ask("web", 0.0))[0], 0.0)
    (refusal,) = words(taker.refuse("web", "in fault", 0.0))
    assert giver.receive(refusal, 0.0) == [HandoverFailed("web", "in fault")]
    (again,) = words(giver.ask("web", 1.0))
    assert taker.receive(again, 1.0) == [HandoverAsked("web")]


def test_words_are_repeated_until_answered_and_then_taken_back() -> None:
    """Nobody answers: an ask each 20 ms, and at the end it is taken back."""
    giver, taker = Handovers(), Handovers()
    (ask,) = words(giver.ask("web", 0.0))
    taker.receive(ask, 0.0)
    assert giver.wake(REPEAT / 2) == []
    assert giver.wake(REPEAT) == [ask]
    said = giver.wake(GIVE_UP)
    (back,) = words(said)
    assert back.step is Step.TAKE_BACK
    assert said[-1] == HandoverFailed("web", "no answer within 2 s")
    assert taker.receive(back, GIVE_UP) == [HandoverFailed("web", "the peer took its request back")]
    assert taker.ready("web", GIVE_UP) == []


def test_ready_too_late_is_taken_back() -> None:
    """The taker hears that nobody waits for it any more."""
    giver, taker = Handovers(), Handovers()
    taker.receive(words(giver.ask("web", 0.0))[0], 0.0)
    (ready,) = words(taker.ready("web", 1.9))
    giver.wake(GIVE_UP)
    (back,) = words(giver.receive(ready, 2.1))
    assert taker.receive(back, 2.1) == [HandoverFailed("web", "the peer took its request back")]


def test_nobody_asked() -> None:
    """Ready and done of their own accord say nothing."""
    handovers = Handovers()
    assert handovers.ready("web", 0.0) == handovers.done("web") == handovers.take_back("web") == []


def test_a_lost_session_fails_them() -> None:
    """On both sides."""
    giver, taker = Handovers(), Handovers()
    taker.receive(words(giver.ask("web", 0.0))[0], 0.0)
    assert giver.lost("gone") == taker.lost("gone") == [HandoverFailed("web", "gone")]


@given(step=st.sampled_from(Step), number=st.integers(0, 2**40), router=st.text(max_size=64))
def test_messages_both_ways(step: Step, number: int, router: str) -> None:
    """What was encoded is decoded."""
    message = Message(step, number, router, "why")
    assert decode_message(encode_message(message)) == message


@given(body=st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    """Without an exception."""
    message = decode_message(body)
    assert message is None or Handovers().receive(message, 0.0) is not None


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6])
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_make_before_break_under_loss(loss: float, seed: int) -> None:
    """The giver hears ready only after the taker was asked and said so; nothing is told twice."""
    giver, taker, now = Handovers(), Handovers(), 0.0
    chance = random.Random(seed)
    told: list[tuple[str, object]] = []
    queue = [("taker", one) for one in giver.ask("web", now)]
    while now < 3.0:
        now += REPEAT / 2
        queue += [("taker", one) for one in giver.wake(now)] + [("giver", one) for one in taker.wake(now)]
        waiting, queue = queue, []
        for receiver, one in waiting:
            if not isinstance(one, Message):
                told.append((receiver, one))
                continue
            if chance.random() < loss:
                continue
            side, sender = (taker, "giver") if receiver == "taker" else (giver, "taker")
            for answer in side.receive(one, now):
                if isinstance(answer, Message):
                    queue.append((sender, answer))
                    continue
                told.append((receiver, answer))
                if isinstance(answer, HandoverAsked):
                    queue += [("giver", word) for word in taker.ready("web", now)]
                if isinstance(answer, HandoverReady):
                    queue += [("taker", word) for word in giver.done("web")]
    assert told[:2] == [("taker", HandoverAsked("web")), ("giver", HandoverReady("web"))]
    assert len(told) == len(set(map(repr, told)))
    assert told[2][0] == "taker"
    assert isinstance(told[2][1], HandoverDone | HandoverFailed)
