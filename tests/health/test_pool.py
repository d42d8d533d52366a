"""The pool: probes at their times, counters kept over a new set, nothing lost, nothing left."""

import asyncio
import os
import resource
import time

import pytest

from health.checker import ANEW
from health.dialogue import ProbeError, Ran
from health.pool import PROGRAMS, Pool
from health.result import PASSED, Health, Reason, Repeats
from health.spec import CheckSpec, HealthSpec, ScriptProbe, TcpProbe, TlsSpec
from support.alerts import until
from support.pool import Told, check, running
from support.servers import free_port, serving, silence


async def test_listening_server_comes_up() -> None:
    """The first pass makes it up, and the transition says from what and by which result."""
    async with serving(silence) as port, running(spec := check(port)) as (_, told):
        (up,) = await told.until(1)
    assert (up.check, up.old, up.new) == (spec.id, Health.UNKNOWN, Health.UP)
    assert up.result.reason is Reason.OK


async def test_dead_server_goes_down_at_the_fast_interval() -> None:
    """After `fall` refusals in a row the verdict falls, about two fast intervals after the first."""
    port = free_port()
    async with running(check(port, fall=3)) as (pool, told):
        (down,) = await told.until(1)
        assert pool.counts.probes == 3
    assert (down.old, down.new) == (Health.UNKNOWN, Health.DOWN)
    assert down.result.reason is Reason.CONNECT_REFUSED


async def test_a_silent_server_is_asked_again_at_once_while_its_verdict_changes() -> None:
    """Each failure takes the whole timeout, longer than the fast interval; none waits for another of those besides."""
    asked = []

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(time.monotonic())
        await asyncio.sleep(3600)

    async with serving(deaf) as port:
        spec = check(port, probe=TcpProbe(expect="x"), interval=5.0, fast_interval=1.0, timeout=1.05, fall=3)
        async with running(spec) as (_, told):
            (down,) = await told.until(1)
    assert down.result.reason is Reason.READ_TIMEOUT
    assert asked[2] - asked[0] < 3.5, "two timeouts, not two and two waits up to the next grid point"


async def test_returning_server_rises() -> None:
    """Down, then listening again: up after `rise` passes."""
    port = free_port()
    async with running(check(port, fall=1, rise=3)) as (pool, told):
        await told.until(1)
        server = await asyncio.start_server(silence, "127.0.0.1", port)
        failed = pool.counts.failed
        await told.until(2)
        server.close()
    assert told.transitions[1].new is Health.UP
    assert pool.counts.probes - failed >= 3


async def test_new_set_keeps_counters_and_clock() -> None:
    """An unchanged check is not touched: no second transition, no restart; the new runs, the removed stops."""
    async with serving(silence) as one, serving(silence) as two, running(check(one)) as (pool, told):
        await told.until(1)
        applied = pool.apply(pool.prepare(HealthSpec(checks=(check(one), check(two)))))
        assert applied == (1, 1, 0)
        await told.until(2)
        applied = pool.apply(pool.prepare(HealthSpec(checks=(check(two),))))
        assert applied == (1, 0, 1)
        pool.outcomes()
        await asyncio.sleep(0.3)
        assert {outcome.check for outcome in pool.outcomes()} == {check(two).id}
    assert [transition.check for transition in told.transitions] == [check(one).id, check(two).id]


async def test_equal_checks_run_once() -> None:
    """A check listed twice is one check."""
    async with serving(silence) as port, running(check(port), check(port)) as (pool, told):
        await told.until(1)
        assert len(pool.outcomes()) == 1


async def test_outcomes_are_told_once() -> None:
    """Only checks that ran since the last asking are in it, each with its latest result."""
    async with (
        serving(silence) as port,
        running(check(port, interval=2.0, fast_interval=2.0)) as (pool, told),
    ):
        assert pool.outcomes() == ()
        await told.until(1)
        outcomes = pool.outcomes()
        assert pool.outcomes() == ()
    (outcome,) = outcomes
    assert (outcome.health, outcome.result.reason) == (Health.UP, Reason.OK)
    assert 0 < outcome.at <= time.monotonic()


async def test_what_passes_again_is_told_by_its_times() -> None:
    """A pass is news once; then only that there was another. After a new set, which may be of other hearers, all is."""
    async with serving(silence) as port, running(check(port)) as (pool, told):
        await told.until(1)
        (first,) = pool.outcomes()
        await until(lambda: pool.counts.probes >= 4)
        assert pool.outcomes() == ()
        again = pool.repeats()
        assert again.checks == (check(port).id,)
        assert first.at < again.at[0] <= time.monotonic()
        assert 0 < again.elapsed[0] < 0.3
        assert pool.repeats() == Repeats((), (), ())
        pool.apply(pool.prepare(HealthSpec(checks=(check(port),))))
        await until(lambda: pool.counts.probes >= 6)
        assert [outcome.at > again.at[0] for outcome in pool.outcomes()] == [True]


async def test_a_failure_ends_the_repeats() -> None:
    """The first failure is news, although the verdict stays; so is each further one, and the first pass after them."""
    port = free_port()
    async with running(check(port, fall=100)) as (pool, told):
        server = await asyncio.start_server(silence, "127.0.0.1", port)
        await told.until(1)
        await until(lambda: bool(pool.repeats().checks))
        server.close()
        await server.wait_closed()
        await until(lambda: pool.counts.failed >= 2)
        pool.repeats()
        reasons = {outcome.result.reason for outcome in pool.outcomes()}
        await asyncio.sleep(0.2)
        assert reasons == {Reason.CONNECT_REFUSED}
        assert pool.repeats().checks == ()
        server = await asyncio.start_server(silence, "127.0.0.1", port)
        await until(lambda: any(outcome.result.passed for outcome in pool.outcomes()))
        server.close()
    assert [change.new for change in told.transitions][-1] is Health.UP


async def test_capacity_bounds_probes_under_way() -> None:
    """With one place, forty silent servers are probed one after the other; none is forgotten, none nests."""
    checks = [check(port, timeout=0.005, fall=1) for port in range(1, 41)]
    async with running(*checks, capacity=1) as (pool, told):
        await told.until(40)
        assert pool.counts.internal_errors == 0


async def test_programs_wait_for_their_turn() -> None:
    """So many programs run at a time; the rest wait, and a check without a program is not held up by them."""
    gate, most = asyncio.Event(), [0, 0]

    async def run(command: object, user: str, environment: object, within: float, hosts: object) -> Ran:
        most[0] += 1
        most[1] = max(most)
        await gate.wait()
        most[0] -= 1
        return Ran(PASSED, 0)

    scripts = [
        CheckSpec(
            address="",
            port=0,
            probe=ScriptProbe(command=(f"/{n}",)),
            interval=0.1,
            fast_interval=0.1,
            timeout=9,
        )
        for n in range(PROGRAMS + 8)
    ]
    told = Told()
    pool = Pool(asyncio.get_running_loop(), "hactl/test", told.take, run_program=run)
    async with serving(silence) as port:
        pool.apply(pool.prepare(HealthSpec(checks=(*scripts, spec := check(port)))))
        assert (await told.until(1))[0].check == spec.id
        await until(lambda: pool.waited == 8)
        gate.set()
        await told.until(1 + len(scripts))
        pool.close()
    assert most[1] == PROGRAMS


async def test_waiting_checks_can_be_removed() -> None:
    """A check that waits for a place goes with the rest, and the place is given on."""
    async with serving(silence) as port:
        held = CheckSpec(
            address="127.0.0.1",
            port=port,
            probe=TcpProbe(expect="x"),
            timeout=5.0,
            interval=0.01,
            fast_interval=0.01,
        )
        waiting, other = check(port, interval=0.01), check(port, interval=0.02)
        async with running(held, capacity=1) as (pool, told):
            await asyncio.sleep(0.1)
            pool.apply(pool.prepare(HealthSpec(checks=(held, waiting, other))))
            await asyncio.sleep(0.2)
            assert pool.waited == 2
            pool.apply(pool.prepare(HealthSpec(checks=(other,))))
            (up,) = await told.until(1)
    assert up.check == other.id


async def test_fault_in_a_probe_is_contained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code of ours that raises ends that probe with the exception in words, counted; others go on."""

    def broken(self: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    async with serving(silence) as port:
        talking = CheckSpec(
            address="127.0.0.1",
            port=port,
            probe=TcpProbe(send="x"),
            interval=0.05,
            fast_interval=0.05,
            fall=1,
        )
        monkeypatch.setattr("health.wire.tcp.TcpDialogue.begin", broken)
        async with running(talking, check(port)) as (pool, told):
            await told.until(2)
            assert pool.counts.internal_errors >= 1
    by_check = {transition.check: transition for transition in told.transitions}
    assert by_check[talking.id].result.reason is Reason.INTERNAL_ERROR
    assert by_check[talking.id].result.detail == "ZeroDivisionError: nobody thought of this"
    assert by_check[check(port).id].new is Health.UP


def stall(seconds: float = 0.4) -> None:
    """Nothing in this process moves."""
    time.sleep(seconds)


async def test_answer_that_waited_for_us_counts() -> None:
    """After a stall of this process longer than the timeout, an answer that is there is no time-out."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"ok")
        await writer.drain()
        stall()  # The answer is in the prober's socket.

    async with serving(answer) as port:
        spec = CheckSpec(
            address="127.0.0.1",
            port=port,
            probe=TcpProbe(send="x", expect="ok"),
            interval=0.2,
            timeout=0.3,
        )
        async with running(spec) as (_, told):
            (first,) = await told.until(1)
    assert first.new is Health.UP


async def test_stall_before_the_request_is_no_timeout() -> None:
    """A stall between connecting and sending leaves the server its full time."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not stalled:
            stalled.append(True)
            stall(0.7)
        await reader.read(1)
        writer.write(b"ok")
        await writer.drain()

    stalled: list[bool] = []
    async with serving(answer) as port:
        spec = CheckSpec(
            address="127.0.0.1",
            port=port,
            probe=TcpProbe(send="x", expect="ok"),
            interval=0.2,
            timeout=0.3,
            fall=1,
        )
        async with running(spec) as (_, told):
            (first,) = await told.until(1)
    assert stalled
    assert first.new is Health.UP


async def test_a_silent_server_is_found_by_a_process_that_is_late_all_the_time() -> None:
    """Each deadline is judged late, as on a host without the processor time for it: found in the end, and only then."""

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with serving(deaf) as port:
        spec = check(port, probe=TcpProbe(expect="x"), timeout=0.05, fall=1)
        async with running(spec) as (_, told):
            end = time.monotonic() + 20
            while not told.transitions and time.monotonic() < end:
                stall(0.3)
                await asyncio.sleep(0)
            (down,) = told.transitions
    assert down.result.reason is Reason.READ_TIMEOUT
    assert down.result.elapsed > 0.3 * ANEW


async def test_whoever_is_out_of_descriptors_says_nothing_of_its_servers() -> None:
    """What is up stays up, what was never seen stays unknown, what is down stays down; then all goes on."""
    dead = check(free_port(), fall=1)
    async with (
        serving(silence) as one,
        serving(silence) as two,
        running(check(one, fall=1), dead) as (pool, told),
    ):
        await told.until(2)
        pool.outcomes()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            new = pool.prepare(HealthSpec(checks=(check(one, fall=1), dead, check(two, fall=1))))
            pool.apply(new)
            await until(lambda: pool.counts.undecided >= 12)
            shown = {item.check: (item.health, item.result.reason) for item in pool.outcomes()}
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert shown == {
            check(one, fall=1).id: (Health.UP, Reason.CANNOT_RUN),
            dead.id: (Health.DOWN, Reason.CANNOT_RUN),
            check(two, fall=1).id: (Health.UNKNOWN, Reason.CANNOT_RUN),
        }
        assert len(told.transitions) == 2
        changes = await told.until(3)
    assert (changes[-1].check, changes[-1].new) == (check(two, fall=1).id, Health.UP)


async def test_warnings_do_not_reject() -> None:
    """Facts of this host are warnings: an unreadable file by name, too few descriptors by number."""
    async with running(capacity=1) as (pool, _):
        tls = TlsSpec(ca_file="/nonexistent/ca.pem")
        checks = tuple(CheckSpec(address="127.0.0.1", port=port, probe=TcpProbe(tls=tls)) for port in (1, 2))
        warnings = pool.prepare(HealthSpec(checks=checks)).warnings
    assert any("/nonexistent/ca.pem" in warning for warning in warnings)
    assert any("RLIMIT_NOFILE" in warning for warning in warnings)
    assert len(warnings) == 2


async def test_wrong_spec_changes_nothing() -> None:
    """A check that can never run is refused at preparing."""
    async with running() as (pool, _):
        wrong = CheckSpec(address="127.0.0.1", port=1, probe=TcpProbe(expect_regex="("))
        with pytest.raises(ProbeError):
            pool.prepare(HealthSpec(checks=(wrong,)))


async def test_close_leaves_nothing_open() -> None:
    """After close, the process holds the descriptors it held before."""
    async with serving(silence) as port:
        before = len(os.listdir("/proc/self/fd"))
        held = CheckSpec(address="127.0.0.1", port=port, probe=TcpProbe(expect="x"), interval=0.05)
        async with running(held):
            await asyncio.sleep(0.2)
            assert len(os.listdir("/proc/self/fd")) > before
        await asyncio.sleep(0.1)
        assert len(os.listdir("/proc/self/fd")) <= before + 1
