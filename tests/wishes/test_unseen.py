"""The alarm at a takeover when the new master does not know what operators asked."""

import msgspec

from failover.moves import Cause, State
from failover.peer.actions import PeerState
from failover.peer.report import PeerReport
from failover.report import RouterReport
from hactl.config.model import DirectorSpec
from hactl.peers.peers import Peers, word
from hactl.wishes.overrides import Admin, Override, Overrides
from hactl.wishes.unseen import SHOWN, at_takeover, late
from notify.event import EventKind

LB2 = DirectorSpec(name="lb2", addresses=("10.99.0.2",), priority=140)
LB3 = DirectorSpec(name="lb3", addresses=("10.99.0.3",), priority=130)
DRAIN = Override(server="rs1", service="www", admin=Admin.DRAIN, at=100.0, revision=3)
OVERRIDES = Overrides((DRAIN,), 3)


def report(
    old: State, state: State, master: str = "", heard: float = 0.0, since: float = 50.0
) -> RouterReport:
    """The router "web" changed."""
    return RouterReport(
        router="web",
        state=state,
        cause=Cause.HANDED_OVER,
        reason="",
        since=since,
        priority=100,
        base_priority=100,
        master=master,
        transitions=1,
        drops={},
        lateness=0.0,
        renewal=0.0,
        neighbours={"10.99.0.2": heard} if heard else {},
        lease=2,
        holding=(),
        old=old,
    )


def peers(state: PeerState, revision: int = 0, since: float = 0.0) -> Peers:
    """lb2 in this state, with overrides up to a revision."""
    known = Peers()
    known.on_report(
        PeerReport(peer="lb2", state=state, reason="", since=since, links=(), drops={}, payload_taken=0)
    )
    known.on_payload("lb2", word("x", Overrides((), revision)), "x")
    return known


def told(
    change: RouterReport, known: Peers, *others: DirectorSpec, overrides: Overrides = OVERRIDES
) -> list[str]:
    """The reasons of the alarms."""
    alarms = list(at_takeover(change, overrides, known, others or (LB2,), 60.0))
    assert {alarm.kind for alarm in alarms} <= {EventKind.OVERRIDE_UNSEEN}
    return [alarm.reason for alarm in alarms]


HANDED_ON = report(State.MASTER, State.BACKUP, "10.99.0.2")
TAKEN_OVER = report(State.BACKUP, State.MASTER, "10.99.0.1", heard=58.0)


def test_who_hands_on_names_what_was_not_confirmed() -> None:
    """By a peer that is down, unknown, or has an older revision; one that has them is no alarm."""
    said = ["lb2 did not confirm what was asked here: rs1@www drain"]
    assert told(HANDED_ON, peers(PeerState.DOWN, 3)) == said
    assert told(HANDED_ON, peers(PeerState.UP, 2)) == said
    assert told(HANDED_ON, Peers()) == said
    assert told(HANDED_ON, peers(PeerState.UP, 3)) == []
    assert told(HANDED_ON, Peers(), overrides=Overrides((), 3)) == []


def test_only_the_new_master_counts() -> None:
    """Another director that does not know is no alarm; an address that is nobody's may be anybody's."""
    known = peers(PeerState.UP, 3)
    assert told(HANDED_ON, known, LB2, LB3) == []
    stranger = report(State.MASTER, State.FAULT, "fe80::2")
    assert told(stranger, known, LB2, LB3) == ["lb3 did not confirm what was asked here: rs1@www drain"]


def test_only_changes_of_mastership_count() -> None:
    """Beginning to listen, or a report without a change."""
    assert told(report(State.INIT, State.BACKUP), Peers()) == []
    assert told(msgspec.structs.replace(HANDED_ON, old=None), Peers()) == []


def test_who_takes_over_knows_when_the_channel_was_broken() -> None:
    """The old master was heard after the channel to it broke; one that died with its channel leaves nothing unknown."""
    (said,) = told(TAKEN_OVER, peers(PeerState.DOWN, since=10.0))
    assert said == "lb2 was master without the channel for 50 s; what it was asked then is not known here"
    assert told(TAKEN_OVER, peers(PeerState.DOWN, since=57.9)) == []
    assert told(TAKEN_OVER, peers(PeerState.UP, since=10.0)) == []
    assert told(TAKEN_OVER, Peers()) == [], "without a channel the operator was warned when asking"


def test_what_arrives_late_was_not_in_force() -> None:
    """Asked before we were master, known only now. What is newer, known already or arrives at a backup is no alarm."""
    master = {"web": report(State.BACKUP, State.MASTER, since=50.0)}
    alarm = late("lb2", Overrides(), OVERRIDES, master, 60.0)
    assert alarm is not None
    assert alarm.subject == "web"
    assert alarm.reason.endswith("not in force here until now: rs1@www drain")
    assert late("lb2", Overrides(), OVERRIDES, master, 40.0) is None
    assert late("lb2", OVERRIDES, OVERRIDES, master, 60.0) is None
    assert late("lb2", Overrides(), OVERRIDES, {"web": report(State.MASTER, State.BACKUP)}, 60.0) is None


def test_many_are_counted() -> None:
    """Some are named."""
    many = tuple(
        msgspec.structs.replace(DRAIN, server=f"rs{n}", weight=7, admin=None) for n in range(SHOWN + 3)
    )
    (said,) = told(HANDED_ON, Peers(), overrides=Overrides(many, 3))
    assert said.endswith("rs4@www weight 7; and 3 more")
