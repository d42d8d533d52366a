"""Wishes about mastership: how they end, how directors agree on them, and what the failover worker is told of them."""

import random

import pytest

from failover.spec import Standby
from hactl.peers.peers import Peers, word
from hactl.processes.messages import HoldBack, Resume, StandAside
from hactl.wishes.mastership import Hold, Mastership, decode, encode
from hactl.wishes.orders import orders
from hactl.wishes.overrides import Overrides

T1, T2 = "10.99.0.2", "10.99.0.3"


def told(old: Mastership, new: Mastership, wall: float = 1000.0) -> list[object]:
    """The orders on lb1, whose monotonic clock shows 50."""
    return list(orders(old, new, "lb1", wall, 50.0))


def test_a_hold_is_in_force_until_its_deadline() -> None:
    """By the wall clock."""
    wishes = Mastership().with_holds({"web": T1}, 1060.0, "root", 1000.0)
    assert [hold.master for hold in wishes.held(1059.0).values()] == [T1]
    assert wishes.held(1060.0) == {}


def test_an_ended_hold_stays_ended() -> None:
    """A late word of a peer that still has it brings nothing back."""
    held = Mastership().with_holds({"web": T1, "inside": T1}, 2000.0, "root", 1000.0)
    ended = held.without_holds(["web"], "root", 1001.0)
    assert set(ended.held(1002.0)) == {"inside"}
    assert ended.merged(held) == ended == held.merged(ended)
    assert ended.without_holds(["web"], "root", 1003.0) == ended, "what is over is not ended again"


def test_standby_of_each_director() -> None:
    """The later wish holds."""
    wishes = Mastership().with_standby("lb1", Standby.SOFT, "root", 1.0)
    wishes = wishes.with_standby("lb2", Standby.HARD, "root", 2.0).with_standby(
        "lb1", Standby.OFF, "root", 3.0
    )
    assert (wishes.standby("lb1"), wishes.standby("lb2"), wishes.standby("lb3")) == (
        Standby.OFF,
        Standby.HARD,
        Standby.OFF,
    )
    assert list(wishes.standing_aside()) == ["lb2"]


def test_two_directors_agree_whatever_the_order() -> None:
    """Merging is the same on both sides, and again changes nothing."""
    chance = random.Random(3)
    for _ in range(200):
        sides = [Mastership(), Mastership()]
        for _ in range(chance.randint(0, 8)):
            side = chance.randrange(2)
            now, wishes = chance.random(), sides[side]
            sides[side] = chance.choice(
                [
                    wishes.with_holds({chance.choice("ab"): chance.choice((T1, T2))}, 9.0, "x", now),
                    wishes.without_holds([chance.choice("ab")], "x", now),
                    wishes.with_standby(chance.choice("pq"), chance.choice(list(Standby)), "x", now),
                    wishes.merged(sides[1 - side]),
                ]
            )
        both = sides[0].merged(sides[1])
        assert both == sides[1].merged(sides[0])
        assert both.merged(sides[0]) == both


def test_kept_and_read_again() -> None:
    """And what cannot be understood is refused with a reason."""
    wishes = (
        Mastership()
        .with_holds({"web": T1}, 2000.0, "root", 1.0)
        .with_standby("lb1", Standby.HARD, "root", 2.0)
    )
    assert decode(encode(wishes)) == wishes
    for broken in (b"", b"{}", b'{"schema": 99, "wishes": {}}'):
        with pytest.raises(ValueError, match="wishes"):
            decode(broken)


def test_a_word_carries_them_and_an_unsound_one_is_refused() -> None:
    """An address that is none would end the failover worker."""
    wishes = Mastership().with_holds({"web": T1}, 2000.0, "root", 1.0)
    peers = Peers()
    heard, _ = peers.on_payload("lb2", word("x", Overrides(), wishes), "x")
    assert heard is not None
    assert heard.mastership == wishes
    hold = Hold(router="web", master="nowhere", until=2000.0, at=1.0, revision=1)
    for bad in (Mastership((hold,), (), 1), Mastership(wishes.holds, (), 0)):
        assert peers.on_payload("lb2", word("x", Overrides(), bad), "x") == (None, None)


def test_the_orders_of_a_change() -> None:
    """Deadlines in the worker's clock; what is the same is not said again; another director's standby is none of ours."""
    none = Mastership()
    held = none.with_holds({"web": T1}, 1060.0, "root", 1000.0)
    assert told(none, held) == [HoldBack("web", 110.0, T1)]
    assert told(held, held) == []
    assert told(held, held.without_holds(["web"], "root", 1001.0)) == [Resume("web")]
    aside = held.with_standby("lb1", Standby.SOFT, "root", 1000.0)
    assert told(held, aside) == [StandAside(Standby.SOFT)]
    assert told(none, aside) == [StandAside(Standby.SOFT), HoldBack("web", 110.0, T1)]
    assert told(held, held.with_standby("lb2", Standby.SOFT, "root", 1000.0)) == []
