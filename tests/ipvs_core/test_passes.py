"""What is remembered from pass to pass: ownership written ahead, refusals, what counts as somebody else's change."""

import errno

from hypothesis import given, settings
from hypothesis import strategies as st

from hactl.ipvs.model import Entry, ServiceKey, Table
from hactl.ipvs.ops import AddServer, AddService
from hactl.ipvs.passes import (
    Memory,
    Mended,
    PassReport,
    Refusal,
    Refused,
    Repaired,
    after_pass,
    next_try,
    plan_pass,
)
from support.ipvs_build import entry, key, real
from support.ipvs_fake import FakeKernel
from support.ipvs_strategies import tables

ONE, TWO = key(port=1), key(port=2)


def run_pass(
    memory: Memory, kernel: FakeKernel, desired: Table, now: float = 0.0, *, read: bool = False
) -> tuple[Memory, tuple[PassReport, ...]]:
    """One pass on the fake kernel."""
    actual = dict(kernel.table) if read or memory.must_read else None
    planned = plan_pass(memory, desired, actual, now)
    refusals = [Refusal(op, code) for op in planned.ops if (code := kernel.perform(op))]
    return after_pass(memory, planned, desired, refusals, now)


def wished(*servers: int, at: ServiceKey = ONE, weight: int = 1) -> dict[ServiceKey, Entry]:
    """A table of one service with these servers."""
    return {at: entry(*(real(number, weight) for number in servers), at=at)}


def test_a_pass_without_change_writes_nothing() -> None:
    """Neither on belief nor after a reading."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, wished(1, 2))
    kernel.written.clear()
    for read in (False, True):
        memory, reports = run_pass(memory, kernel, wished(1, 2), read=read)
        assert (kernel.written, reports) == ([], ())


def test_ownership_is_claimed_before_and_released_after() -> None:
    """A wished service is in the claim before it is added; one that went is forgotten after it is gone."""
    kernel = FakeKernel()
    assert plan_pass(Memory(), wished(1), {}, 0.0).claim == {ONE}
    memory, _ = run_pass(Memory(), kernel, wished(1))
    planned = plan_pass(memory, {}, None, 0.0)
    assert planned.claim == {ONE}
    memory, _ = run_pass(memory, kernel, {})
    assert (memory.owned, kernel.table) == (frozenset(), {})


def test_entries_of_a_former_run_are_adopted() -> None:
    """Found as wished: nothing is written and nothing is told; found otherwise: put right without calling it a repair."""
    kernel = FakeKernel()
    kernel.table = {**wished(1, 2), **wished(1, at=TWO)}
    memory, reports = run_pass(Memory(owned=frozenset({ONE, TWO})), kernel, wished(1))
    assert reports == ()
    assert kernel.table.keys() == {ONE}
    assert kernel.table[ONE].servers.keys() == {real(1).key}
    assert memory.owned == {ONE}


def test_somebody_elses_change_is_told() -> None:
    """A flushed table is made whole and told once, with the operations that mended it."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, wished(1))
    kernel.table.clear()
    memory, reports = run_pass(memory, kernel, wished(1), read=True)
    (repaired,) = reports
    assert isinstance(repaired, Repaired)
    assert [type(op) for op in repaired.mends] == [AddService, AddServer]
    assert run_pass(memory, kernel, wished(1), read=True)[1] == ()


def test_a_change_by_hand_found_by_a_refusal_is_told_too() -> None:
    """The table was flushed and a weight changes before the next reading: a refusal leads to it."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, wished(1))
    kernel.table.clear()
    memory, reports = run_pass(memory, kernel, wished(1, weight=5))
    assert memory.must_read
    assert reports == ()
    memory, reports = run_pass(memory, kernel, wished(1, weight=5))
    assert [type(report) for report in reports] == [Repaired]
    assert kernel.table[ONE].servers == wished(1, weight=5)[ONE].servers


def test_foreign_services_are_never_told_or_touched() -> None:
    """A service that somebody else adds stays."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, wished(1))
    kernel.table.update(wished(9, at=TWO))
    memory, reports = run_pass(memory, kernel, wished(1), read=True)
    assert reports == ()
    assert TWO in kernel.table


def test_a_refused_service_holds_up_nobody() -> None:
    """The other service is written; the refused one is tried again later and later, and told once for each cause."""
    kernel = FakeKernel()
    kernel.refuse[ONE] = errno.EINVAL
    both = {**wished(1), **wished(1, at=TWO)}
    memory, reports = run_pass(Memory(), kernel, both)
    assert kernel.table.keys() == {TWO}
    assert [type(report) for report in reports] == [Refused]
    assert next_try(memory) == 1.0
    kernel.written.clear()
    memory, _ = run_pass(memory, kernel, both, 0.5)
    assert kernel.written == []
    memory, reports = run_pass(memory, kernel, both, 1.0)
    assert (reports, next_try(memory)) == ((), 3.0)
    kernel.refuse.clear()
    memory, reports = run_pass(memory, kernel, both, 3.0)
    assert [type(report) for report in reports] == [Mended]
    assert set(kernel.table) == {ONE, TWO}
    assert next_try(memory) is None


def test_delays_have_an_end() -> None:
    """The time between tries doubles up to a minute."""
    kernel = FakeKernel()
    kernel.refuse[ONE] = errno.EINVAL
    memory, now = Memory(), 0.0
    for _ in range(12):
        memory, _ = run_pass(memory, kernel, wished(1), now)
        now = next_try(memory) or now
    assert memory.troubles[ONE, None].delay == 60.0


def test_a_service_no_longer_wished_is_no_longer_in_trouble() -> None:
    """Taken out of the configuration, a refused service is forgotten."""
    kernel = FakeKernel()
    kernel.refuse[ONE] = errno.EINVAL
    memory, _ = run_pass(Memory(), kernel, wished(1))
    memory, _ = run_pass(memory, kernel, {}, 5.0)
    assert (dict(memory.troubles), memory.owned) == ({}, frozenset())


def test_a_missing_scheduler_is_a_refusal_and_no_race() -> None:
    """ENOENT for an added service names its scheduler: it is told, and no reading follows."""
    kernel = FakeKernel()
    twos = {ONE: entry(real(1), scheduler="twos", at=ONE)}
    memory, _ = run_pass(Memory(), kernel, {})
    memory, reports = run_pass(memory, kernel, twos)
    (refused,) = reports
    assert isinstance(refused, Refused)
    assert isinstance(refused.refusal.op, AddService)
    assert not memory.must_read


def test_a_partly_refused_change_is_remembered_as_it_is() -> None:
    """What was performed of a refused service is not told as somebody's change at the next reading."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, wished(1, 2))
    bad = {ONE: entry(real(1, weight=7), real(2, weight=-1), at=ONE)}
    memory, _ = run_pass(memory, kernel, bad)
    assert kernel.table[ONE].servers[real(1).key].weight == 7
    kernel.written.clear()
    memory, reports = run_pass(memory, kernel, bad, 100.0, read=True)
    assert reports == ()
    assert kernel.written == []


def test_one_bad_server_holds_up_no_other_of_its_service() -> None:
    """While one server is refused again and again, a change of another is written at once."""
    kernel = FakeKernel()
    bad = entry(real(1), real(2, weight=-1), at=ONE)
    memory, _ = run_pass(Memory(), kernel, {ONE: bad})
    memory, reports = run_pass(
        memory, kernel, {ONE: entry(real(1, weight=0), real(2, weight=-1), at=ONE)}, 0.1
    )
    assert kernel.table[ONE].servers == {real(1).key: real(1, weight=0)}
    assert (reports, list(memory.troubles)) == ((), [(ONE, real(2).key)])


def test_a_corrected_wish_does_not_wait() -> None:
    """Another operation than the refused one is tried at once, and the mending is told."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, {ONE: entry(real(1, weight=-1), at=ONE)})
    memory, reports = run_pass(memory, kernel, wished(1), 0.1)
    assert [type(report) for report in reports] == [Mended]
    assert kernel.table[ONE].servers == wished(1)[ONE].servers


def test_nobody_is_moved_behind_a_server_that_is_refused() -> None:
    """With sh a server that cannot enter moves the others once, not again and again while it waits."""
    kernel = FakeKernel()
    memory, _ = run_pass(Memory(), kernel, {ONE: entry(real(1), real(3), scheduler="sh", at=ONE)})
    bad = {ONE: entry(real(1), real(2, weight=-1), real(3), scheduler="sh", at=ONE)}
    memory, reports = run_pass(memory, kernel, bad)
    assert [type(report) for report in reports] == [Refused]
    kernel.written.clear()
    memory, reports = run_pass(memory, kernel, bad, 0.5, read=True)
    assert (kernel.written, reports) == ([], ())
    good = {ONE: entry(real(1), real(2), real(3), scheduler="sh", at=ONE)}
    run_pass(memory, kernel, good, 0.6)
    assert list(kernel.table[ONE].servers) == [real(number).key for number in (1, 2, 3)]


def test_servers_of_a_refused_service_are_not_told() -> None:
    """That servers cannot be added to a service that is not there is no news."""
    kernel = FakeKernel()
    twos = {ONE: entry(real(1), real(2), scheduler="twos", at=ONE)}
    memory, reports = run_pass(Memory(), kernel, twos)
    assert len(reports) == 1
    memory, reports = run_pass(memory, kernel, twos, 0.5)
    assert (reports, kernel.table) == ((), {})


steps = st.one_of(
    st.tuples(st.just("wish"), tables()),
    st.tuples(st.just("meddle"), tables()),
    st.tuples(st.just("read"), st.none()),
    st.tuples(st.just("forget"), st.none()),
    st.tuples(st.just("refuse"), st.sampled_from([80, 81])),
    st.tuples(st.just("allow"), st.none()),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(tables(), st.booleans(), st.sampled_from([None, 80, 81])), max_size=5))
def test_own_changes_are_never_told_as_somebodys(happenings: list[tuple[Table, bool, int | None]]) -> None:
    """Wishes and refusals in any order, read back at any time: as long as nobody meddles no repair is told."""
    kernel, memory = FakeKernel(), Memory()
    for now, (wish, read, refused) in enumerate(happenings):
        kernel.refuse = {} if refused is None else {service(refused): errno.EINVAL}
        memory, reports = run_pass(memory, kernel, wish, float(now), read=read)
        assert not any(isinstance(report, Repaired) for report in reports)


def service(port: int) -> ServiceKey:
    """One of the services in random tables."""
    return ServiceKey(protocol=ONE.protocol, address="10.1.1.1", port=port)


@settings(deadline=None, max_examples=100)
@given(st.lists(steps, max_size=8))
def test_after_anything_the_table_ends_as_wished(happenings: list[tuple[str, object]]) -> None:
    """Wishes, meddling, restarts and refusals in any order: once it is quiet two passes bring the wish about."""
    kernel, memory = FakeKernel(), Memory()
    wish: Table = {}
    now = 0.0
    for what, detail in happenings:
        now += 1.0
        if what == "wish" and isinstance(detail, dict):
            wish = detail
        elif what == "meddle" and isinstance(detail, dict):
            kernel.table = {**detail, **{at: e for at, e in kernel.table.items() if at.port == 83}}
        elif what == "forget":
            memory = Memory(owned=memory.owned)
        elif what == "refuse" and isinstance(detail, int):
            kernel.refuse[service(detail)] = errno.EINVAL
        elif what == "allow":
            kernel.refuse.clear()
        memory, _ = run_pass(memory, kernel, wish, now, read=what == "read")
    kernel.refuse.clear()
    for _ in range(2):
        now += 100.0
        memory, _ = run_pass(memory, kernel, wish, now, read=True)
    assert {at: kernel.table[at].servers for at in wish} == {at: held.servers for at, held in wish.items()}
    kernel.written.clear()
    memory, reports = run_pass(memory, kernel, wish, now + 100.0, read=True)
    assert (kernel.written, reports, dict(memory.troubles)) == ([], (), {})
    assert memory.owned == frozenset(wish)
