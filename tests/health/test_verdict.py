"""Rise and fall: the counter against a plain reading of its law."""

from hypothesis import given
from hypothesis import strategies as st

from health.result import Health, Reason, Result
from health.verdict import UNKNOWN, Verdict, observe, transition


def judged(results: list[bool], rise: int, fall: int) -> list[Health]:
    """The verdict after each result."""
    verdict, healths = UNKNOWN, []
    for passed in results:
        verdict = observe(verdict, passed, rise, fall)
        healths.append(verdict.health)
    return healths


def read_plainly(results: list[bool], rise: int, fall: int) -> list[Health]:
    """The same by looking back at the last results, without a counter."""
    health, healths = Health.UNKNOWN, []
    for end in range(1, len(results) + 1):
        so_far = results[:end]
        passed_in_a_row = len(so_far) >= rise and all(so_far[-rise:])
        failed_in_a_row = len(so_far) >= fall and not any(so_far[-fall:])
        if (health is Health.UNKNOWN and so_far[-1]) or (health is Health.DOWN and passed_in_a_row):
            health = Health.UP
        elif health is not Health.DOWN and failed_in_a_row:
            health = Health.DOWN
        healths.append(health)
    return healths


counts = st.integers(1, 5)


@given(st.lists(st.booleans(), max_size=60), counts, counts)
def test_counter_equals_the_plain_reading(results: list[bool], rise: int, fall: int) -> None:
    """For any results and counts the counter says what looking back says."""
    assert judged(results, rise, fall) == read_plainly(results, rise, fall)


@given(st.lists(st.booleans(), max_size=60), counts, counts)
def test_against_stays_below_the_counts(results: list[bool], rise: int, fall: int) -> None:
    """The count never reaches what would have changed the verdict."""
    verdict = UNKNOWN
    for passed in results:
        verdict = observe(verdict, passed, rise, fall)
        assert verdict.against < (rise if verdict.health is Health.DOWN else fall)


def test_first_pass_is_enough_for_up() -> None:
    """A server enters its pool after its first passed check, however high rise is."""
    assert judged([True], rise=5, fall=3) == [Health.UP]


def test_unknown_falls_only_after_fall_failures() -> None:
    """Unknown is no reason for removal: the first failures change nothing."""
    assert judged([False, False, False], rise=1, fall=3) == [Health.UNKNOWN, Health.UNKNOWN, Health.DOWN]


def test_one_pass_resets_the_failures() -> None:
    """Failures count in a row only."""
    assert judged([True, False, False, True, False, False], rise=1, fall=3)[-1] is Health.UP


def test_down_rises_after_rise_passes() -> None:
    """One failure between passes starts the count anew."""
    assert judged([False, True, False, True, True], rise=2, fall=1)[-2:] == [Health.DOWN, Health.UP]


def test_settled() -> None:
    """Only a known verdict that nothing speaks against is settled."""
    assert not UNKNOWN.settled
    assert Verdict(Health.UP).settled
    assert not Verdict(Health.UP, 1).settled
    assert not Verdict(Health.UNKNOWN, 1).settled


def test_transition_only_when_the_health_changed() -> None:
    """A count that moved is nothing to tell; a changed health is told with its result."""
    result = Result(reason=Reason.CONNECT_REFUSED)
    assert transition("c", Verdict(Health.UP), Verdict(Health.UP, 1), result, 1.0) is None
    told = transition("c", Verdict(Health.UP, 2), Verdict(Health.DOWN), result, 1.0)
    assert told is not None
    assert (told.check, told.old, told.new, told.result, told.at) == (
        "c",
        Health.UP,
        Health.DOWN,
        result,
        1.0,
    )
