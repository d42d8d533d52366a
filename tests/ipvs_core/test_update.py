"""The state of services and servers: admission, quorum, what is told."""

from hactl.ipvs.inherit import adopt
from hactl.ipvs.spec import CheckRef, OnDown, ServiceSpec
from hactl.ipvs.update import update
from hactl.services.state import (
    Availability,
    Outcomes,
    Quorum,
    ServerChange,
    ServiceChange,
    Services,
    ServiceState,
    State,
    Update,
    index,
)
from hactl.wishes.overrides import Admin
from health.result import Health, Reason
from support.ipvs_build import outcome, pages, server_spec, service_spec, sorry_spec, wishes

UP, DOWN, UNKNOWN = Health.UP, Health.DOWN, Health.UNKNOWN
NOTHING_SAID = wishes({})


def start(*specs: ServiceSpec) -> tuple[Services, State]:
    """The services, and their state after a start on an empty table."""
    services = index(specs)
    return services, adopt(services, {}, now=0.0)


def step(state: State, services: Services, outcomes: Outcomes, now: float = 1.0) -> Update:
    """An update without overrides."""
    return update(state, services, outcomes, NOTHING_SAID, now)


def www(result: Update | State) -> ServiceState:
    """The state of service www."""
    state = result.state if isinstance(result, Update) else result
    return state.services["www"]


def admitted(result: Update) -> set[str]:
    """The servers of www that may get connections."""
    return {name for name, server in www(result).servers.items() if server.admitted}


def test_a_server_is_admitted_by_its_first_passed_check() -> None:
    """Before any verdict nobody is admitted; a passed check admits exactly its server."""
    services, state = start(service_spec())
    assert admitted(step(state, services, {})) == set()
    assert admitted(step(state, services, pages(rs1=UP, rs2=DOWN))) == {"rs1"}


def test_unknown_is_no_reason_for_removal() -> None:
    """A server that was up stays admitted when its verdict becomes unknown, and leaves by a verdict of down."""
    services, state = start(service_spec())
    state = step(state, services, pages(rs1=UP, rs2=UP, rs3=UP)).state
    after = step(state, services, {})
    assert admitted(after) == {"rs1", "rs2", "rs3"}
    assert www(after).servers["rs1"].health is UNKNOWN
    assert after.changes == ()
    assert admitted(step(after.state, services, pages(rs1=DOWN))) == {"rs2", "rs3"}


def test_a_down_server_does_not_return_by_becoming_unknown() -> None:
    """Losing the verdict of a server that is down admits nobody."""
    services, state = start(service_spec())
    state = step(state, services, pages(rs1=DOWN, rs2=UP, rs3=UP)).state
    assert admitted(step(state, services, pages(rs2=UP, rs3=UP))) == {"rs2", "rs3"}


def test_all_checks_must_pass() -> None:
    """One failed check of two makes a server down and is named with its reason; one without verdict leaves it unknown."""
    checks = (CheckRef(name="page", id="a"), CheckRef(name="login", id="b"))
    services, state = start(service_spec(servers=(server_spec(1, checks=checks),)))
    waiting = www(step(state, services, {"a": outcome("a", UP)})).servers["rs1"]
    assert (waiting.health, waiting.reason) == (UNKNOWN, "login: no verdict yet")
    failed = {"a": outcome("a", UP), "b": outcome("b", DOWN, Reason.WRONG_STATUS, "503")}
    down = www(step(state, services, failed)).servers["rs1"]
    assert (down.health, down.reason) == (DOWN, "login: unexpected status code (503)")


def test_a_server_without_checks_is_up() -> None:
    """`check: none` means always up."""
    services, state = start(service_spec(servers=(server_spec(1, checks=()),)))
    result = step(state, services, {})
    assert admitted(result) == {"rs1"}
    assert www(result).servers["rs1"].reason == "no check is configured"


def test_since_moves_only_with_the_verdict() -> None:
    """`since` is the instant of the last change of health, whatever else changed meanwhile."""
    services, state = start(service_spec())
    state = step(state, services, pages(rs1=UP), now=5.0).state
    state = update(state, services, pages(rs1=UP), wishes({"rs1": (Admin.DRAIN, None)}), 9.0).state
    assert www(state).servers["rs1"].since == 5.0
    assert www(state).servers["rs2"].since == 0.0


def test_first_verdicts_and_changes_are_told_once() -> None:
    """The first verdict is told with unknown as the old one; a repeated one is not told."""
    services, state = start(service_spec(count=1))
    first = step(state, services, pages(rs1=UP))
    assert first.changes == (
        ServerChange(service="www", server="rs1", old=UNKNOWN, new=UP, reason="all checks pass"),
        ServiceChange(service="www", old=None, new=Availability.UP, reason="1 of 1 enabled servers up"),
    )
    assert step(first.state, services, pages(rs1=UP)).changes == ()
    down = step(first.state, services, pages(rs1=DOWN))
    told = [change for change in down.changes if isinstance(change, ServerChange | ServiceChange)]
    assert [(type(change).__name__, change.old, change.new) for change in told] == [
        ("ServerChange", UP, DOWN),
        ("ServiceChange", Availability.UP, Availability.DOWN),
    ]


def test_a_verdict_lost_and_regained_is_not_told() -> None:
    """A restarted health worker makes verdicts unknown and then as before: nobody hears of it."""
    services, state = start(service_spec())
    everything = pages(rs1=UP, rs2=UP, rs3=UP)
    state = step(state, services, everything).state
    without = step(state, services, {})
    assert www(without).availability is Availability.DEGRADED
    one = step(without.state, services, pages(rs1=UP))
    again = step(one.state, services, everything)
    assert without.changes == one.changes == again.changes == ()
    assert www(again).availability is Availability.UP


def test_a_start_is_told_when_the_verdicts_are_in() -> None:
    """While first verdicts are awaited a service that has one fit server tells nothing; then its state is told once."""
    services, state = start(service_spec())
    one = step(state, services, pages(rs1=UP))
    assert [change for change in one.changes if isinstance(change, ServiceChange)] == []
    all_in = step(one.state, services, pages(rs1=UP, rs2=DOWN, rs3=UP))
    (told,) = [change for change in all_in.changes if isinstance(change, ServiceChange)]
    assert (told.old, told.new) == (None, Availability.DEGRADED)
    assert told.reason == "2 of 3 enabled servers up; rs2: page: connection refused"


def test_quorum_has_hysteresis() -> None:
    """Held again at `up`, lost at `down`, unchanged between."""
    services, state = start(service_spec(quorum_up=3, quorum_down=1))

    def quorum(state: State, up: int) -> Update:
        verdicts = {f"rs{number}": UP if number <= up else DOWN for number in (1, 2, 3)}
        return step(state, services, pages(**verdicts))

    results = []
    for up in (2, 3, 2, 1, 2, 3):
        result = quorum(state, up)
        state = result.state
        results.append(www(result).quorum)
    lost, held = Quorum.LOST, Quorum.HELD
    assert results == [lost, held, held, lost, lost, held]


def test_quorum_counts_configured_weights_of_enabled_servers() -> None:
    """Weight 5 counts as 5 whatever an operator gave; a drained server counts nothing."""
    heavy = (server_spec(1, weight=5), server_spec(2))
    services, state = start(service_spec(servers=heavy, quorum_up=5, quorum_down=4))
    verdicts = pages(rs1=UP, rs2=UP)
    lighter = update(state, services, verdicts, wishes({"rs1": (Admin.ENABLED, 1)}), 1.0)
    assert www(lighter).quorum is Quorum.HELD
    drained = update(lighter.state, services, verdicts, wishes({"rs1": (Admin.DRAIN, None)}), 2.0)
    assert www(drained).quorum is Quorum.LOST


def test_no_loss_before_every_first_verdict() -> None:
    """One server down and the others unknown: quorum is not lost, so no sorry server; the last verdict decides."""
    services, state = start(service_spec(sorry=sorry_spec()))
    waiting = step(state, services, pages(rs1=DOWN, rs2=DOWN))
    assert www(waiting).quorum is Quorum.UNKNOWN
    assert www(waiting).reason == "waiting for the first verdict of rs3"
    lost = step(waiting.state, services, pages(rs1=DOWN, rs2=DOWN, rs3=DOWN))
    assert www(lost).quorum is Quorum.LOST
    assert www(lost).sorry_serves
    assert "the sorry server serves" in www(lost).reason


def test_a_disabled_server_is_not_waited_for() -> None:
    """A verdict of a server that an operator took out is not needed to decide."""
    services, state = start(service_spec(count=2))
    result = update(state, services, pages(rs1=DOWN), wishes({"rs2": (Admin.DISABLED, None)}), 1.0)
    assert www(result).quorum is Quorum.LOST


def test_a_sorry_server_that_is_down_cannot_serve() -> None:
    """A sorry server with a check serves only after that check has passed, and the reason says why not."""
    sorry = sorry_spec(checks=(CheckRef(name="tcp", id="sorry"),))
    services, state = start(service_spec(count=1, sorry=sorry))
    down = step(state, services, pages(rs1=DOWN))
    assert not www(down).sorry_serves
    assert www(down).reason.endswith("the sorry server cannot serve: tcp: no verdict yet")
    up = step(down.state, services, {**pages(rs1=DOWN), "sorry": outcome("sorry", UP)})
    assert www(up).sorry_serves
    assert up.touched == ("www",)


def test_a_service_without_servers_is_down() -> None:
    """With no server at all nothing is waited for."""
    services, state = start(service_spec(count=0))
    assert (www(step(state, services, {})).availability, www(step(state, services, {})).reason) == (
        Availability.DOWN,
        "it has no servers",
    )


def test_quiesced_servers_stay_listed() -> None:
    """With on_down quiesce a server that was in the table stays listed when down; with remove it does not."""
    for on_down, listed in ((OnDown.QUIESCE, True), (OnDown.REMOVE, False)):
        services, state = start(service_spec(count=1, on_down=on_down))
        state = step(state, services, pages(rs1=UP)).state
        assert www(step(state, services, pages(rs1=DOWN))).servers["rs1"].listed is listed


def test_only_services_with_changed_checks_are_looked_at() -> None:
    """A change of one check leaves every other service the same object."""
    other = service_spec("other", port=81, servers=(server_spec(9),))
    services, state = start(service_spec(), other)
    result = update(state, services, pages(rs1=UP, rs9=UP), NOTHING_SAID, 1.0, checks=["rs1-page"])
    assert result.touched == ("www",)
    assert result.state.services["other"] is state.services["other"]
    assert update(state, services, pages(rs1=UP), NOTHING_SAID, 1.0, checks=["strange"]).state is state


def test_an_update_without_change_is_the_same_object() -> None:
    """Nothing changed: the very same state, nothing touched."""
    services, state = start(service_spec())
    state = step(state, services, pages(rs1=UP)).state
    again = step(state, services, pages(rs1=UP), now=7.0)
    assert again.touched == ()
    assert again.state is state


def test_many_missed_servers_are_shortened() -> None:
    """The reason names three servers and counts the rest."""
    services, state = start(service_spec(count=6))
    verdicts = {f"rs{number}": DOWN for number in range(2, 7)}
    reason = www(step(state, services, pages(rs1=UP, **verdicts))).reason
    assert reason.startswith("1 of 6 enabled servers up; rs2: page: connection refused, rs3")
    assert reason.endswith("and 2 more")
