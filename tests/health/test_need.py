"""Dependencies and hints, as decisions and in the pool."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from hactl.processes.sharing import share
from health import hints
from health.hints import Scope
from health.need import Before, Conclusion, conclude
from health.pool import Pool
from health.result import Health, Reason, Result, Transition
from health.schedule import START_RATE
from health.spec import CheckSpec, HealthSpec, Need, TcpProbe
from health.verdict import UNKNOWN, Verdict, observe
from support.pool import check, running
from support.servers import free_port, serving, silence

UP, DOWN = Health.UP, Health.DOWN


def test_failures_say_nothing_while_what_lies_before_is_down() -> None:
    """The verdict stands, and the count begins anew afterwards."""
    before = Before(Verdict(DOWN), 5.0)
    held = conclude(Verdict(UP, 2, 7.0), Verdict(DOWN), False, before, 9.0)
    assert held == Conclusion(Verdict(UP), held=True)
    assert conclude(Verdict(DOWN), Verdict(DOWN, lasting=1), False, before, 9.0).verdict.lasting == 1


def test_a_fall_waits_for_news_of_what_lies_before() -> None:
    """Only a pass that is newer than the first failure proves that the fault is the target's own."""
    failing, down = Verdict(UP, 2, since=7.0), Verdict(DOWN)
    assert conclude(failing, down, False, Before(Verdict(UP), 6.9), 9.0) == Conclusion(failing, ask=True)
    assert conclude(failing, down, False, Before(Verdict(UP), 7.1), 9.0) == Conclusion(down)


def test_a_check_that_falls_at_once_waits_too() -> None:
    """With fall 1 the first failure is remembered, so that the next result can decide."""
    first = conclude(Verdict(UP), Verdict(DOWN), False, Before(Verdict(UP), 6.0), 9.0)
    assert first == Conclusion(Verdict(UP, 1, since=9.0), ask=True)
    assert (
        conclude(first.verdict, Verdict(DOWN), False, Before(Verdict(UP), 9.5), 10.0).verdict.health is DOWN
    )


events = st.lists(st.tuples(st.sampled_from(["own", "before"]), st.booleans()), max_size=80)


@given(events, st.integers(1, 3), st.integers(1, 3))
def test_nothing_falls_for_a_fault_of_what_lies_before(
    given_events: list[tuple[str, bool]], rise: int, fall: int
) -> None:
    """A fall comes only while what lies before was seen passing since the failures began, and it comes then."""
    own, first, passed_at, began = UNKNOWN, UNKNOWN, 0.0, 0.0
    for now, (who, passed) in enumerate(given_events, 1):
        if who == "before":
            first = observe(first, passed, rise, fall, now)
            passed_at = now if passed else passed_at
            continue
        if passed:
            began = 0.0
        elif not began or first.health is DOWN:
            began = now
        old = own
        plain = observe(old, passed, rise, fall, now)
        own = conclude(old, plain, passed, Before(first, passed_at), now).verdict
        if own.health is DOWN and old.health is not DOWN:
            assert first.health is not DOWN
            assert passed_at > began
        elif plain.health is DOWN and old.health is not DOWN:
            assert first.health is DOWN or passed_at <= (old.since if old.against else now)


def needing(port: int, on: CheckSpec, *, skip: bool = True, **more: object) -> CheckSpec:
    """A check that depends on another."""
    return check(port, need=Need(check=on.id, root=on.id, skip=skip), **more)


async def test_a_check_is_left_out_while_what_it_needs_is_down() -> None:
    """It is not run, its verdict stands and is shown as held; it goes on as soon as the other passes."""
    gate = free_port()
    async with serving(silence) as port:
        before = check(gate, fall=1, rise=1)
        after = needing(port, before, interval=5.0, fast_interval=0.01)
        async with running(before) as (pool, told):
            await told.until(1)
            pool.apply(pool.prepare(HealthSpec(checks=(before, after))))
            pool.checker(after.id).hurry(Health.DOWN)  # type: ignore[union-attr]
            await asyncio.sleep(0.2)
            assert pool.checker(after.id).result is None  # type: ignore[union-attr]
            assert pool.checker(after.id).held  # type: ignore[union-attr]
            started = time.monotonic()
            server = await asyncio.start_server(silence, "127.0.0.1", gate)
            await told.until(3)
            server.close()
    assert [(change.check, change.new) for change in told.transitions] == [
        (before.id, DOWN),
        (before.id, UP),
        (after.id, UP),
    ]
    assert time.monotonic() - started < 4.0


async def test_both_fall_and_only_the_first_is_told() -> None:
    """One fault takes both away: the dependent one asks the other and never falls, however quick it is."""
    gate = await asyncio.start_server(silence, "127.0.0.1", 0)
    target = await asyncio.start_server(silence, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (gate, target)]
    before = check(ports[0], interval=1.0, fast_interval=0.2, fall=3)
    after = needing(ports[1], before, skip=False, fall=1, interval=0.05)
    async with running(before, after) as (pool, told):
        await told.until(2)
        gate.close()
        target.close()
        (_, _, fallen) = await told.until(3)
        await asyncio.sleep(0.3)
        assert fallen.check == before.id
        assert len(told.transitions) == 3
        assert {outcome.check: outcome.held for outcome in pool.outcomes()}[after.id]


async def test_a_target_falls_alone() -> None:
    """The other passes: the dependent one falls as usual."""
    async with serving(silence) as gate:
        before = check(gate, interval=5.0)
        after = needing(free_port(), before, fall=2)
        async with running(before, after) as (_, told):
            changes = await told.until(2)
    assert {change.check: change.new for change in changes} == {before.id: UP, after.id: DOWN}


async def test_a_refusal_makes_others_probe_at_once() -> None:
    """A check of the same port with a long interval finds out by the other's first failure; one of another port does not."""
    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with serving(silence) as elsewhere:
        quick, slow = check(port), check(port, interval=60.0, fast_interval=0.05)
        other = check(elsewhere, interval=60.0, fast_interval=0.05)
        async with running(quick, slow, other) as (pool, told):
            for one in (slow, other):
                pool.checker(one.id).hurry(Health.DOWN)  # type: ignore[union-attr]
            await told.until(3)
            probed = pool.checker(other.id).at  # type: ignore[union-attr]
            server.close()
            changes = await told.until(5)
            assert pool.checker(other.id).at == probed  # type: ignore[union-attr]
    assert {change.check for change in changes[3:]} == {quick.id, slow.id}


async def test_the_kernel_has_noticed_first() -> None:
    """A neighbour entry that failed makes every check of that address probe at once."""
    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    slow = check(server.sockets[0].getsockname()[1], interval=60.0, fast_interval=0.05)
    async with running(slow) as (pool, told):
        pool.gone("127.0.0.1")
        await told.until(1)
        server.close()
        await asyncio.sleep(0.1)
        pool.gone("127.0.0.2")
        pool.gone("127.0.0.1")
        (_, fallen) = await told.until(2)
    assert (fallen.new, fallen.result.reason) == (DOWN, Reason.CONNECT_REFUSED)


def test_which_results_are_hints() -> None:
    """The first failure to connect, and a return; a page that is wrong says nothing about other checks."""
    refused, silent, wrong, fine = (
        Result(reason=reason)
        for reason in (Reason.CONNECT_REFUSED, Reason.CONNECT_TIMEOUT, Reason.WRONG_STATUS, Reason.OK)
    )
    assert hints.given(refused, Verdict(UP, 1), None) is Scope.PORT
    assert hints.given(silent, Verdict(UP, 1), None) is Scope.HOST
    for nothing in (
        (wrong, Verdict(UP, 1)),
        (silent, Verdict(UP, 2)),
        (silent, Verdict(DOWN)),
        (fine, Verdict(DOWN, 1)),
    ):
        assert hints.given(*nothing, None) is None
    back = Transition(check="c", old=DOWN, new=UP, result=fine, at=1.0)
    assert hints.given(fine, Verdict(UP), back) is Scope.HOST
    first = Transition(check="c", old=Health.UNKNOWN, new=UP, result=fine, at=1.0)
    assert hints.given(fine, Verdict(UP), first) is None


def test_a_chain_is_run_by_one_worker() -> None:
    """However many workers there are, a check is with the one that it depends on."""
    root = check(1)
    middle = needing(2, root)
    last = check(3, need=Need(check=middle.id, root=root.id))
    for count in (2, 3, 7):
        shares = [share((last, middle, root), number, count) for number in range(count)]
        assert sorted(map(len, shares))[-1] == 3


async def test_hints_come_at_most_once_a_fast_interval() -> None:
    """However often the kernel says so."""
    async with serving(silence) as port:
        slow = check(port, interval=60.0, fast_interval=30.0)
        async with running(slow) as (pool, told):
            assert isinstance(pool, Pool)
            pool.gone("127.0.0.1")
            await told.until(1)
            for _ in range(10):
                pool.gone("127.0.0.1")
                await asyncio.sleep(0.01)
            assert pool.counts.probes == 1


async def test_a_host_with_very_many_checks_is_not_stormed() -> None:
    """A thousand checks of one address, as with a proxy: a hint starts none of them."""
    async with serving(silence) as port:
        # No answer comes, so none lets others begin early.
        waiting = TcpProbe(expect="a word that is never said")
        many = [check(port, probe=waiting, interval=100.0 + n, fast_interval=0.01) for n in range(1000)]
        async with running(*many) as (pool, _):
            began = time.monotonic()
            pool.gone("127.0.0.1")
            await asyncio.sleep(0.2)
            # No more than start by themselves, with some leeway.
            assert pool.counts.probes < START_RATE * (time.monotonic() - began) + 300
