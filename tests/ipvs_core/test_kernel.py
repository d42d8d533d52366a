"""The kernel's table where the running kernel has none, and what is asked of it then."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import pytest

from hactl.ipvs.errors import IpvsLost, IpvsMissing
from hactl.ipvs.kernel import Kernel, Snapshot, read_at_start
from hactl.ipvs.model import Info
from hactl.ipvs.netlink import Acknowledgement
from hactl.ipvs.ops import AddServer, AddService, SetService
from hactl.ipvs.wire import Body
from support.ipvs_build import entry, key, real

Loader = Callable[[str], Awaitable[object]]


class Scripted(Kernel):
    """A kernel whose start ends as told, one word after another; the last goes on."""

    def __init__(self, *ends: Exception | None, load_module: Loader | None = None) -> None:
        super().__init__(load_module=load_module)
        self.ends = list(ends)
        self.starts = 0

    async def info(self) -> Info:
        """The next end."""
        self.starts += 1
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if end is not None:
            raise end
        return Info(version="1.2.1", connection_table=4096)

    async def read(self, keys: object = None, *, sums: bool = False) -> Snapshot:
        """A table of one service."""
        return Snapshot(table={key(): entry(real(1))}, counters={})


async def test_the_module_is_loaded_once_when_missing() -> None:
    """`start` calls the loader and tries again; without one, or without success, it is IpvsMissing."""
    calls = []

    async def load(module: str) -> None:
        calls.append(module)

    kernel = Scripted(IpvsMissing("no IPVS"), None, load_module=load)
    assert (await kernel.start()).version == "1.2.1"
    assert calls == ["ip_vs"]
    for without in (Scripted(IpvsMissing("no IPVS")), Scripted(IpvsMissing("no IPVS"), load_module=load)):
        with pytest.raises(IpvsMissing):
            await without.start()


async def test_schedulers_are_there_before_the_kernel_is_asked_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each module once, ahead of the first service that wants it: the kernel may never come back from loading one."""
    story: list[object] = []

    async def load(module: str) -> None:
        story.append(module)

    kernel = Kernel(load_module=load)

    async def batch(units: Iterable[Sequence[Body]]) -> list[Acknowledgement]:
        sent = list(units)
        story.append(len(sent))
        return [Acknowledgement(0, "")] * len(sent)

    monkeypatch.setattr(kernel._channel, "batch", batch)
    blue, red, green = (entry(scheduler=name).service for name in ("lblc", "wlc", "mh"))
    await kernel.apply((AddService(blue), AddServer(key(), real(1)), SetService(old=blue, service=red)))
    await kernel.apply((AddService(red),))
    await kernel.apply((SetService(old=red, service=green),))
    assert story == ["ip_vs_lblc", "ip_vs_wlc", 3, 1, "ip_vs_mh", 1]


async def test_the_former_table_is_read_at_start() -> None:
    """A table is handed over for adoption; a kernel without IPVS has an empty one."""
    assert await read_at_start(Scripted(None)) == {key(): entry(real(1))}
    assert await read_at_start(Scripted(IpvsMissing("no IPVS"))) == {}


async def test_a_lost_answer_at_start_is_asked_again() -> None:
    """Nothing is adopted on a guess: the reading is tried again, and at last given up with the reason."""
    assert await read_at_start(Scripted(IpvsLost("late"), IpvsLost("late"), None), pause=0.0) == {
        key(): entry(real(1))
    }
    with pytest.raises(IpvsLost):
        await read_at_start(Scripted(IpvsLost("late")), pause=0.0)
