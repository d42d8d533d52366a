"""The ordered difference of two tables, performed on the strict fake."""

from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs import plan
from hactl.ipvs.model import Entry, Table
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    SetServer,
    SetService,
)
from support.ipvs_build import entry, key, real
from support.ipvs_fake import FakeKernel
from support.ipvs_strategies import tables


def holding(table: Table) -> FakeKernel:
    """A fake kernel that holds a table."""
    kernel = FakeKernel()
    kernel.table = dict(table)
    kernel.last_weight = {
        (key, server.key): server.weight for key, entry in table.items() for server in entry.servers.values()
    }
    return kernel


def same(left: Table, right: Table) -> bool:
    """Whether the kernel would show the same."""
    return left.keys() == right.keys() and all(entry.same_as(right[key]) for key, entry in left.items())


@given(tables(), tables())
def test_performed_in_order_it_ends_in_the_wish(actual: Table, desired: Table) -> None:
    """Nothing is refused, and the table is the wished one."""
    kernel = holding(actual)
    assert [kernel.perform(op) for op in plan.diff(actual, desired, actual)].count(0) == len(kernel.written)
    assert same(kernel.table, desired)


@given(tables(), tables(), st.integers(0, 30))
def test_cut_anywhere_and_planned_again_it_ends_there_too(actual: Table, desired: Table, cut: int) -> None:
    """A death after any operation leaves a table from which the rest can be planned."""
    kernel = holding(actual)
    for op in plan.diff(actual, desired, actual)[:cut]:
        assert kernel.perform(op) == 0
    for op in plan.diff(kernel.table, desired, kernel.table):
        assert kernel.perform(op) == 0
    assert same(kernel.table, desired)
    assert plan.diff(kernel.table, desired, kernel.table) == ()


@given(tables())
def test_nothing_to_change_gives_nothing(table: Table) -> None:
    """The plan from a table to itself is empty, equal or the same objects."""
    copy = {key: Entry(service=entry.service, servers=dict(entry.servers)) for key, entry in table.items()}
    assert plan.diff(copy, table, table) == ()


@given(tables(), tables())
def test_what_operations_leave_of_one_service(actual: Table, desired: Table) -> None:
    """`applied` foretells what the kernel then holds."""
    ops = plan.diff(actual, desired, actual)
    for at in {*actual, *desired}:
        left = plan.applied(actual.get(at), [op for op in ops if op.key == at])
        assert (left is None) == (at not in desired)
        assert left is None or left.same_as(desired[at])


def test_foreign_services_are_left_alone() -> None:
    """A service that is neither wished nor owned is not touched; an owned one that is not wished goes."""
    foreign, former = key(port=1), key(port=2)
    actual = {foreign: entry(real(1), at=foreign), former: entry(real(1), at=former)}
    assert plan.diff(actual, {}, {former}) == (DeleteService(former),)


def test_new_servers_enter_before_others_leave() -> None:
    """Add, change, remove: a service that has a fit server is never without one."""
    actual = {key(): entry(real(1), real(2))}
    desired = {key(): entry(real(2, weight=0), real(3), scheduler="rr")}
    kinds = [type(op) for op in plan.diff(actual, desired, ())]
    assert kinds == [SetService, AddServer, SetServer, DeleteServer]


def test_a_service_comes_before_its_servers() -> None:
    """A new service is added first; its servers follow in the wished order."""
    ops = plan.diff({}, {key(): entry(real(3), real(1))}, ())
    assert [type(op) for op in ops] == [AddService, AddServer, AddServer]
    assert [op.server.key.address for op in ops if isinstance(op, AddServer)] == ["10.77.0.23", "10.77.0.21"]


def order(table: Table) -> list[list[str]]:
    """The servers of each service as they stand."""
    return [[str(place) for place in table[at].servers] for at in sorted(table, key=str)]


@given(tables(), tables(), st.integers(0, 30))
def test_where_order_counts_it_is_the_wished_one(actual: Table, desired: Table, cut: int) -> None:
    """With mh, whatever stood there before and wherever the work was cut; what stands in order is not moved."""
    kernel, wanted = holding(actual), {at: e for at, e in desired.items() if e.service.scheduler == "mh"}
    for op in plan.diff(actual, desired, actual)[:cut]:
        assert kernel.perform(op) == 0
    for op in plan.diff(kernel.table, desired, kernel.table):
        assert kernel.perform(op) == 0
    assert order({at: kernel.table[at] for at in wanted}) == order(wanted)


def test_only_what_stands_behind_is_moved() -> None:
    """A server that enters in the middle: those behind it are put there again, in one piece each and in order."""
    actual = {key(): entry(real(1), real(3), real(4, weight=0), scheduler="sh")}
    wish = entry(real(1), real(2), real(3, weight=7), real(4, weight=0), scheduler="sh")
    wish = Entry(service=wish.service, servers=wish.servers, places={real(4).key: 5})
    ops = plan.diff(actual, {key(): wish}, ())
    assert ops == (
        AddServer(key(), real(2)),
        MoveServer(key(), real(3, weight=7)),
        MoveServer(key(), real(4, weight=0), 5),
    )
    assert plan.diff(actual, {key(): entry(real(1), real(4, weight=0), scheduler="sh")}, ()) == (
        DeleteServer(key(), real(3)),
    )
    plain = {key(): entry(real(1), real(3))}
    assert plan.diff(plain, {key(): entry(real(1), real(2), real(3))}, ()) == (AddServer(key(), real(2)),)


def test_a_server_at_weight_0_gets_its_place() -> None:
    """With mh a server that enters unfit is remembered with its weight, so that all directors hash alike."""
    placed = entry(real(1, weight=0), real(2), scheduler="mh")
    placed = Entry(service=placed.service, servers=placed.servers, places={real(1).key: 5})
    kernel = FakeKernel()
    for op in plan.diff({}, {key(): placed}, ()):
        assert kernel.perform(op) == 0
    assert kernel.last_weight[key(), real(1).key] == 5
    assert kernel.table[key()].servers[real(1).key].weight == 0
