"""Fencing before a takeover without a heard release: when it is asked for, and what its end means."""

from collections.abc import Callable

import msgspec
import pytest

from failover import describe, handing
from failover.actions import Action, AskFencing, Changed, DropFencing, HoldAddresses, Wants
from failover.election import Election
from failover.fencing import GRACE, LONGEST_PAUSE, PAUSE
from failover.group import Order, member, settle
from failover.moves import Cause, State
from failover.packet import OWNER, RELEASE
from failover.spec import FenceSpec, Standby
from support.failover import HIGHER, LOWER, OURS, advert, as_master, only, router_spec, run_to, started

FENCE = FenceSpec(timeout=5.0)
REQUIRED = FenceSpec(timeout=5.0, required=True)


def asked(fence: FenceSpec = REQUIRED, **changes: object) -> tuple[Election, float, int]:
    """A backup whose master fell silent at 0 and who has just asked for fencing; when, and by which number."""
    election = started(now=-1.0, fence=fence, **changes)
    election.receive(advert(200), HIGHER, 0.0)
    done = [(at, action) for at, action in run_to(election, 1.0) if isinstance(action, AskFencing)]
    assert [action.master for _, action in done] == [HIGHER]
    assert election.router.state is State.BACKUP
    return election, done[0][0], done[0][1].number


def took_over(actions: list[Action]) -> bool:
    """Whether these put the VIPs up."""
    return bool(only(HoldAddresses, actions))


def test_a_silent_master_is_fenced_first() -> None:
    """After the master-down time the program is asked for; the takeover comes with its success, and says so."""
    election, at, number = asked()
    assert at == pytest.approx(0.3 + 156 / 256 * 0.1)
    actions = election.fenced(number, "", at + 3.0)
    assert took_over(actions)
    assert only(Changed, actions)[0].reason == (
        "no advert from a master within the master-down time: the master heard last was fenced"
    )


@pytest.mark.parametrize("fence", [FENCE, REQUIRED])
def test_nobody_is_fenced_who_let_go(fence: FenceSpec) -> None:
    """A release, a handover by name, a living master of lower priority."""
    released = started(now=-1.0, fence=fence)
    released.receive(advert(200), HIGHER, 0.0)
    released.receive(advert(RELEASE), HIGHER, 0.1)
    handed = started(now=-1.0, fence=fence)
    handed.receive(advert(200), HIGHER, 0.0)
    better = started(now=-1.0, fence=fence)
    for tenth in range(10):
        better.receive(advert(50), LOWER, -1.0 + tenth / 10)
    assert took_over([*handed.hand(handing.asked, 0.1)])
    for election, cause in ((released, Cause.MASTER_RELEASED), (better, Cause.PREEMPTING)):
        done = [action for _, action in run_to(election, 0.3)]
        assert took_over(done)
        assert not only(AskFencing, done)
        assert election.router.cause is cause


def test_a_word_that_the_master_goes_is_no_release() -> None:
    """It may stand still before it lets go."""
    election = started(now=-1.0, fence=REQUIRED)
    election.receive(advert(200), HIGHER, 0.0)
    assert only(AskFencing, election.hasten(HIGHER, 0.05, gone=True, pair=True))


def test_who_never_heard_anybody_takes_over() -> None:
    """Unless that is to be fenced too, or an earlier daemon heard somebody."""
    assert took_over([action for _, action in run_to(started(fence=REQUIRED), 1.0)])
    strict = started(fence=FenceSpec(required=True, at_start=True))
    assert only(AskFencing, [action for _, action in run_to(strict, 1.0)])[0].master == b""
    again = started(fence=REQUIRED)
    again.router.fence.known = HIGHER
    assert only(AskFencing, [action for _, action in run_to(again, 1.0)])[0].master == HIGHER


def test_what_an_earlier_daemon_left_is_taken_from_nobody() -> None:
    """A daemon that starts again within its lease goes on as master; heard anybody, it does not."""
    spec = router_spec(fence=FenceSpec(required=True, at_start=True))
    election, other = Election(spec, OURS), Election(spec, OURS)
    for one in (election, other):
        one.start(0.0, inherited=True)
    other.receive(advert(200), HIGHER, 0.1)
    assert took_over([action for _, action in run_to(election, 0.9) if election.router.state is State.MASTER])
    assert other.router.state is State.BACKUP
    assert only(AskFencing, [action for _, action in run_to(other, 0.9)])


def test_the_owner_fences_as_anybody() -> None:
    """Priority 255 does not mean that the other has let go."""
    election = started(now=-1.0, fence=REQUIRED, priority=OWNER)
    assert election.router.state is State.BACKUP
    election.router.fence.known = HIGHER
    assert only(AskFencing, election.wake(-1.0))


def test_failed_and_not_required() -> None:
    """The takeover goes on, and its reason has the failure."""
    election, at, number = asked(FENCE)
    actions = election.fenced(number, "exit status 1: no route", at + 1.0)
    assert took_over(actions)
    assert only(Changed, actions)[0].reason.endswith("fencing failed (exit status 1: no route)")


def test_failed_and_required() -> None:
    """No takeover; status says why; tried again after 2, 4, 8 ... 60 s, each by another number; a success ends it."""
    election, at, number = asked()
    numbers, pauses = {number}, []
    for _ in range(8):
        ended = at + 1.0
        assert not took_over(election.fenced(number, "exit status 1", ended))
        assert "no takeover, for fencing 10.99.0.6 failed" in describe.reason(election.router)
        at = election.deadline() or 0.0
        (again,) = only(AskFencing, election.wake(at))
        number = again.number
        pauses.append(at - ended)
        numbers.add(number)
    assert pauses == pytest.approx([min(LONGEST_PAUSE, PAUSE * 2**n) for n in range(8)])
    assert len(numbers) == 9
    assert took_over(election.fenced(number, "", at + 1.0))


def test_fencing_that_fails_for_days() -> None:
    """The pauses are as long as ever, and the number of tries ends nothing."""
    election, at, number = asked()
    for _ in range(1500):
        election.fenced(number, "exit status 1", at)
        due = election.deadline()
        assert due is not None
        assert at < due <= at + LONGEST_PAUSE + 0.001
        (again,) = only(AskFencing, election.wake(due))
        at, number = due, again.number


@pytest.mark.parametrize("fence", [FENCE, REQUIRED])
def test_no_answer_is_a_failure(fence: FenceSpec) -> None:
    """A moment after the program's own time. The answer is wanted no more."""
    election, at, number = asked(fence)
    late = at + fence.timeout + GRACE
    assert election.deadline() == pytest.approx(late)
    actions = election.wake(late)
    assert only(DropFencing, actions) == [DropFencing(number, "nobody said how it ended")]
    assert took_over(actions) is not fence.required
    assert not took_over(election.fenced(number, "", late + 0.1))


def test_who_stood_still_reads_the_answer_first() -> None:
    """It waits to be read when the timer acts."""
    election, at, number = asked(FENCE)
    woke = at + 60.0
    assert election.wake(woke) == []
    assert took_over(election.fenced(number, "", woke))
    assert election.router.detail == "the master heard last was fenced"


@pytest.mark.parametrize("failed", [False, True])
def test_an_advert_ends_the_wait(failed: bool) -> None:
    """Of whomever: a better master is followed, and what comes of the fencing counts no more."""
    election, at, number = asked()
    if failed:
        election.fenced(number, "exit status 1", at + 0.1)
    actions = election.receive(advert(200), LOWER, at + 1.0)
    assert only(DropFencing, actions) == [DropFencing(number)]
    assert election.fenced(number, "", at + 1.1) == []
    assert election.router.state is State.BACKUP
    assert election.deadline() == pytest.approx(at + 1.0 + 0.3 + 156 / 256 * 0.1)
    assert "fencing" not in describe.reason(election.router)


@pytest.mark.parametrize("failed", [False, True])
def test_a_release_ends_the_wait(failed: bool) -> None:
    """It is followed after the skew time as ever."""
    election, at, number = asked()
    if failed:
        election.fenced(number, "exit status 1", at + 0.1)
    election.receive(advert(RELEASE), HIGHER, at + 1.0)
    done = run_to(election, at + 1.5)
    assert [when for when, action in done if isinstance(action, HoldAddresses)] == pytest.approx(
        [at + 1.0 + 156 / 256 * 0.1]
    )


def test_a_living_lower_master_ends_it_by_being_preempted() -> None:
    """It hears us, and lets go."""
    election, at, _ = asked()
    election.receive(advert(50), LOWER, at + 1.0)
    assert took_over(election.wake(at + 1.0))
    assert election.router.cause is Cause.PREEMPTING


def test_all_else_that_ends_it() -> None:
    """A fault, a stop, standby: nobody waits for the program any more."""
    acts: tuple[Callable[[Election, float], list[Action]], ...] = (
        lambda e, at: e.set_fault("no carrier", at),
        lambda e, at: e.stop(at),
        lambda e, at: e.set_standby(Standby.SOFT, at),
        lambda e, at: e.hand(handing.asked, at),
    )
    for act in acts:
        election, at, number = asked()
        assert DropFencing(number) in act(election, at + 0.5)
        assert not took_over(election.fenced(number, "", at + 0.6))


def test_a_reload_may_take_it_away() -> None:
    """Who waited takes over; who waited for another try tries what it is told now."""
    election, at, number = asked()
    spec = election.router.spec
    actions = election.adopt(msgspec.structs.replace(spec, fence=None), at + 0.5)
    assert DropFencing(number) in actions
    assert took_over(election.wake(at + 0.5))
    failing, at, number = asked()
    failing.fenced(number, "exit status 1", at)
    failing.adopt(msgspec.structs.replace(spec, fence=FENCE), at + 0.5)
    again = only(AskFencing, failing.wake(at + 0.5))
    assert took_over(failing.fenced(again[0].number, "exit status 1", at + 0.6))


def test_a_master_that_stood_still_fences_before_it_comes_back() -> None:
    """Somebody may have taken over since, if there ever was somebody."""
    election = as_master(fence=REQUIRED)
    election.receive(advert(50), LOWER, 1.0)
    election.wake(9.0)
    assert election.router.state is State.BACKUP
    assert only(AskFencing, [action for _, action in run_to(election, 10.0)])


# ---- groups -----------------------------------------------------------------------------------------------------


def test_a_group_fences_when_all_would_be_master_and_is_master_when_all_did() -> None:
    """A member that still has a master keeps the others from fencing anybody."""
    routers = [asked_by_group() for _ in range(2)]
    one, other = routers
    waiting = started(now=-1.0, fence=REQUIRED)
    waiting.set_grouped(True)
    waiting.receive(advert(200), HIGHER, 0.9)
    view = {name: member(e.router, 1.0) for name, e in (("a", one), ("b", waiting))}
    assert settle(view) == {}
    view = {name: member(e.router, 1.0) for name, e in (("a", one), ("b", other))}
    assert settle(view) == {"a": Order.FENCE, "b": Order.FENCE}
    numbers = [only(AskFencing, e.fence(1.0))[0].number for e in routers]
    assert [e.fence(1.1) for e in routers] == [[], []]
    assert Wants() in one.fenced(numbers[0], "", 2.0)
    view = {name: member(e.router, 2.0) for name, e in (("a", one), ("b", other))}
    assert settle(view) == {"b": Order.FENCE}
    other.fenced(numbers[1], "exit status 1", 2.0)
    view = {name: member(e.router, 2.0) for name, e in (("a", one), ("b", other))}
    assert settle(view) == {}
    assert Wants() in [action for _, action in run_to(other, 2.0 + PAUSE)]
    number = only(AskFencing, other.fence(2.0 + PAUSE))[0].number
    other.fenced(number, "", 5.0)
    view = {name: member(e.router, 5.0) for name, e in (("a", one), ("b", other))}
    assert settle(view) == {"a": Order.GRANT, "b": Order.GRANT}
    assert took_over(one.grant(5.0))
    assert took_over(other.grant(5.0))


def asked_by_group() -> Election:
    """A grouped router whose master has fallen silent."""
    election = started(now=-1.0, fence=REQUIRED)
    election.set_grouped(True)
    election.receive(advert(200), HIGHER, 0.0)
    run_to(election, 1.0)
    assert election.router.wanting
    return election
