"""Routers that must be master together: the group's rule, and how the election obeys it."""

import pytest

from failover.election import Election
from failover.group import Member, Order, member, settle
from failover.moves import State
from failover.packet import RELEASE
from support.failover import LOWER, OURS, advert, as_master, kinds, router_spec, run_to, settled

MASTER, BACKUP, FAULT = State.MASTER, State.BACKUP, State.FAULT
IS_MASTER = Member(MASTER, False)
RELEASING = Member(MASTER, False, releasing=True)
WANTS = Member(BACKUP, True)
WAITS = Member(BACKUP, False)
BROKEN = Member(FAULT, False)
UNPLUGGED = Member(FAULT, False, link_gone=True)
GRANT, YIELD = Order.GRANT, Order.YIELD


@pytest.mark.parametrize(
    ("first", "second", "orders"),
    [
        (IS_MASTER, IS_MASTER, {}),
        (WANTS, WANTS, {"a": GRANT, "b": GRANT}),
        (IS_MASTER, WANTS, {"b": GRANT}),
        (RELEASING, WANTS, {"b": GRANT}),
        (WANTS, WAITS, {}),
        (WANTS, BROKEN, {}),
        (WAITS, WAITS, {}),
        (BROKEN, BROKEN, {}),
        (IS_MASTER, WAITS, {"a": YIELD}),
        (IS_MASTER, BROKEN, {"a": YIELD}),
        (RELEASING, WAITS, {}),
        (RELEASING, BROKEN, {}),
        (WAITS, BROKEN, {}),
    ],
)
def test_every_mixed_state_of_two(first: Member, second: Member, orders: dict[str, Order]) -> None:
    """Master where all are or would be; where one cannot, the others release. The order of members does not matter."""
    assert settle({"a": first, "b": second}) == orders
    swapped = {"a": "b", "b": "a"}
    assert settle({"a": second, "b": first}) == {swapped[name]: order for name, order in orders.items()}


def test_three_members_wait_for_the_last() -> None:
    """Two that would do not make a group."""
    assert settle({"a": WANTS, "b": WANTS, "c": WAITS}) == {}
    assert settle({"a": WANTS, "b": WANTS, "c": WANTS}) == {"a": GRANT, "b": GRANT, "c": GRANT}


LISTENS = Member(BACKUP, False, listening=True)
LOST = Member(BACKUP, False, outranked=True)


@pytest.mark.parametrize(
    ("members", "orders"),
    [
        ({"a": IS_MASTER, "b": LISTENS}, {}),
        ({"a": LISTENS, "b": IS_MASTER}, {}),
        ({"a": IS_MASTER, "b": LISTENS, "c": WAITS}, {"a": YIELD}),
        ({"a": IS_MASTER, "b": LOST}, {}),
        ({"a": LOST, "b": IS_MASTER}, {"b": YIELD}),
        ({"a": IS_MASTER, "b": LOST, "c": LISTENS}, {}),
        ({"a": IS_MASTER, "b": LOST, "c": BROKEN}, {"a": YIELD}),
        ({"a": WANTS, "b": LISTENS}, {}),
        ({"a": UNPLUGGED, "b": IS_MASTER, "c": RELEASING}, {"b": Order.YIELD_TOLD}),
        ({"a": UNPLUGGED, "b": BROKEN, "c": IS_MASTER}, {"c": Order.YIELD_TOLD}),
    ],
)
def test_what_is_waited_for(members: dict[str, Member], orders: dict[str, Order]) -> None:
    """Who has just begun to listen, and, where the first router was won, the other director's release of the rest."""
    assert settle(members) == orders


def test_what_has_just_begun_is_just_for_a_while() -> None:
    """Twice its master-down time, from when it takes part."""
    election = Election(router_spec(startup_delay=5.0), OURS, grouped=True)
    election.start(0.0)
    assert member(election.router, 5.7).listening
    assert not member(election.router, 5.8).listening
    outranked = as_master(now=0.0)
    outranked.receive(advert(200), LOWER, 0.1)
    assert member(outranked.router, 0.7).outranked
    assert not member(outranked.router, 0.9).outranked
    assert not member(outranked.router, 0.7).listening


def grouped() -> Election:
    """A backup that belongs to a group."""
    election = Election(router_spec(), OURS, grouped=True)
    election.start(0.0)
    return election


def test_a_grouped_router_asks_before_it_takes_over() -> None:
    """Its timer has run out: it says so once, and takes over when granted."""
    election = grouped()
    assert kinds([action for _, action in run_to(election, 5.0)]) == ["Wants"]
    assert kinds(election.grant(5.0)) == ["Changed", "HoldAddresses"]


def test_an_ungranted_wish_is_forgotten_with_the_next_advert() -> None:
    """The master is there again."""
    election = grouped()
    run_to(election, 0.5)
    election.receive(advert(200), LOWER, 0.6)
    assert election.grant(0.6) == []
    assert election.router.state is BACKUP


def test_a_wish_to_preempt_outlives_the_lower_masters_adverts() -> None:
    """It is still wanted while the lower master advertises."""
    election = grouped()
    run_to(election, 0.5)
    election.receive(advert(50), LOWER, 0.6)
    assert kinds(election.grant(0.6)) == ["Changed", "HoldAddresses"]


def test_yielding_to_the_group_releases_and_lingers() -> None:
    """Make before break holds for groups as well."""
    election = as_master(now=0.0)
    assert kinds(election.yield_to_group(0.0)) == ["Changed", "SendAdvert"]
    assert election.router.holding
    assert kinds(settled(election, advert(50), LOWER, 0.1)) == ["DropAddresses"]


def test_what_the_channel_tells_is_succeeded_at_once() -> None:
    """By an advert that comes before the skew time is over, which else is no successor's yet."""
    for told in (False, True):
        election = as_master(now=0.0)
        run_to(election, 5.0)
        election.yield_to_group(5.0, told=told)
        election.receive(advert(50), LOWER, 5.001)
        assert (election.router.give_up_at is not None) == told


def test_a_router_taken_out_of_its_group_needs_no_grant() -> None:
    """A reload ends the group while the router waits for it: it takes over by itself."""
    election = grouped()
    run_to(election, 0.5)
    election.set_grouped(False)
    run_to(election, 1.0)
    assert election.router.state is MASTER


def test_a_router_put_into_a_group_asks_from_then_on() -> None:
    """The other way round."""
    election = grouped()
    election.set_grouped(False)
    election.set_grouped(True)
    election.receive(advert(RELEASE), LOWER, 0.1)
    assert kinds([action for _, action in run_to(election, 1.0)]) == ["Wants"]
