"""The reconciler on the kernel's own table: adoption, repair, other people's services, and what is set as a whole."""

import asyncio
import contextlib
import subprocess
from pathlib import Path

import pytest

from hactl.ipvs import policy, words
from hactl.ipvs.inherit import adopt
from hactl.ipvs.kernel import Kernel, read_at_start
from hactl.ipvs.model import Entry, ServiceKey, SyncDaemon, Timeouts
from hactl.ipvs.ownership import Owned
from hactl.ipvs.passes import Refused, Repaired
from hactl.ipvs.reconciler import Reconciler, Report, SettingsRepaired, Usable
from hactl.ipvs.spec import IpvsSpec, TimeoutsSpec
from hactl.ipvs.update import update
from hactl.services.state import index
from support.ipvs_build import entry, key, real, service_spec, wishes
from support.ipvs_namespace import ipvsadm
from support.tasks import at_work

WWW = "-A -t 10.77.0.100:80 -s wlc"
FOREIGN = "-A -t 10.99.99.99:1 -s rr\n-a -t 10.99.99.99:1 -r 10.0.0.1:1 -m -w 9\n"


class Bench:
    """A reconciler on the kernel's table, with what it reports and stores."""

    def __init__(self, kernel: Kernel, owned: Owned = frozenset(), spec: IpvsSpec | None = None) -> None:
        self.reports: list[Report] = []
        self.repaired = asyncio.Event()
        self.stored: list[Owned] = []
        self.reconciler = Reconciler(
            kernel, report=self.report, store_owned=self.store, owned=owned, spec=spec
        )

    def report(self, report: Report) -> None:
        """Keeps the report."""
        self.reports.append(report)
        if isinstance(report, Repaired):
            self.repaired.set()

    async def store(self, owned: Owned) -> None:
        """Keeps the record."""
        self.stored.append(owned)

    async def wish(self, table: dict[ServiceKey, Entry]) -> None:
        """Wishes and waits for the pass."""
        self.reconciler.wish(table)
        await self.reconciler.settled()

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """The loop runs."""
        return at_work(self.reconciler.run())


async def test_a_former_table_is_adopted_and_foreign_services_stay(kernel: Kernel) -> None:
    """What a former run left serves on unchanged; a service of ours that nobody wants goes; others' stay as they are."""
    former = f"{WWW}\n-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 1\n-A -t 10.77.0.100:81 -s rr\n"
    ipvsadm("-R", feed=former + FOREIGN)
    services = index([service_spec()])
    table = await read_at_start(kernel)
    state = update(adopt(services, table, 0.0), services, {}, wishes({}), 0.0).state
    bench = Bench(kernel, owned=frozenset({key(), key(port=81)}))
    async with bench.running():
        await bench.wish(policy.desired(services, state, ()))
    assert set(map(str.strip, ipvsadm("-Sn"))) == {
        WWW,
        "-a -t 10.77.0.100:80 -r 10.77.0.21:80 -g -w 1",
        *FOREIGN.strip().split("\n"),
    }
    assert bench.stored == [frozenset({key()})]
    assert [type(report) for report in bench.reports] == [Usable]


async def test_a_flushed_table_is_repaired_and_reported(kernel: Kernel) -> None:
    """`ipvsadm -C` and edits by hand are put right within the period, with words that name them."""
    wish = {key(): entry(real(1), real(2, weight=3))}
    bench = Bench(kernel, spec=IpvsSpec(reconcile=0.5))
    async with bench.running():
        await bench.wish(wish)
        ipvsadm("-C")
        await reported(bench)
        assert (await kernel.read()).table == wish
        edits = (
            "-e -t 10.77.0.100:80 -r 10.77.0.22:80 -g -w 9\n-d -t 10.77.0.100:80 -r 10.77.0.21:80\n"
            "-a -t 10.77.0.100:80 -r 10.77.0.29:80 -g\n-E -t 10.77.0.100:80 -s rr\n"
        )
        bench.reports.clear()
        bench.repaired.clear()
        ipvsadm("-R", feed=edits)
        mends = [op for report in await reported(bench) for op in report.mends]
        assert (await kernel.read()).table == wish
    told = "\n".join(words.deviation(op) for op in mends)
    for part in (
        "22:80 was changed, weight 3 to 9",
        "21:80 was missing",
        "29:80, which is not wanted",
        "wlc to rr",
    ):
        assert part in told


async def reported(bench: Bench) -> list[Repaired]:
    """Waits for reports of repairs, and until nothing more is to be mended."""
    async with asyncio.timeout(60):
        await bench.repaired.wait()
        bench.reconciler.check_now()
        await bench.reconciler.settled()
    return [report for report in bench.reports if isinstance(report, Repaired)]


async def test_a_service_that_the_kernel_refuses_holds_up_nobody(kernel: Kernel) -> None:
    """A scheduler that this kernel does not have is told with a hint; the other service stands."""
    bad = {key(port=1): entry(real(1), scheduler="twos", at=key(port=1))}
    bench = Bench(kernel)
    async with bench.running():
        await bench.wish({**bad, key(): entry(real(1))})
    assert (await kernel.read()).table == {key(): entry(real(1))}
    (refused,) = [report for report in bench.reports if isinstance(report, Refused)]
    assert "modprobe ip_vs_twos" in words.refusal(refused.refusal.op, refused.refusal.code)


def switch(value: str | None = None) -> str:
    """The switch expire_nodest_conn, after setting it where a value is given."""
    path = Path("/proc/sys/net/ipv4/vs/expire_nodest_conn")
    if value is not None:
        path.write_text(value)
    return path.read_text().strip()


async def test_switches_and_time_outs_are_kept(kernel: Kernel) -> None:
    """They are set at start, read back, and put right with a report when somebody changes them."""
    spec = IpvsSpec(
        timeouts=TimeoutsSpec(tcp=600, udp=30),
        switches=(("expire_nodest_conn", "1"), ("sync_threshold", "4 60")),
    )
    bench = Bench(kernel, spec=spec)
    async with bench.running():
        await bench.wish({})
        assert await kernel.timeouts() == Timeouts(tcp=600, tcpfin=120, udp=30)
        assert switch() == "1"
        assert ipvsadm("-L", "--timeout") == ["Timeout (tcp tcpfin udp): 600 120 30"]
        assert switch("0") == "0"
        await kernel.set_timeouts(Timeouts(tcp=5, tcpfin=0, udp=0))
        bench.reconciler.check_now()
        await bench.reconciler.settled()
        assert await kernel.timeouts() == Timeouts(tcp=600, tcpfin=120, udp=30)
    assert switch() == "1"
    (repaired,) = [report for report in bench.reports if isinstance(report, SettingsRepaired)]
    assert repaired.texts == (
        "switch expire_nodest_conn: 0 instead of 1",
        "time-out tcp: 5 instead of 600 s",
    )


async def test_information_and_counters(kernel: Kernel) -> None:
    """The version is ipvsadm's; counters of a fresh service are zero."""
    info = await kernel.start()
    assert f"version {info.version} (size={info.connection_table})" in ipvsadm("-Ln")[0]
    bench = Bench(kernel)
    async with bench.running():
        await bench.wish({key(): entry(real(1))})
        counters = await bench.reconciler.counters()
    assert counters[key()].servers[real(1).key].connections == 0
    assert counters[key()].total.bytes_in == 0


def make_interface() -> None:
    """An interface `sync0` with an address, on which multicast goes nowhere."""
    commands = "link add sync0 type dummy\naddress add 10.9.0.1/24 dev sync0\nlink set sync0 up\n"
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True, timeout=60)


async def test_synchronisation_threads(kernel: Kernel) -> None:
    """Both roles run at once, are read back with their settings, and stop."""
    make_interface()
    master = SyncDaemon(
        master=True, interface="sync0", id=7, max_length=1400, group="224.0.0.82", port=9000, ttl=3
    )
    backup = SyncDaemon(master=False, interface="sync0", id=7)
    await kernel.start_daemon(master)
    await kernel.start_daemon(backup)
    # A thread stopped before it ever ran ends in EINTR, which the kernel does not acknowledge.
    await asyncio.sleep(0.5)
    try:
        running = {daemon.master: daemon for daemon in await kernel.daemons()}
        assert running[True] == master
        assert (running[False].interface, running[False].id) == ("sync0", 7)
    finally:
        await kernel.stop_daemon(master)
        await kernel.stop_daemon(backup)
    assert await kernel.daemons() == ()


@pytest.mark.timeout(300)
async def test_a_thousand_servers_change_without_reading(kernel: Kernel) -> None:
    """100 services with 10 servers each: one changed weight is one write and takes a moment."""
    keys = [key(port=port) for port in range(1, 101)]
    wish = {at: entry(*(real(number) for number in range(1, 11)), at=at) for at in keys}
    bench = Bench(kernel)
    loop = asyncio.get_running_loop()
    async with bench.running():
        started = loop.time()
        await bench.wish(wish)
        written = loop.time()
        await bench.wish({**wish, keys[7]: entry(*(real(n, weight=2) for n in range(1, 11)), at=keys[7])})
        changed = loop.time()
    print(f"written in {written - started:.3f} s, changed in {changed - written:.3f} s")
    assert changed - written < 1.0
    held = (await kernel.read()).table[keys[7]]
    assert {server.weight for server in held.servers.values()} == {2}
