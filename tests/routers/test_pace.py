"""Whether the host is quick enough for the configured intervals: said at the start, warned of once, shown in status."""

from failover.lateness import Lateness
from hactl.routers import pace
from hactl.routers.pace import Pace
from support.failover import router_spec

SLOW = Lateness(realtime=False, samples=500, middle=0.0011, most=0.0042, worst=0.0234)
QUICK = Lateness(realtime=True, samples=500, middle=0.001, most=0.002, worst=0.0021)
AT_START = (
    "without real-time scheduling the smallest safe advert interval is 30ms here: of 500 wake-ups half were 1.1ms late, "
    "one of a hundred 4.2ms, the latest 23.4ms"
)
TOO_QUICK = (
    "router web advertises each 10ms, but the smallest safe interval here is 30ms: the failover worker woke up to 23.4ms "
    "late, without real-time scheduling"
)
FAST = [router_spec(advert_interval=0.01)]
STEADY = [router_spec(advert_interval=0.03), router_spec(name="inside", advert_interval=1.0)]


def heard(*measured: Lateness) -> tuple[Pace, list[str]]:
    """A pace that heard this with a router of 10 ms, and what it said."""
    said: list[str] = []
    made = Pace(said.append)
    for one in measured:
        made.hear(one, FAST)
    return made, said


def test_said_at_the_start_and_warned_of_once() -> None:
    """By the first measurement of each worker; what lasts is not told again."""
    made, said = heard(SLOW, SLOW)
    assert said == [AT_START, TOO_QUICK]
    made.forget()
    assert made.now(FAST) == []
    made.hear(SLOW, FAST)
    assert said == [AT_START, TOO_QUICK, AT_START]


def test_real_time_and_quick_enough() -> None:
    """Nothing is said."""
    made, said = heard(QUICK)
    assert (said, made.now(FAST)) == ([], [])


def test_real_time_and_late_all_the_same() -> None:
    """As in a container with a quota: warned of, without blaming the scheduling class."""
    late = Lateness(realtime=True, samples=500, middle=0.001, most=0.002, worst=0.0234)
    _, said = heard(late)
    assert said == [TOO_QUICK.removesuffix(", without real-time scheduling")]


def test_a_reload_that_slows_down() -> None:
    """The warning ends, and comes anew when the interval is too short again."""
    made, said = heard(SLOW)
    assert made.now(FAST) == [TOO_QUICK]
    assert made.now(STEADY) == []
    made.look(STEADY)
    made.look(FAST)
    assert said == [AT_START, TOO_QUICK, TOO_QUICK]


def test_status() -> None:
    """Milliseconds; nothing before the first measurement; and the doctor reads it back."""
    assert pace.view(None) is None
    shown = pace.view(SLOW)
    assert shown == {
        "realtime": False,
        "samples": 500,
        "p50_ms": 1.1,
        "p99_ms": 4.2,
        "worst_ms": 23.4,
        "smallest_interval_ms": 30,
    }
    assert pace.view(pace.read(shown)) == shown
    assert pace.read(None) is None
