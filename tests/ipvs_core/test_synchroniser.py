"""The loop that keeps the synchronisation threads, on a strict fake of the kernel."""

import contextlib
from collections.abc import AsyncIterator

from hactl.ipvs import sync
from hactl.ipvs.model import SyncDaemon
from hactl.ipvs.spec import SyncSpec
from hactl.ipvs.sync import Link, Role, SyncState
from hactl.ipvs.synchroniser import Synchroniser, SyncMoved, SyncRecord, SyncRepaired, SyncReport
from support.ipvs_fake import FakeThreads
from support.tasks import at_work

SPEC = SyncSpec(interface="eth1", id=7, router="web")


class Bench:
    """A loop on a fake kernel, with all that it reports and stores."""

    def __init__(self, spec: SyncSpec | None = SPEC, record: SyncRecord | None = None) -> None:
        self.links: dict[str, Link] = {"eth1": Link(3)}
        self.kernel = FakeThreads(self.links)
        self.reports: list[SyncReport] = []
        self.stored: list[SyncRecord] = []
        self.loop = Synchroniser(
            self.kernel,
            spec,
            report=self.reports.append,
            store=self.store,
            record=record,
            look=self.links.get,
        )

    async def store(self, record: SyncRecord) -> None:
        """Keeps the record."""
        self.stored.append(record)

    async def look(self) -> None:
        """Looks now."""
        self.loop.check_now()
        await self.loop.settled()

    async def follow(self, mastered: bool) -> None:
        """The router's role, and what follows from it."""
        self.loop.follow(mastered)
        await self.loop.settled()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The loop runs."""
        async with at_work(self.loop.run()):
            await self.loop.settled()
            yield

    def repairs(self) -> list[str]:
        """What was told as somebody's change."""
        return [text for report in self.reports if isinstance(report, SyncRepaired) for text in report.texts]


async def test_the_thread_of_the_role_starts_and_an_unchanged_look_writes_nothing() -> None:
    """Recorded first, started once."""
    bench = Bench()
    async with bench.running():
        assert bench.kernel.written == []
        await bench.follow(True)
        assert bench.kernel.written == ["start master"]
        assert bench.stored[0].indexes == {Role.MASTER: 3}
        assert bench.loop.view.state is SyncState.UP
        await bench.look()
        bench.loop.configure(SPEC, 10.0)
        await bench.loop.settled()
        assert bench.kernel.written == ["start master"]
        assert bench.loop.view.state is SyncState.UP
    assert bench.kernel.roles == {Role.MASTER}, "the end of the loop stops nothing"


async def test_a_stopped_thread_is_started_again_and_told_once() -> None:
    """What somebody stopped is put right."""
    bench = Bench()
    async with bench.running():
        await bench.follow(True)
        bench.kernel.threads.clear()
        await bench.look()
        assert bench.kernel.roles == {Role.MASTER}
        await bench.look()
    assert bench.repairs() == ["the master thread of connection synchronisation was stopped"]


async def test_a_missing_interface_is_a_fault_that_mends_itself() -> None:
    """Told once; nothing is tried meanwhile; the thread starts when it is there."""
    bench = Bench()
    del bench.links["eth1"]
    async with bench.running():
        await bench.follow(True)
        await bench.look()
        assert bench.kernel.written == []
        assert bench.loop.view.reason == "there is no interface eth1"
        bench.links["eth1"] = Link(4)
        await bench.look()
        assert bench.kernel.roles == {Role.MASTER}
    moved = [report.new.state for report in bench.reports if isinstance(report, SyncMoved)]
    assert moved == [SyncState.FAULT, SyncState.UP]
    assert bench.repairs() == []


async def test_a_refusal_is_the_reason() -> None:
    """The kernel's own words are in the status, and the next look tries again."""
    bench = Bench()
    bench.kernel.refuse = "the kernel refused to start synchronisation: Cannot allocate memory"
    async with bench.running():
        await bench.follow(False)
        assert (bench.loop.view.state, bench.loop.view.reason) == (SyncState.FAULT, bench.kernel.refuse)
        bench.kernel.refuse = ""
        await bench.look()
        assert bench.loop.view.state is SyncState.UP


async def test_ours_stop_when_sync_leaves_the_configuration() -> None:
    """At a reload, and at a start when the record says that they are ours."""
    bench = Bench()
    async with bench.running():
        await bench.follow(True)
        bench.loop.configure(None, 10.0)
        await bench.loop.settled()
        assert bench.kernel.roles == set()
    assert bench.stored[-1] == SyncRecord()
    later = Bench(None, SyncRecord(indexes={Role.BACKUP: 3}))
    later.kernel.threads[Role.BACKUP] = sync.thread(SPEC, Role.BACKUP)
    async with later.running():
        assert later.kernel.roles == set()


async def test_others_threads_are_left_alone() -> None:
    """Without `sync` and without a record the threads are somebody else's."""
    bench = Bench(None)
    bench.kernel.threads[Role.MASTER] = SyncDaemon(master=True, interface="eth9", id=1)
    async with bench.running():
        assert bench.kernel.roles == {Role.MASTER}
    assert bench.kernel.written == []
