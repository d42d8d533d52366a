"""What a server says of itself: shares of its weight, drain and maintenance, beneath what operators say."""

import msgspec
import pytest

from hactl.ipvs import policy
from hactl.ipvs.inherit import adopt
from hactl.ipvs.spec import ServiceSpec
from hactl.ipvs.update import update
from hactl.services.state import Outcomes, Quorum, ServiceState, State, index
from hactl.wishes.overrides import MAX_WEIGHT, Admin
from health.result import Advice, Health, Mode
from support.ipvs_build import pages, server_spec, service_spec, sorry_spec, wishes

ADVICE = Advice | None


def said(**advice: ADVICE) -> Outcomes:
    """Servers that are up and say this of themselves."""
    outcomes = pages(**dict.fromkeys(advice, Health.UP))
    return {
        check: msgspec.structs.replace(outcome, result=msgspec.structs.replace(outcome.result, advice=each))
        for (check, outcome), each in zip(outcomes.items(), advice.values(), strict=True)
    }


def after(
    spec: ServiceSpec, outcomes: Outcomes, **told: tuple[Admin, int | None]
) -> tuple[list[int | None], ServiceState]:
    """The weights in order of the servers (None: not in the table) and the state."""
    services = index([spec])
    state: State = update(adopt(services, {}, 0.0), services, outcomes, wishes(told), 1.0).state
    known = state.services["www"]
    entry = policy.entry(spec, known)
    by_address = {key.address: server.weight for key, server in entry.servers.items()}
    return [by_address.get(server.address) for server in spec.servers], known


@pytest.mark.parametrize(
    ("weights", "first", "second", "expected"),
    [
        ((100, 100), Advice(75), Advice(100), [75, 100]),
        ((1, 1), Advice(50), None, [50, 100]),
        ((1, 2), Advice(100), Advice(25), [50, 25]),
        ((3, 30), Advice(1), None, [1, 1020]),
        ((1, 1), Advice(100), Advice(100), [1, 1]),
        ((10, 10), Advice(200), None, [200, 100]),
        ((1, 1), Advice(1000), None, [1000, 100]),
        ((MAX_WEIGHT, 1), Advice(50), None, [MAX_WEIGHT // 2, 1]),
        ((0, 1), Advice(50), None, [0, 1]),
        ((MAX_WEIGHT, 1), Advice(1000), Advice(50), [MAX_WEIGHT, 1]),
    ],
)
def test_shares(weights: tuple[int, int], first: ADVICE, second: ADVICE, expected: list[int]) -> None:
    """Weights follow the shares; where they are too small for that all are multiplied alike."""
    servers = tuple(server_spec(number, weight=weight) for number, weight in enumerate(weights, 1))
    assert after(service_spec(servers=servers), said(rs1=first, rs2=second))[0] == expected


def test_nothing_of_its_weight_is_to_be_drained() -> None:
    """0% and drain keep it in the table for its connections; maint takes it out; quorum counts neither."""
    spec = service_spec(quorum_up=2)
    weights, state = after(
        spec, said(rs1=Advice(0), rs2=Advice(None, Mode.DRAIN), rs3=Advice(None, Mode.MAINT))
    )
    assert weights == [0, 0, None]
    assert [server.admin for server in state.servers.values()] == [Admin.DRAIN, Admin.DRAIN, Admin.DISABLED]
    assert state.quorum is Quorum.LOST
    assert after(spec, said(rs1=Advice(0, Mode.READY), rs2=None, rs3=None))[0] == [0, 1, 1]


def test_operators_have_the_last_word() -> None:
    """What an operator disabled or gave a weight stays so, whatever the server says."""
    outcomes = said(rs1=Advice(50, Mode.READY), rs2=Advice(50), rs3=Advice(None, Mode.MAINT))
    told = {"rs1": (Admin.DISABLED, None), "rs2": (Admin.ENABLED, 7), "rs3": (Admin.DRAIN, None)}
    weights, _ = after(service_spec(), outcomes, **told)
    assert weights == [None, 7, 0]


@pytest.mark.parametrize("scheduler", ["mh", "sh", "rr", "lc", "fo"])
def test_schedulers_without_shares(scheduler: str) -> None:
    """Where a weight is no share, or a changed one moves clients, only drain and maint have an effect."""
    spec = service_spec(scheduler=scheduler)
    outcomes = said(rs1=Advice(50), rs2=Advice(None, Mode.DRAIN), rs3=None)
    assert after(spec, outcomes)[0] == [1, 0, 1]


def test_a_sorry_server_has_no_say() -> None:
    """It serves when it is the last."""
    sorry = sorry_spec()
    spec = service_spec(count=1, sorry=sorry)
    outcomes = {**said(rs1=Advice(None, Mode.MAINT))}
    outcomes |= {
        check.id: msgspec.structs.replace(
            next(iter(outcomes.values())),
            check=check.id,
        )
        for check in sorry.checks
    }
    _, state = after(spec, outcomes)
    assert state.sorry is not None
    assert state.sorry.advice is None
    assert state.sorry_serves
