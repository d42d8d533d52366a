"""Slow start: the weight of a returning server rises, and nothing else does."""

from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs import policy, ramp
from hactl.ipvs.inherit import adopt
from hactl.ipvs.spec import OnDown, ServiceSpec
from hactl.ipvs.update import due, update
from hactl.services.state import WHOLE, Outcomes, State, index
from hactl.wishes.overrides import MAX_WEIGHT, Admin
from health.result import Health
from support.ipvs_build import pages, server_spec, service_spec, wishes

UP, DOWN = Health.UP, Health.DOWN
BOTH, ONE = pages(rs1=UP, rs2=UP), pages(rs1=UP, rs2=DOWN)


class Stand:
    """One service, its state, and the weights it wishes for."""

    def __init__(self, spec: ServiceSpec) -> None:
        self.spec, self.services = spec, index([spec])
        self.state: State = adopt(self.services, {}, 0.0)

    def at(self, now: float, outcomes: Outcomes, **said: Admin) -> list[int]:
        """The weights after these outcomes at this time, in order of the servers."""
        told = wishes({name: (admin, None) for name, admin in said.items()})
        self.state = update(self.state, self.services, outcomes, told, now).state
        entry = policy.entry(self.spec, self.state.services["www"])
        return [server.weight for server in entry.servers.values()]


def slow(**more: object) -> ServiceSpec:
    """A service of two servers with a slow start of 20 s."""
    settings: dict[str, object] = {"count": 2, "slow_start": 20.0, "scheduler": "wlc", **more}
    return service_spec(**settings)  # type: ignore[arg-type]


def weighted(*weights: int) -> tuple[object, ...]:
    """Servers of these weights."""
    return tuple(server_spec(number, weight=weight) for number, weight in enumerate(weights, 1))


def test_a_returning_server_rises_to_its_weight() -> None:
    """From a twentieth to the whole, in whole numbers; the others keep theirs."""
    stand = Stand(slow(servers=weighted(40, 40)))
    assert stand.at(1, BOTH) == [40, 40]
    assert stand.at(2, ONE) == [40]
    assert [stand.at(now, BOTH)[1] for now in (10, 10.9, 11, 15, 29, 30, 31)] == [1, 1, 2, 10, 38, 40, 40]
    assert due(stand.state.services["www"], stand.spec) is None


def test_weight_1_rises_as_well() -> None:
    """All weights of the service are multiplied while one rises, and are themselves again afterwards."""
    stand = Stand(slow())
    stand.at(1, BOTH)
    stand.at(2, ONE)
    assert [stand.at(now, BOTH) for now in (10, 15, 29.5, 30)] == [[20, 1], [20, 5], [20, 19], [1, 1]]


def test_time_alone_makes_the_steps() -> None:
    """The next look is due exactly when the weight changes."""
    stand = Stand(slow(servers=weighted(20, 20)))
    stand.at(1, BOTH)
    stand.at(2, ONE)
    stand.at(10, BOTH)
    seen = []
    while (when := due(stand.state.services["www"], stand.spec)) is not None:
        seen.append((when, stand.at(when, BOTH)[1]))
    assert seen == [(10.0 + step, max(1, step)) for step in range(1, WHOLE + 1)]


def test_who_does_not_rise() -> None:
    """Nothing at a start; nothing without slow_start; nothing where the scheduler does not share out by weight."""
    assert Stand(slow()).at(1, BOTH) == [1, 1]
    for more in ({"slow_start": 0.0}, {"scheduler": "rr"}, {"scheduler": "mh", "on_down": OnDown.QUIESCE}):
        stand = Stand(slow(**more))
        stand.at(1, BOTH)
        stand.at(2, ONE)
        assert stand.at(10, BOTH) == [1, 1], more


def test_an_enabled_server_rises_and_a_drained_one_does_not() -> None:
    """Who was disabled has nothing warm; who was drained goes on."""
    for admin, weights in ((Admin.DISABLED, [20, 1]), (Admin.DRAIN, [1, 1])):
        stand = Stand(slow())
        stand.at(1, BOTH, rs2=admin)
        assert stand.at(10, BOTH) == weights


def test_a_fall_ends_a_rise_and_the_next_begins_anew() -> None:
    """Down in the middle: removed; then again from the first step."""
    stand = Stand(slow())
    for now, outcomes, weights in ((1, BOTH, [1, 1]), (2, ONE, [1]), (3, BOTH, [20, 1]), (13, BOTH, [20, 10]),
                                   (14, ONE, [1]), (20, BOTH, [20, 1])):  # fmt: skip
        assert stand.at(now, outcomes) == weights


def test_a_quiesced_server_rises_from_weight_0() -> None:
    """With on_down quiesce it never left the table."""
    stand = Stand(slow(on_down=OnDown.QUIESCE))
    assert [stand.at(now, seen) for now, seen in ((1, BOTH), (2, ONE), (3, BOTH))] == [
        [1, 1],
        [1, 0],
        [20, 1],
    ]


weights = st.lists(st.integers(1, MAX_WEIGHT), min_size=2, max_size=5)


@given(weights, st.data())
def test_weights_stay_in_proportion_and_in_bounds(given_weights: list[int], data: st.DataObject) -> None:
    """Whatever the weights: those at their whole keep their proportion, none is 0, none too large, all end as configured."""
    names = [f"rs{number}" for number in range(1, len(given_weights) + 1)]
    back = data.draw(st.sets(st.sampled_from(names), min_size=1))
    stand = Stand(slow(servers=weighted(*given_weights)))
    every = pages(**dict.fromkeys(names, UP))
    stand.at(1, every)
    stand.at(2, pages(**{name: DOWN if name in back else UP for name in names}))
    before = [0] * len(names)
    for now in sorted([*data.draw(st.lists(st.floats(3, 23), max_size=8)), 3.0]):
        shown = stand.at(now, every)
        assert all(1 <= weight <= MAX_WEIGHT for weight in shown)
        times = ramp.factor(stand.state.services["www"].servers.values())
        for name, weight, configured, last in zip(names, shown, given_weights, before, strict=True):
            if name not in back:
                assert weight == configured * times
            elif now < 23:
                assert last <= weight <= configured * times
        before = shown if now < 23 else before
    assert stand.at(23.0, every) == given_weights
