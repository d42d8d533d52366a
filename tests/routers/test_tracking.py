"""What the failover worker is told of tracked objects: the last verdict stands."""

import pytest

from failover.priority import Judgement, Word
from failover.spec import FailoverSpec, TrackedObject, TrackKind
from hactl.config.model import Config
from hactl.ipvs.spec import ServiceSpec
from hactl.processes.messages import Judged
from hactl.routers.tracking import Tracking
from hactl.services.state import Availability, Quorum, ServiceState, State
from health.result import Health, Outcome, Reason, Result
from support.failover import router_spec
from support.ipvs_build import service_spec

DISK = TrackedObject(kind=TrackKind.SCRIPT, object="disk", id="c1")
LOAD = TrackedObject(kind=TrackKind.FILE, object="load", id="c2")
WWW = TrackedObject(kind=TrackKind.SERVICE, object="www", id="service:www")
ETH1 = TrackedObject(kind=TrackKind.INTERFACE, object="eth1")


def config(*track: TrackedObject, services: tuple[ServiceSpec, ...] = ()) -> Config:
    """A configuration whose one router tracks these."""
    failover = FailoverSpec(node="lb1", routers=(router_spec(track=track),))
    return Config(cluster="web", node="lb1", directors=(), failover=failover, services=services)


def tracking_of(made: Config) -> Tracking:
    """The tracking of a configuration, and nobody to tell."""
    return Tracking(made, lambda judged: None)


def outcome(
    check: str, health: Health, reason: Reason, detail: str = "", number: int | None = None
) -> Outcome:
    """The latest result of a check."""
    return Outcome(
        check=check, health=health, result=Result(reason=reason, detail=detail, number=number), at=0.0
    )


def state(told: Availability | None, *, quorum: Quorum = Quorum.HELD) -> State:
    """The state of www, last told as this."""
    there = ServiceState(
        servers={}, quorum=quorum, availability=told or Availability.DOWN, reason="why", since=0.0, told=told
    )
    return State({"www": there})


def test_a_verdict_is_told_with_its_reason() -> None:
    """In words, with the detail; nothing is told of checks that nobody tracks, nor before a verdict."""
    tracking = tracking_of(config(DISK, ETH1))
    assert tracking.judged() == Judged((), True)
    tracking.learn(
        [outcome("c1", Health.UNKNOWN, Reason.WRONG_STATUS), outcome("c9", Health.DOWN, Reason.CLOSED)]
    )
    assert tracking.judged().verdicts == ()
    tracking.learn([outcome("c1", Health.DOWN, Reason.WRONG_STATUS, "exit status 4")])
    assert tracking.judged().verdicts == (
        Judgement("c1", Word.DOWN, "unexpected status code (exit status 4)"),
    )
    tracking.learn([outcome("c1", Health.UP, Reason.OK)])
    assert tracking.judged().verdicts == (Judgement("c1", Word.UP),)


def test_a_worker_that_begins_anew_changes_nothing() -> None:
    """Its first results have no verdict yet: the last one stands."""
    tracking = tracking_of(config(DISK))
    tracking.learn([outcome("c1", Health.DOWN, Reason.CANNOT_RUN, "not executable")])
    before = tracking.judged()
    tracking.learn([outcome("c1", Health.UNKNOWN, Reason.CANNOT_RUN, "not executable")])
    assert tracking.judged() == before


def test_a_result_against_the_verdict_leaves_reason_and_number() -> None:
    """A file that is empty for the moment of its writing keeps its number, as a failure before `fall` keeps the word."""
    tracking = tracking_of(config(LOAD))
    tracking.learn([outcome("c2", Health.UP, Reason.OK, number=7)])
    tracking.learn([outcome("c2", Health.UP, Reason.NO_MATCH, "is empty")])
    assert tracking.judged().verdicts == (Judgement("c2", Word.UP, "says 7", 7),)
    tracking.learn([outcome("c2", Health.UP, Reason.OK, number=8)])
    assert tracking.judged().verdicts == (Judgement("c2", Word.UP, "says 8", 8),)


@pytest.mark.parametrize(
    ("told", "word"),
    [(Availability.UP, Word.UP), (Availability.DEGRADED, Word.UP), (Availability.DOWN, Word.DOWN)],
)
def test_services(told: Availability, word: Word) -> None:
    """As they were last made known; a degraded one is not down."""
    tracking = tracking_of(config(WWW, services=(service_spec(),)))
    tracking.see(state(None), {})
    assert tracking.judged().verdicts == ()
    tracking.see(state(told), {})
    assert tracking.judged().verdicts == (Judgement("service:www", word, "why" if word is Word.DOWN else ""),)


def test_a_service_that_the_kernel_refuses_is_down() -> None:
    """Its servers may be well: this director cannot serve it."""
    tracking = tracking_of(config(WWW, services=(service_spec(),)))
    tracking.see(state(Availability.UP), {"www": "the kernel has no scheduler wlc"})
    assert tracking.judged().verdicts == (
        Judgement("service:www", Word.DOWN, "the kernel has no scheduler wlc"),
    )


def test_the_first_round_is_over_when_every_service_is_settled() -> None:
    """And then for good: what comes later concerns the servers, not whether this director knows anything."""
    tracking = tracking_of(config(services=(service_spec(),)))
    assert not tracking.judged().settled
    tracking.see(state(None, quorum=Quorum.UNKNOWN), {})
    assert not tracking.judged().settled
    tracking.see(state(Availability.DOWN, quorum=Quorum.LOST), {})
    assert tracking.judged().settled
    tracking.see(state(Availability.DOWN, quorum=Quorum.UNKNOWN), {})
    assert tracking.judged().settled


def test_a_reload_keeps_the_verdicts_of_what_is_still_tracked() -> None:
    """What changed has another id and begins as unknown; what is no longer tracked is forgotten."""
    tracking = tracking_of(config(DISK, LOAD))
    tracking.learn([outcome("c1", Health.DOWN, Reason.CLOSED), outcome("c2", Health.UP, Reason.OK, number=1)])
    tracking.apply(config(DISK))
    assert [judged.id for judged in tracking.judged().verdicts] == ["c1"]


def test_each_change_is_told_once() -> None:
    """Whoever hears it gets everything, for a worker may have come meanwhile."""
    told: list[Judged] = []
    tracking = Tracking(config(DISK), told.append)
    for health in (Health.UP, Health.UP, Health.DOWN):
        reason = Reason.OK if health is Health.UP else Reason.CLOSED
        tracking.learn([outcome("c1", health, reason)])
    assert [judged.verdicts[0].word for judged in told] == [Word.UP, Word.DOWN]
