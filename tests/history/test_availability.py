"""Availability from events: what counts, and what is not known."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from hactl.history.availability import Line, Present, Span, Subject, lines
from notify.event import Event, EventKind, Severity

NUMBERS = itertools.count()
KINDS = {
    "up": EventKind.SERVICE_UP,
    "degraded": EventKind.SERVICE_DEGRADED,
    "down": EventKind.SERVICE_DOWN,
    "started": EventKind.DIRECTOR_STARTED,
    "stopped": EventKind.DIRECTOR_STOPPED,
    "loaded": EventKind.CONFIG_LOADED,
}


def event(at: float, word: str, old: str = "", subject: str = "www", reason: str = "") -> Event:
    """An event of service www, or of the director lb1."""
    kind = KINDS[word]
    name = "lb1" if word in ("started", "stopped") else subject
    return Event(
        id=str(next(NUMBERS)),
        kind=kind,
        cluster="web",
        node="lb1",
        subject=name,
        old=old,
        new=word,
        reason=reason,
        severity=Severity.INFO,
        at=at,
    )


def one(*events: Event, present: Present | None = None) -> Line:
    """The line of service www between 0 and 100."""
    known = {} if present is None else {(Subject.SERVICE, "www"): present}
    return next(line for line in lines(events, known, "lb1", 0.0, 100.0) if line.name == "www")


def test_a_downtime() -> None:
    """Up before, for the event says so; down for ten seconds; up since."""
    line = one(event(30, "down", "up", reason="no server is healthy"), event(40, "up", "down"))
    assert line.spans == (
        Span(0, 30, "up"),
        Span(30, 40, "down", "no server is healthy"),
        Span(40, 100, "up"),
    )
    assert line.available == 0.9
    assert [down.length for down in line.downtimes] == [10]


def test_degraded_serves() -> None:
    """It is told apart and counts as available."""
    line = one(event(50, "degraded", "up"))
    assert (line.available, line.seconds("degraded")) == (1.0, 50)


def test_what_was_before_the_first_word_is_not_known() -> None:
    """A service that came in the middle counts from then on."""
    line = one(event(60, "up"))
    assert (line.watched, line.available) == (40, 1.0)


def test_a_stop_in_order_is_a_gap() -> None:
    """From the stop until the first word after the start nothing is known."""
    line = one(event(10, "up"), event(20, "stopped"), event(50, "started"), event(51, "up"))
    assert line.spans == (Span(10, 20, "up"), Span(51, 100, "up"))


def test_a_death_is_a_gap_from_the_last_word() -> None:
    """When the daemon died nobody noted; nothing is claimed after its last event."""
    line = one(
        event(10, "up"),
        event(20, "down", "up"),
        event(25, "up", "down", subject="mail"),
        event(70, "started"),
        event(72, "up"),
    )
    assert line.spans == (Span(10, 20, "up"), Span(20, 25, "down"), Span(72, 100, "up"))


def test_what_never_changed_is_known_from_status() -> None:
    """No event in all the time: it is as it is now, since then."""
    assert one(present=Present("up", -500.0)).spans == (Span(0, 100, "up"),)
    assert one(present=Present("down", 90.0, "refused")).spans == (Span(90, 100, "down", "refused"),)
    assert one(present=Present("unknown", 0.0)).available is None


def test_other_directors_starts_are_no_gap() -> None:
    """A history may hold events of a peer's name."""
    started = Event(
        id="x",
        kind=EventKind.DIRECTOR_STARTED,
        cluster="web",
        node="lb2",
        subject="lb2",
        severity=Severity.INFO,
        at=50,
    )
    assert one(event(10, "up"), started).watched == 90


def test_a_clock_that_was_set_back() -> None:
    """No time counts twice: what it said afterwards is believed, also of an event that it had put into the future."""
    line = one(event(10, "up", "down"), event(60, "down", "up"), event(25, "up", "down"))
    assert line.spans == (Span(0, 10, "down"), Span(10, 100, "up"))
    line = one(event(10, "up"), event(4000, "down", "up", reason="refused"), event(50, "up", "down"))
    assert (line.watched, line.available) == (90, 1.0)


def test_what_left_the_configuration_is_not_watched() -> None:
    """A service that was taken out while it was down is not down for ever; one that is still there is."""
    story = (
        event(10, "loaded"),
        event(20, "up"),
        event(30, "loaded"),
        event(40, "down", "up"),
        event(70, "loaded"),
    )
    assert one(*story).spans == (Span(20, 40, "up"), Span(40, 70, "down"))
    assert one(*story, present=Present("down", 40.0)).spans == (Span(20, 40, "up"), Span(40, 100, "down"))


WORDS = st.sampled_from(["up", "degraded", "down", "started", "stopped", "loaded"])
STORIES = st.lists(st.tuples(st.integers(0, 100), WORDS, st.sampled_from(["", "up", "down"])), max_size=12)


@given(STORIES)
def test_spans_are_in_order_and_within_the_time(story: list[tuple[int, str, str]]) -> None:
    """Whatever happened, by whatever clock: no overlap, nothing outside, no two of one state side by side, shares
    between 0 and 1."""
    events = [event(at, word, old) for at, word, old in story]
    for line in lines(events, {}, "lb1", 0.0, 100.0):
        assert all(0 <= span.start < span.end <= 100 for span in line.spans)
        for before, after in itertools.pairwise(line.spans):
            assert before.end <= after.start
            assert before.end < after.start or before.state != after.state
        assert line.available is None or 0 <= line.available <= 1
