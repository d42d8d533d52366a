"""What a takeover program is due to do: each role once, attempts, the fault and its end, a role that changes meanwhile."""

import msgspec

from hactl.routers.takeover_duty import Duty, Role, TakeoverSpec

SPEC = TakeoverSpec(
    router="web",
    interface="eth0",
    addresses=("10.99.0.100",),
    command=("/bin/true",),
    user="nobody",
    attempts=2,
    every=2.0,
    rest=60.0,
)


def wanting(role: Role) -> Duty:
    """A program whose router has this role."""
    duty = Duty(SPEC)
    duty.want(role)
    return duty


def test_nothing_before_the_router_has_a_role() -> None:
    """The first role is told, whichever it is; then nothing until it changes."""
    duty = Duty(SPEC)
    assert duty.due(0.0) is None
    duty.want(Role.BACKUP)
    assert (duty.due(0.0), duty.begin(0.0)) == (0.0, Role.BACKUP)
    duty.ended(Role.BACKUP, "", 1.0)
    assert (duty.due(1.0), duty.begin(1.0)) == (None, None)
    duty.want(Role.MASTER)
    assert duty.begin(2.0) is Role.MASTER


def test_attempts_then_a_fault_then_anew() -> None:
    """The fault says how it ended and how often; once it is over, a router that is master still is tried again."""
    duty = wanting(Role.MASTER)
    duty.ended(Role.MASTER, "exit status 1", 0.0)
    assert (duty.fault, duty.due(0.0), duty.begin(1.9)) == ("", 2.0, None)
    assert duty.begin(2.0) is Role.MASTER
    duty.ended(Role.MASTER, "timed out", 12.0)
    assert duty.fault == "timed out (2 attempts)"
    assert (duty.due(12.0), duty.begin(20.0)) == (72.0, None)
    assert duty.begin(72.0) is Role.MASTER
    assert duty.fault == ""
    duty.ended(Role.MASTER, "exit status 1", 73.0)
    assert duty.fault == "", "it has all its attempts again"


def test_a_fault_outlasts_the_role() -> None:
    """The peer has taken over: the program hears that at once, and the fault lasts all the same."""
    duty = wanting(Role.MASTER)
    for at in (0.0, 2.0):
        duty.ended(Role.MASTER, "no right", at)
    duty.want(Role.BACKUP)
    assert duty.begin(2.5) is Role.BACKUP
    duty.ended(Role.BACKUP, "", 3.0)
    assert (duty.fault, duty.due(3.0)) == ("no right (2 attempts)", 62.0)
    assert duty.begin(62.0) is None
    assert duty.fault == ""


def test_a_backup_run_is_tried_for_ever() -> None:
    """It is no fault: there is nothing that a peer could do better."""
    duty = wanting(Role.BACKUP)
    for at in range(0, 20, 2):
        assert duty.begin(float(at)) is Role.BACKUP
        duty.ended(Role.BACKUP, "exit status 1", float(at))
    assert duty.fault == ""


def test_a_role_that_changed_during_a_run() -> None:
    """What the run did is told of no other role; a failure for a role that is over counts for nothing."""
    duty = wanting(Role.MASTER)
    duty.want(Role.BACKUP)
    duty.ended(Role.MASTER, "", 1.0)
    assert duty.begin(1.0) is Role.BACKUP
    duty.want(Role.MASTER)
    duty.ended(Role.BACKUP, "exit status 1", 2.0)
    assert duty.begin(2.0) is Role.MASTER
    duty.ended(Role.MASTER, "exit status 1", 3.0)
    assert duty.fault == ""


def test_there_and_back_before_a_run_ended() -> None:
    """Master, backup, master again while it ran for the first: that is what it has done."""
    duty = wanting(Role.MASTER)
    duty.want(Role.BACKUP)
    duty.want(Role.MASTER)
    duty.ended(Role.MASTER, "", 1.0)
    assert duty.finished


def test_a_reload_tells_another_program() -> None:
    """Also where only the addresses differ; an equal one is not told again."""
    duty = wanting(Role.MASTER)
    duty.ended(Role.MASTER, "", 0.0)
    duty.change(SPEC)
    assert duty.finished
    duty.change(msgspec.structs.replace(SPEC, addresses=("10.99.0.100", "10.99.0.101")))
    assert duty.begin(1.0) is Role.MASTER
