"""Which synchronisation threads should run, and what is done about it."""

import msgspec
import pytest

from hactl.ipvs.model import SyncDaemon
from hactl.ipvs.spec import SyncSpec
from hactl.ipvs.sync import (
    LISTENS_ON,
    SENDS_ON,
    Following,
    Link,
    Role,
    Roles,
    Start,
    Stop,
    SyncState,
    by_role,
    deviations,
    follow,
    judge,
    plan,
    roles,
    thread,
)

SPEC = SyncSpec(interface="eth1", id=7, router="web")
BOTH = frozenset(Role)
MASTER, BACKUP = frozenset({Role.MASTER}), frozenset({Role.BACKUP})
SENDER, LISTENER = thread(SPEC, Role.MASTER), thread(SPEC, Role.BACKUP)
LINK = Link(3)


def test_a_role_begins_at_once_and_ends_late() -> None:
    """A new master sends at once and listens on; a former one listens at once and sends on."""
    up = follow(Following(), True, 10.0)
    assert roles(SPEC, up, 10.0) == Roles(MASTER, BACKUP, 10.0 + LISTENS_ON)
    assert roles(SPEC, up, 10.0 + LISTENS_ON) == Roles(MASTER)
    down = follow(up, False, 20.0)
    assert roles(SPEC, down, 20.0) == Roles(BACKUP, MASTER, 20.0 + SENDS_ON)
    assert roles(SPEC, down, 20.0 + SENDS_ON) == Roles(BACKUP)
    assert LISTENS_ON > SENDS_ON


def test_a_report_without_news_changes_nothing() -> None:
    """The same role again does not lengthen the extra time, and silence is no role."""
    up = follow(Following(), True, 10.0)
    assert follow(up, True, 12.0) is up
    assert follow(up, None, 12.0) is up


def test_nothing_is_started_or_stopped_before_the_router_has_spoken() -> None:
    """What a former run left goes on until the role is known."""
    wanted = roles(SPEC, Following(), 0.0)
    for running in ((), (SENDER,), (LISTENER,), (SENDER, LISTENER)):
        assert plan(SPEC, wanted, by_role(running), LINK, {}) == ()
    assert judge(SPEC, wanted, BOTH, LINK)[0] is SyncState.INIT


def test_both_roles_run_without_a_router() -> None:
    """Where directors hold different routers each sends and listens."""
    spec = SyncSpec(interface="eth1")
    wanted = roles(spec, Following(), 0.0)
    assert wanted == Roles(BOTH)
    ops = plan(spec, wanted, {}, LINK, {})
    assert ops == (Start(thread(spec, Role.MASTER)), Start(thread(spec, Role.BACKUP)))
    assert judge(spec, wanted, BOTH, LINK)[0] is SyncState.UP


def test_what_runs_as_wished_is_left() -> None:
    """A needed and a lingering thread cost nothing; one whose time is over stops."""
    running = by_role((SENDER, LISTENER))
    assert plan(SPEC, Roles(MASTER, BACKUP), running, LINK, {Role.MASTER: 3}) == ()
    assert plan(SPEC, Roles(MASTER), running, LINK, {}) == (Stop(LISTENER, "its time is over"),)


def test_an_old_kernel_that_tells_less_is_believed() -> None:
    """Group, port and TTL are attributes since 4.3 only."""
    bare = SyncDaemon(master=True, interface="eth1", id=7)
    assert plan(SPEC, Roles(MASTER), by_role((bare,)), LINK, {}) == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"interface": "eth0"}, "it ran on eth0"),
        ({"id": 8}, "its id was 8"),
        ({"group": "224.0.0.99"}, "its group was 224.0.0.99"),
        ({"port": 9000}, "its port was 9000"),
        ({"ttl": 9}, "its TTL was 9"),
    ],
)
def test_a_thread_with_other_settings_is_replaced(other: dict[str, object], why: str) -> None:
    """The kernel cannot change one; it is stopped and started, and told of."""
    found = msgspec.structs.replace(SENDER, **other)
    ops = plan(SPEC, Roles(MASTER), by_role((found,)), LINK, {})
    assert ops == (Stop(found, why), Start(SENDER))
    assert why in deviations(MASTER, ops)[0]


def test_a_thread_on_an_interface_that_was_made_again_is_replaced() -> None:
    """The kernel goes on showing its name, but nothing goes over it any more."""
    ops = plan(SPEC, Roles(MASTER), by_role((SENDER,)), Link(9), {Role.MASTER: 3})
    assert ops == (Stop(SENDER, "eth1 was removed and made again"), Start(SENDER))


def test_without_the_interface_nothing_is_tried() -> None:
    """It is a fault with a sentence; a thread that runs is left, one whose time is over is stopped."""
    assert plan(SPEC, Roles(MASTER), {}, None, {}) == ()
    assert plan(SPEC, Roles(MASTER), by_role((SENDER, LISTENER)), None, {}) == (
        Stop(LISTENER, "its time is over"),
    )
    assert judge(SPEC, Roles(MASTER), MASTER, None) == (SyncState.FAULT, "there is no interface eth1")


def test_the_reason_is_a_sentence() -> None:
    """Each state says why."""
    assert judge(SPEC, Roles(MASTER), BACKUP, LINK) == (SyncState.FAULT, "the master thread does not run")
    assert judge(SPEC, Roles(MASTER), MASTER, Link(3, running=False)) == (SyncState.FAULT, "eth1 is down")
    assert judge(SPEC, Roles(MASTER), MASTER, LINK) == (SyncState.UP, "web is master here")
    late = judge(SPEC, Roles(BACKUP, MASTER), BOTH, LINK)
    assert late == (SyncState.UP, "web is not master here; still sending what was not sent yet")


def test_only_what_ran_before_was_changed_by_somebody() -> None:
    """A first start is no repair."""
    ops = plan(SPEC, Roles(MASTER), {}, LINK, {})
    assert deviations(frozenset(), ops) == ()
    assert deviations(MASTER, ops) == ("the master thread of connection synchronisation was stopped",)
