"""One call of a program for several hosts: gathered, judged one by one, and ended when nobody waits."""

import asyncio
from collections.abc import Mapping

from health.dialogue import Ran
from health.pool import Pool
from health.probes.calls import HOSTS
from health.result import PASSED, End, Health, Reason
from health.spec import CheckSpec, Convention, HealthSpec, ScriptProbe
from support.alerts import until
from support.pool import Told


class Monitor:
    """A program that says of some hosts that they failed, and notes what it was called with."""

    def __init__(self) -> None:
        self.failed: tuple[str, ...] = ()
        self.calls: list[tuple[tuple[str, ...], tuple[str, ...], float]] = []
        self.hangs = False
        self.ended = 0

    async def run(
        self,
        command: tuple[str, ...],
        user: str,
        environment: Mapping[str, str],
        within: float,
        hosts: tuple[str, ...],
    ) -> Ran:
        """One call."""
        assert environment == {"HACTL_PORT": "80"}
        self.calls.append((command, hosts, within))
        try:
            await asyncio.sleep(60 if self.hangs else 0)
        finally:
            self.ended += 1
        failed = [host for host in hosts if host in self.failed]
        if failed:
            return Ran(End(Reason.PROGRAM_FAILED), 1, " ".join(failed).encode() + b"\nno answer\n")
        return Ran(PASSED, 0)


def checks(count: int, **changes: object) -> list[CheckSpec]:
    """So many servers checked by one monitor."""
    settings: dict[str, object] = {
        "interval": 0.3,
        "fast_interval": 0.1,
        "timeout": 0.3,
        "fall": 2,
        **changes,
    }
    probe = ScriptProbe(command=("/m", "-t"), convention=Convention.MON)
    return [CheckSpec(address=f"10.0.0.{n}", port=80, probe=probe, **settings) for n in range(count)]  # type: ignore[arg-type]


def working(monitor: Monitor, *specs: CheckSpec) -> tuple[Pool, Told]:
    """A pool at work."""
    told = Told()
    pool = Pool(asyncio.get_running_loop(), "hactl/test", told.take, run_program=monitor.run)
    pool.apply(pool.prepare(HealthSpec(checks=specs)))
    return pool, told


async def test_one_call_for_all() -> None:
    """Equal monitors of many servers are one call each interval; the servers that it names go down, and only they."""
    monitor = Monitor()
    specs = checks(20)
    pool, told = working(monitor, *specs)
    await told.until(20)
    assert {change.new for change in told.transitions} == {Health.UP}
    assert len(monitor.calls) == 1
    command, hosts, within = monitor.calls[0]
    assert (command, set(hosts)) == (("/m", "-t"), {spec.address for spec in specs})
    assert within < 0.3
    monitor.failed = ("10.0.0.3", "10.0.0.4")
    changes = (await told.until(22))[20:]
    assert {change.check for change in changes} == {specs[3].id, specs[4].id}
    assert {(c.new, c.result.reason, c.result.detail) for c in changes} == {
        (Health.DOWN, Reason.PROGRAM_FAILED, "no answer")
    }
    monitor.calls.clear()
    await until(lambda: len(monitor.calls) == 3)
    assert all(len(hosts) == 20 for _, hosts, _ in monitor.calls), "they are together again"
    pool.close()


async def test_other_arguments_are_another_call() -> None:
    """What differs in its port or timeout is not called together."""
    monitor = Monitor()
    specs = [*checks(2), *checks(2, timeout=0.2)]
    pool, told = working(monitor, *specs)
    await told.until(4)
    assert {len(hosts) for _, hosts, _ in monitor.calls} == {2}
    pool.close()


async def test_very_many_hosts_are_several_calls() -> None:
    """A command line has an end."""
    monitor = Monitor()
    probe = ScriptProbe(command=("/m", "-t"), convention=Convention.MON)
    specs = [
        CheckSpec(address=f"10.0.{n // 250}.{n % 250}", port=80, probe=probe, timeout=2.0)
        for n in range(2 * HOSTS + 10)
    ]
    pool, told = working(monitor, *specs)
    await told.until(len(specs))
    assert [len(hosts) for _, hosts, _ in monitor.calls[:3]] == [HOSTS, HOSTS, 10]
    pool.close()


async def test_a_hanging_monitor_fails_all_and_is_ended() -> None:
    """All its hosts go down by the deadline, and the call is over with the last of them."""
    monitor = Monitor()
    monitor.hangs = True
    pool, told = working(monitor, *checks(3, fall=1))
    await told.until(3)
    assert {c.result.reason for c in told.transitions} == {Reason.PROGRAM_TIMEOUT}
    await until(lambda: monitor.ended >= 1)
    await until(lambda: len(monitor.calls) > monitor.ended)
    pool.close()
    await until(lambda: len(monitor.calls) == monitor.ended)


async def test_without_programs() -> None:
    """Where programs are not run the check says so."""
    told = Told()
    pool = Pool(asyncio.get_running_loop(), "hactl/test", told.take)
    pool.apply(pool.prepare(HealthSpec(checks=tuple(checks(1, fall=1)))))
    assert (await told.until(1))[0].result.reason is Reason.CANNOT_RUN
    pool.close()
