"""Damping of what falls too often, and the interval of what is down for long."""

from hypothesis import given
from hypothesis import strategies as st

from health.result import Health
from health.schedule import PATIENCE, interval
from health.spec import CheckSpec, Damping, TcpProbe
from health.verdict import UNKNOWN, Verdict, observe

UP, DOWN = Health.UP, Health.DOWN
THRICE = Damping(falls=3, within=100.0, hold=20.0)


def run(
    results: list[tuple[float, bool]], damping: Damping | None = THRICE, rise: int = 1, fall: int = 1
) -> list[Verdict]:
    """The verdict after each result at its time."""
    verdict, verdicts = UNKNOWN, []
    for now, passed in results:
        verdict = observe(verdict, passed, rise, fall, now, damping)
        verdicts.append(verdict)
    return verdicts


FLAPPING = [(1.0, True), (10.0, False), (11.0, True), (20.0, False), (21.0, True), (30.0, False)]


def test_the_third_fall_is_one_too_many() -> None:
    """From then on it must pass for the whole hold, and one failure starts that anew."""
    later = [(31.0, True), (50.9, True), (51.0, True)]
    verdicts = run([*FLAPPING, *later])
    assert [v.health for v in verdicts] == [UP, DOWN, UP, DOWN, UP, DOWN, DOWN, DOWN, UP]
    assert [v.damped for v in verdicts] == [False, False, False, False, False, True, True, True, False]
    broken = run([*FLAPPING, (31.0, True), (40.0, False), (41.0, True), (60.0, True), (61.0, True)])
    assert [v.health for v in broken[-4:]] == [DOWN, DOWN, DOWN, UP]


def test_it_is_damped_again_at_the_next_fall() -> None:
    """The falls are remembered while they are recent, and forgotten afterwards."""
    again = run([*FLAPPING, (31.0, True), (51.0, True), (60.0, False), (61.0, True)])
    assert (again[-1].health, again[-1].damped) == (DOWN, True)
    calm = run([*FLAPPING, (31.0, True), (51.0, True), (200.0, False), (201.0, True)])
    assert calm[-1].health is UP


def test_slow_falls_are_no_flapping() -> None:
    """Three falls spread over more than `within` damp nothing."""
    verdicts = run([(t + up, bool(up)) for t in (0.0, 60.0, 120.0, 180.0) for up in (0, 1)])
    assert not any(verdict.damped for verdict in verdicts)


results = st.lists(st.tuples(st.floats(0.1, 60.0), st.booleans()), max_size=80)


@given(results, st.integers(1, 3), st.integers(1, 3))
def test_damping_only_delays_a_rise(steps: list[tuple[float, bool]], rise: int, fall: int) -> None:
    """Whatever happens: never up where it would be down without; a server that passes for rise and hold is up."""
    now, timed = 0.0, []
    for pause, passed in steps:
        now += pause
        timed.append((now, passed))
    damped, plain = run(timed, THRICE, rise, fall), run(timed, None, rise, fall)
    row = 0
    began = 0.0
    for (at, passed), one, other in zip(timed, damped, plain, strict=True):
        assert not (one.health is UP and other.health is DOWN)
        assert len(one.falls) <= THRICE.falls
        began, row = (began if row else at, row + 1) if passed else (at, 0)
        if row >= rise and at - began >= THRICE.hold:
            assert one.health is UP


def check(**more: object) -> CheckSpec:
    """A check every 2 s."""
    return CheckSpec(address="10.0.0.1", port=80, probe=TcpProbe(), **more)  # type: ignore[arg-type]


def test_the_interval_doubles_while_down_for_long() -> None:
    """Each ten failures, up to down_interval; a first pass makes it fast; without the key nothing is longer."""
    spec = check(down_interval=15.0)
    assert [interval(spec, Verdict(DOWN, lasting=n * PATIENCE)) for n in range(5)] == [
        2.0,
        4.0,
        8.0,
        15.0,
        15.0,
    ]
    assert interval(spec, Verdict(DOWN, against=1, lasting=900)) == 0.5
    assert interval(check(), Verdict(DOWN, lasting=900)) == 2.0
    assert interval(spec, Verdict(UP)) == 2.0


def test_failures_are_counted_while_down() -> None:
    """A failure after a fall is one more; a pass ends the row."""
    verdicts = run([(float(n), False) for n in range(4)] + [(4.0, True), (5.0, False)], None, rise=2)
    assert [verdict.lasting for verdict in verdicts] == [0, 1, 2, 3, 0, 1]


def test_a_damped_server_is_probed_at_its_ordinary_interval() -> None:
    """Enough passes alone do not help, so there is no hurry."""
    assert interval(check(), Verdict(DOWN, against=9, damped=True)) == 2.0
    assert interval(check(), Verdict(DOWN, against=1, damped=True)) == 0.5
