"""A picture of a director in which everything that status can show is there, from the example configuration."""

from pathlib import Path

from failover.lateness import Lateness
from failover.moves import Cause, State
from failover.peer.actions import PeerState
from failover.peer.report import LinkReport, PeerReport
from failover.priority import Seen, Word
from failover.report import RouterReport
from failover.spec import Standby, TrackKind
from hactl.config.load import load
from hactl.config.model import Config
from hactl.ipvs.inherit import adopt
from hactl.ipvs.model import Counters, ServiceCounters, service_key
from hactl.ipvs.policy import desired
from hactl.ipvs.sync import Role, SyncState, SyncView
from hactl.ipvs.update import update
from hactl.problems.acks import Ack
from hactl.problems.problems import Problem
from hactl.processes.messages import ChannelReport
from hactl.routers.fencing import FenceView
from hactl.services.state import destination, index
from hactl.status.picture import Clock, Picture
from hactl.wishes.mastership import Mastership
from hactl.wishes.overrides import Admin, Override
from health.result import Health, Measure, Outcome, Reason, Result
from notify.event import EventKind, Severity
from notify.problem import Topic
from support.ipvs_build import wishes

EXAMPLE = Path(__file__).parents[2] / "etc" / "hactl.yaml"
NOW = 100.0
PROBLEM = Problem(
    topic=Topic.SERVER,
    subject="rs1@www",
    kind=EventKind.SERVER_DOWN,
    severity=Severity.WARNING,
    since=1.8e9,
    reason="connect_refused",
)


def example() -> Config:
    """The example configuration as its first director sees it."""
    config = load(str(EXAMPLE), "lb1").config
    assert config is not None
    return config


def full_picture(config: Config | None = None) -> Picture:
    """Everything is there: reports, peers, results, counters, overrides, somebody in standby."""
    config = config or example()
    services = index(config.services)
    outcomes = {check.id: _outcome(check.id) for check in list(config.checks)[:-1]}
    state = update(adopt(services, {}, 0.0), services, outcomes, wishes({}), NOW).state
    held = desired(services, state, frozenset())
    return Picture(
        config=config,
        version="0.1.0",
        clock=Clock(NOW, 1.8e9),
        started=0.0,
        loaded=1.8e9,
        state=state,
        reports={router.name: _report(router.name) for router in config.failover.routers[:-1]},
        peers={director.name: _peer(director.name) for director in config.directors[1:2]},
        peer_configs={director.name: True for director in config.directors[1:2]},
        outcomes=outcomes,
        users=services.by_check,
        held=held,
        counters={
            service_key(spec): ServiceCounters(
                total=Counters(active=1),
                servers={destination(server): Counters(active=1) for server in spec.servers},
            )
            for spec in config.services
        },
        overrides=(
            Override(
                server="rs1",
                admin=Admin.DRAIN,
                remove=True,
                remove_by=1.8e9,
                by="alice",
                at=1.8e9,
                revision=1,
            ),
            Override(server="rs2", service="www", weight=7, until=1.8e9, by="bob", at=1.8e9, revision=2),
        ),
        mastership=Mastership().with_standby("lb1", Standby.SOFT, "alice", 1.8e9),
        workers={"failover": {"pid": 1, "state": "up", "restarts": 0}},
        fencings={
            config.failover.routers[0].name: FenceView(
                required=True,
                running=False,
                waiting=True,
                runs=2,
                failures=1,
                peer="lb2",
                failure="timed out",
            )
        },
        channels={"ops": ChannelReport("ops", 1, 2, 3, "refused")},
        problems=(PROBLEM,),
        acknowledged={PROBLEM.key: Ack(target="www", by="alice", reason="known", at=1.8e9, revision=1)},
        witnesses={
            "need": 1,
            "targets": {
                "ping 10.77.0.1": {"seen": True, "reason": ""},
                "etcd http://10.77.0.5:2379": {"seen": False, "reason": "no answer"},
            },
            "holders": {"web": "lb1"},
        },
        splits=("two masters",),
        lateness=Lateness(realtime=True, samples=5, middle=0.001, most=0.002, worst=0.003),
        sync=SyncView(roles=(Role.MASTER,), state=SyncState.UP, reason="ok", since=1.0),
        warnings=("something",),
    )


def _outcome(check: str) -> Outcome:
    measures = (Measure("load", 1.5, "s"),)
    result = Result(reason=Reason.OK, elapsed=0.01, measures=measures)
    return Outcome(check=check, health=Health.UP, result=result, at=NOW)


def _report(router: str) -> RouterReport:
    return RouterReport(
        router=router, state=State.MASTER, cause=Cause.MASTER_SILENT, reason="no master", since=1.0, priority=150,
        base_priority=150, master="10.77.0.11", transitions=1, drops={"bad_ttl": 1}, lateness=0.001, renewal=0.002,
        neighbours={}, lease=2, holding=("10.77.0.100",), hold_until=200.0, hold_for="10.77.0.12",
        checksums={"10.77.0.12": "pseudo-header"},
        track=(Seen(name="eth1", kind=TrackKind.INTERFACE, word=Word.UP, reason="", weight=-40),),
    )  # fmt: skip


def _peer(name: str) -> PeerReport:
    link = LinkReport(own="10.77.0.11", peer="10.77.0.12", state=PeerState.UP, reason="heard")
    return PeerReport(
        peer=name,
        state=PeerState.UP,
        reason="heard",
        since=1.0,
        links=(link,),
        drops={"replayed": 1},
        payload_taken=1,
    )
