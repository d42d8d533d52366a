"""The loop that keeps the table, on the strict fake of the kernel."""

import asyncio
import contextlib
import errno
from collections.abc import Sequence

from hactl.ipvs.errors import IpvsError, IpvsLost, IpvsMissing
from hactl.ipvs.model import Entry, ServiceKey, Timeouts
from hactl.ipvs.ops import AddService, Op
from hactl.ipvs.ownership import Owned
from hactl.ipvs.passes import Refusal, Refused, Repaired
from hactl.ipvs.reconciler import Faulty, Reconciler, Report, SettingsRepaired, Unusable, Usable
from hactl.ipvs.spec import IpvsSpec, TimeoutsSpec
from support.ipvs_build import entry, key, real
from support.ipvs_fake import FakeKernel
from support.tasks import at_work


class Bench:
    """A reconciler on a fake kernel, with all that it reports and stores."""

    def __init__(self, owned: Owned = frozenset(), spec: IpvsSpec | None = None) -> None:
        self.kernel = FakeKernel()
        self.reports: list[Report] = []
        self.repaired = asyncio.Event()
        self.stored: list[Owned] = []
        self.disk: OSError | None = None
        self.reconciler = Reconciler(
            self.kernel, report=self.report, store_owned=self.store, owned=owned, spec=spec
        )

    def report(self, report: Report) -> None:
        """Keeps the report."""
        self.reports.append(report)
        if isinstance(report, Repaired):
            self.repaired.set()

    async def store(self, owned: Owned) -> None:
        """Keeps the record, after looking that nothing in it was written ahead of it."""
        if self.disk is not None:
            raise self.disk
        added = {op.key for op in self.kernel.written if isinstance(op, AddService)}
        assert added <= owned | {at for kept in self.stored for at in kept}
        self.stored.append(owned)

    async def wish(self, table: dict[ServiceKey, Entry]) -> None:
        """Wishes and waits for the pass."""
        self.reconciler.wish(table)
        await self.reconciler.settled()

    async def check(self) -> None:
        """Reads back now."""
        self.reconciler.check_now()
        await self.reconciler.settled()

    def kinds(self) -> list[type]:
        """The kinds of the reports so far, which are then forgotten."""
        kinds: list[type] = [type(report) for report in self.reports]
        self.reports.clear()
        return kinds

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """The loop runs."""
        return at_work(self.reconciler.run())


def www(*servers: int, weight: int = 1) -> dict[ServiceKey, Entry]:
    """A table of one service."""
    return {key(): entry(*(real(number, weight) for number in servers))}


async def test_a_wish_is_written_and_recorded_before() -> None:
    """The record holds the service before the kernel does; the first report says that IPVS is there."""
    bench = Bench()
    async with bench.running():
        await bench.wish(www(1, 2))
    assert bench.kernel.table == www(1, 2)
    assert bench.stored == [frozenset({key()})]
    assert bench.reconciler.held == www(1, 2)
    assert bench.reports == [Usable("1.2.1")]


async def test_nothing_happens_before_the_first_wish() -> None:
    """A demand to read does not touch the table of a former run."""
    bench = Bench(owned=frozenset({key()}))
    bench.kernel.table = www(1)
    async with bench.running():
        bench.reconciler.check_now()
        for _ in range(20):
            await asyncio.sleep(0.001)
    assert (bench.kernel.table, bench.kernel.reads) == (www(1), 0)


async def test_later_wishes_are_written_without_reading() -> None:
    """A change rests on what is known; a burst of changes is one pass."""
    bench = Bench()
    async with bench.running():
        await bench.wish(www(1))
        reads = bench.kernel.reads
        bench.kernel.written.clear()
        for weight in range(2, 10):
            bench.reconciler.wish(www(1, weight=weight))
        await bench.reconciler.settled()
    assert bench.kernel.reads == reads
    assert len(bench.kernel.written) == 1
    assert bench.kernel.table == www(1, weight=9)


async def test_a_wish_gone_is_removed_and_forgotten() -> None:
    """A service that is no longer wished leaves the kernel first and the record afterwards."""
    bench = Bench()
    async with bench.running():
        await bench.wish(www(1))
        await bench.wish({})
    assert bench.kernel.table == {}
    assert bench.stored[-1] == frozenset()


async def test_a_flushed_table_is_repaired_within_the_period() -> None:
    """Without any demand the table is read back, made whole and reported."""
    bench = Bench(spec=IpvsSpec(reconcile=0.05))
    async with bench.running():
        await bench.wish(www(1))
        bench.kernel.table.clear()
        async with asyncio.timeout(5):
            await bench.repaired.wait()
    assert bench.kernel.table == www(1)


async def test_a_refused_operation_is_told_and_the_rest_written() -> None:
    """Another service is written all the same."""
    bench = Bench()
    bench.kernel.refuse[key()] = errno.EINVAL
    other = key(port=81)
    async with bench.running():
        await bench.wish({**www(1), other: entry(real(1), at=other)})
        assert bench.kernel.table.keys() == {other}
        (refusal,) = bench.reconciler.refused
    assert refusal.code == errno.EINVAL
    assert bench.kinds() == [Usable, Refused]


async def test_without_ipvs_it_says_so_and_goes_on_later() -> None:
    """A kernel without IPVS is told once, with the hint; a demand finds it again."""
    bench = Bench()
    bench.kernel.broken = IpvsMissing("no IPVS; modprobe ip_vs")
    async with bench.running():
        await bench.wish(www(1))
        await bench.check()
        await bench.wish(www(1, 2))
        assert bench.reports == [Unusable("no IPVS; modprobe ip_vs")]
        assert bench.reconciler.unusable == "no IPVS; modprobe ip_vs"
        bench.kernel.broken = None
        await bench.check()
    assert bench.kernel.table == www(1, 2)
    assert bench.reconciler.unusable is None


async def test_after_a_lost_answer_the_table_is_read() -> None:
    """What was sent may or may not have been done: the next pass looks, and calls nothing a repair."""
    bench = Bench()
    async with bench.running():
        await bench.wish(www(1))
        bench.kernel.broken = IpvsLost("no answer")
        await bench.wish(www(1, 2))
        bench.kernel.broken = None
        bench.kernel.table = www(2)
        await bench.check()
    assert bench.kernel.table == www(1, 2)
    assert bench.kinds() == [Usable, Unusable, Usable]


async def test_a_full_disk_is_told_and_the_table_written() -> None:
    """The record cannot be kept: traffic matters more, and the record is tried again."""
    bench = Bench()
    bench.disk = OSError(errno.ENOSPC, "No space left on device")
    async with bench.running():
        await bench.wish(www(1))
        await bench.check()
        assert bench.kinds() == [Usable, Faulty]
        bench.disk = None
        await bench.check()
    assert bench.kernel.table == www(1)
    assert bench.stored == [frozenset({key()})]


async def test_time_outs_are_set_and_put_right() -> None:
    """Set at first without a word, told when somebody changed them; those not configured are left."""
    bench = Bench(spec=IpvsSpec(timeouts=TimeoutsSpec(tcp=1000)))
    async with bench.running():
        await bench.wish(www(1))
        assert bench.kernel.set == Timeouts(tcp=1000, tcpfin=120, udp=300)
        bench.kernel.set = Timeouts(tcp=5, tcpfin=6, udp=7)
        bench.kinds()
        await bench.check()
        assert bench.kernel.set == Timeouts(tcp=1000, tcpfin=6, udp=7)
        assert bench.reports == [SettingsRepaired(("time-out tcp: 5 instead of 1000 s",))]
        bench.reports.clear()
        bench.reconciler.configure(IpvsSpec(timeouts=TimeoutsSpec(tcp=2000)))
        await bench.reconciler.settled()
    assert bench.reports == []
    assert bench.kernel.set.tcp == 2000


async def test_a_switch_that_is_not_there_is_told_once() -> None:
    """A kernel without the switch is a fault that is said once, and nothing else suffers."""
    bench = Bench(spec=IpvsSpec(switches=(("no_such_switch", "1"),)))
    async with bench.running():
        await bench.wish(www(1))
        await bench.check()
    assert bench.reports == [Usable("1.2.1"), Faulty("this kernel's IPVS has no switch no_such_switch")]
    assert bench.kernel.table == www(1)


async def test_counters_are_read_at_most_so_often() -> None:
    """Several askers share one reading; services of others are not in it; a broken kernel gives the last known."""
    bench = Bench()
    other = key(port=99)
    bench.kernel.table = {other: entry(real(9), at=other)}
    async with bench.running():
        await bench.wish(www(1, weight=3))
        reads = bench.kernel.reads
        first, second = await asyncio.gather(bench.reconciler.counters(), bench.reconciler.counters())
        assert bench.kernel.reads == reads + 1
        assert first == second
        assert first.keys() == {key()}
        assert first[key()].servers[real(1).key].active == 3
        bench.kernel.broken = IpvsError("broken")
        assert await bench.reconciler.counters(max_age=0.0) == first


async def test_what_is_counted_now_was_read_now() -> None:
    """A reading from before is not enough, however young; while the kernel cannot be read there is none."""
    bench = Bench()
    async with bench.running():
        await bench.wish(www(1, weight=3))
        await bench.reconciler.counters()
        reads = bench.kernel.reads
        found = await bench.reconciler.count_now()
        assert bench.kernel.reads == reads + 1
        assert found is not None
        assert found[key()].servers[real(1).key].active == 3
        bench.kernel.broken = IpvsError("broken")
        assert await bench.reconciler.count_now() is None


async def test_a_wish_during_a_pass_is_not_lost() -> None:
    """What is wished while the kernel is being written is written next."""
    bench = Bench()
    perform = bench.kernel.apply

    async def slow(ops: list[Op]) -> object:
        bench.kernel.apply = perform  # type: ignore[method-assign]
        bench.reconciler.wish(www(2))
        await asyncio.sleep(0.01)
        return await perform(ops)

    bench.kernel.apply = slow  # type: ignore[method-assign,assignment]
    async with bench.running():
        await bench.wish(www(1))
        await bench.reconciler.settled()
    assert bench.kernel.table == www(2)


async def test_what_was_added_and_lost_is_still_ours() -> None:
    """The answer to adding a service is lost and it is not wished any more: it leaves the table."""
    bench = Bench()
    async with bench.running():
        await bench.wish({})
        perform = bench.kernel.apply

        async def lost(ops: Sequence[Op]) -> tuple[Refusal, ...]:
            await perform(ops)
            bench.kernel.apply = perform  # type: ignore[method-assign]
            raise IpvsLost("the answer was lost")

        bench.kernel.apply = lost  # type: ignore[method-assign]
        await bench.wish(www(1))
        assert bench.kernel.table == www(1)
        bench.reconciler.wish({})
        async with asyncio.timeout(10):
            while bench.kernel.table:
                await bench.check()
