"""The latest outcomes: told in full when they are news, by their times alone when not."""

from typing import Any

import msgspec

from hactl.services.latest import Latest
from health.result import Advice, Health, Outcome, Reason, Repeats, Result


def outcome(**changes: Any) -> Outcome:
    """One of the check `page`."""
    result = Result(reason=Reason.OK, detail="200", elapsed=0.25, advice=changes.pop("advice", None))
    return Outcome(**{"check": "page", "health": Health.UP, "result": result, "at": 1.0, **changes})


def test_a_repeat_is_the_same_outcome_at_a_later_time() -> None:
    """Words, verdict and advice stay; how often it is asked for makes no difference."""
    latest = Latest()
    latest.take(outcome(advice=Advice(percent=50)))
    latest.again(["page"], [7.0], [0.5])
    latest.again(["page"], [8.0], [0.75])
    expected = outcome(at=8.0, advice=Advice(percent=50))
    expected = msgspec.structs.replace(
        expected, result=msgspec.structs.replace(expected.result, elapsed=0.75)
    )
    assert latest["page"] == latest["page"] == latest.get("page") == expected


def test_news_come_after_the_repeats_before_them() -> None:
    """A failure is not given the time of the pass before it."""
    latest = Latest()
    latest.take(outcome())
    latest.again(["page"], [7.0], [0.5])
    failed = outcome(health=Health.DOWN, result=Result(reason=Reason.CONNECT_REFUSED), at=8.0)
    assert latest.take(failed)[1] == latest["page"] == failed


def test_a_repeat_of_nothing_says_nothing() -> None:
    """A check that was never told of, or is no more, is unknown whatever is repeated of it."""
    latest = Latest()
    latest.again(["page"], [7.0], [0.5])
    assert not latest
    assert latest.get("page") is None
    latest.take(outcome())
    latest.again(["page"], [7.0], [0.5])
    latest.keep(())
    assert not latest
    assert latest.take(outcome(at=9.0)) == (None, outcome(at=9.0))


def test_repeats_of_ten_thousand_checks_are_short() -> None:
    """They come every second: some forty bytes each, where an outcome in full has three times as many."""
    names = tuple(f"{number:016x}" for number in range(10_000))
    times = tuple(float(number) for number in range(10_000))
    assert len(msgspec.msgpack.encode(Repeats(names, times, times))) < 40 * 10_000
