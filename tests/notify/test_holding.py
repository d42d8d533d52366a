"""What a channel holds back and tells: by what its receiver knows of a problem."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from notify.event import Event, EventKind, Severity
from notify.holding import Holding, Told
from notify.problem import Role, place
from notify.quiet import Window
from notify.spec import After, ChannelSpec, SyslogSpec
from support.alerts import event

T0 = 1_800_000_000.0
KEY = ("server", "rs1@www")
DOWN, UP = EventKind.SERVER_DOWN, EventKind.SERVER_UP


def spec(**fields: Any) -> ChannelSpec:
    """A channel that takes everything."""
    return ChannelSpec(name="ops", delivery=SyslogSpec(), severity=Severity.INFO, **fields)


class Story:
    """A channel to which things happen at seconds after T0; `told` is what its receiver hears, `dropped` what not."""

    def __init__(self, spec: ChannelSpec, known: list[Told] | None = None) -> None:
        self.holding = Holding(spec)
        self.holding.load(known or [])
        self.told: list[tuple[float, str]] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.dropped: list[str] = []
        self.kept: dict[Any, Told] = {}
        self.events: list[Event] = []
        self.clock = 0.0

    def _pass(self, passed: Any, now: float) -> None:
        self.dropped += passed.drop
        for one in passed.tell:
            self.told.append((now, one.kind.value))
            self.ids.append(one.id)
            self.texts.append(one.reason)
        self.kept.update({row.key: row for row in self.holding.ended(passed.tell)})

    def happens(self, now: float, kind: EventKind, **fields: Any) -> "Story":
        """An event, taken at once."""
        fields = {"new": kind.value.partition(".")[2], "reason": "why", **fields}
        one = event(kind, fields.pop("subject", "rs1@www"), at=T0 + now, **fields)
        self.events.append(one)
        self.clock = now
        self.take(one, now)
        return self

    def take(self, one: Event, now: float) -> None:
        """Take an event of the spool."""
        self._pass(self.holding.take(one, T0 + now), now)

    def until(self, end: float) -> "Story":
        """Look whenever the channel wants to, up to this second."""
        while (at := self.holding.next_look) <= T0 + end:
            now = self.clock = max(at - T0, self.clock)
            self._pass(self.holding.look(T0 + now), now)
            if self.holding.next_look <= at:
                break
        return self

    def stands(self, *keys: Any, acknowledged: tuple[Any, ...] = ()) -> "Story":
        """These problems there are."""
        self.holding.standing(frozenset(keys), frozenset(acknowledged))
        return self


def test_a_channel_that_asks_for_nothing_gets_all_at_once() -> None:
    """As the events come."""
    story = Story(spec()).happens(0, DOWN).happens(1, UP).happens(2, DOWN)
    assert story.told == [(0, "server.down"), (1, "server.up"), (2, "server.down")]
    assert story.dropped == []


def test_a_short_problem_is_not_told_nor_its_end() -> None:
    """With after: 60s; both leave the spool."""
    story = Story(spec(after=After(lasting=60))).happens(0, DOWN).until(59).happens(59.5, UP).until(500)
    assert story.told == []
    assert story.dropped == [one.id for one in story.events]
    assert story.holding.held == 0


def test_a_problem_that_lasts_is_told_with_its_end() -> None:
    """When it has lasted, once."""
    story = Story(spec(after=After(lasting=60))).happens(0, DOWN).until(100).happens(100, UP)
    assert story.told == [(60, "server.down"), (100, "server.up")]


def test_what_becomes_worse_while_it_waits_is_told_by_its_last_word() -> None:
    """The time runs from the beginning."""
    story = Story(spec(after=After(lasting=60)))
    story.happens(0, EventKind.SERVICE_DEGRADED, subject="www").happens(
        50, EventKind.SERVICE_DOWN, subject="www"
    )
    assert story.until(100).told == [(60, "service.down")]
    assert story.texts == ["why (1 changes before were not told)"]


def test_a_problem_that_returns_is_told_by_its_count() -> None:
    """The third time within ten minutes, though each was short."""
    story = Story(spec(after=After(lasting=300, failures=3, within=600)))
    for at in (0, 100, 200):
        story.happens(at, DOWN).until(at + 5).happens(at + 5, UP)
    assert story.told == [(200, "server.down"), (205, "server.up")]
    far = Story(spec(after=After(lasting=300, failures=3, within=600)))
    for at in (0, 500, 1000):
        far.happens(at, DOWN).until(at + 5).happens(at + 5, UP)
    assert far.told == []


def test_at_most_one_alert_in_a_time() -> None:
    """A flapping server: the first word at once, then the present state at most every ten minutes."""
    story = Story(spec(every=600.0)).happens(0, DOWN)
    for at in range(10, 100, 20):
        story.happens(at, UP).happens(at + 10, DOWN)
    story.happens(105, UP).until(2000)
    assert story.told == [(0, "server.down"), (600, "server.up")]
    assert story.texts[-1] == "why (10 changes before were not told)"


def test_nothing_new_is_not_told_after_the_time() -> None:
    """Back to what was told: no further word."""
    story = Story(spec(every=600.0)).happens(0, DOWN).happens(10, UP).happens(20, DOWN).until(5000)
    assert story.told == [(0, "server.down")]
    assert story.holding.held == 0


def test_what_becomes_worse_waits_for_nothing() -> None:
    """A service that was degraded goes down within the time."""
    story = Story(spec(every=600.0)).happens(0, EventKind.SERVICE_DEGRADED, subject="www")
    story.happens(5, EventKind.SERVICE_DOWN, subject="www")
    assert story.told == [(0, "service.degraded"), (5, "service.down")]


def test_told_again_until_acknowledged() -> None:
    """Each hour while it lasts and nobody has said that it is known; with another id each time, and the way to end it."""
    story = Story(spec(repeat=3600.0)).happens(0, DOWN).stands(KEY).until(2.5 * 3600)
    assert story.told == [(0, "server.down"), (3600, "server.down"), (7200, "server.down")]
    assert "until `hactl ack rs1@www`: why" in story.texts[-1]
    story.stands(KEY, acknowledged=(KEY,)).until(9 * 3600)
    assert len(story.told) == 3


def test_not_told_again_after_its_end() -> None:
    """Nor when it is gone without a word, as a server that left the configuration is; nor before anybody knows."""
    assert len(Story(spec(repeat=60.0)).happens(0, DOWN).stands(KEY).happens(30, UP).until(999).told) == 2
    assert len(Story(spec(repeat=60.0)).happens(0, DOWN).stands(KEY).until(30).stands().until(999).told) == 1
    assert len(Story(spec(repeat=60.0)).happens(0, DOWN).until(999).told) == 1


def test_the_end_of_what_was_told_whatever_its_severity() -> None:
    """recovery: true tells it, and no other; false none at all."""
    critical = ChannelSpec(name="ops", delivery=SyslogSpec(), severity=Severity.CRITICAL, recovery=True)
    story = Story(critical).happens(0, EventKind.SERVICE_DOWN, subject="www")
    story.happens(9, EventKind.SERVICE_UP, subject="www").happens(10, UP)
    assert story.told == [(0, "service.down"), (9, "service.up")]
    assert story.dropped == [story.events[-1].id]
    never = Story(spec(recovery=False)).happens(0, DOWN).happens(1, UP).happens(2, DOWN)
    assert never.told == [(0, "server.down"), (2, "server.down")]


def test_a_takeover_is_news_and_no_mere_end() -> None:
    """Whoever asks for patience with problems still hears at once who is master."""
    for one in (spec(after=After(lasting=60)), spec(recovery=True), spec(recovery=False)):
        story = Story(one).happens(0, EventKind.ROUTER_MASTER, subject="web", old="backup")
        assert story.told == [(0, "router.master")]


def test_after_a_restart_the_same_is_decided() -> None:
    """What was told is known again; of the spool what was too short is left out, and what lasted is told."""
    before = Story(spec(repeat=60.0, recovery=True)).happens(0, DOWN)
    again = Story(spec(repeat=60.0, recovery=True), list(before.kept.values())).stands(KEY).until(70)
    assert again.told == [(60, "server.down")]
    assert again.happens(80, UP).told[-1] == (80, "server.up")
    assert again.kept[KEY].event is None

    late = Holding(spec(after=After(lasting=60)))
    story = [(0, DOWN, "rs1@www"), (30, UP, "rs1@www"), (40, DOWN, "rs2@www"), (200, UP, "rs2@www")]
    events = [event(kind, subject, at=T0 + at) for at, kind, subject in story]
    passed = [late.take(one, T0 + 500) for one in events]
    assert [one.id for p in passed for one in p.tell] == [events[2].id, events[3].id]
    assert [name for p in passed for name in p.drop] == [events[0].id, events[1].id]


def test_said_again_after_a_restart_of_the_daemon() -> None:
    """A problem that was acknowledged is not told anew, nor one that is repeated anyhow; any other is."""
    known = list(Story(spec(repeat=60.0)).happens(0, DOWN).kept.values())
    assert Story(spec(repeat=60.0), known).stands(KEY, acknowledged=(KEY,)).happens(9, DOWN).told == []
    assert Story(spec(repeat=60.0), known).stands(KEY).happens(9, DOWN).until(70).told == [
        (60, "server.down")
    ]
    assert Story(spec(recovery=True), known).stands(KEY).happens(9, DOWN).told == [(9, "server.down")]


def quiet_for(seconds: int, now: float = T0) -> tuple[Window, ...]:
    """A quiet time that began just now and ends after so many seconds, which are whole minutes."""
    minute = int(now % 86400) // 60
    return (Window(start=minute, end=(minute + seconds // 60) % 1440),)


def test_a_quiet_time_holds_all_but_the_severe() -> None:
    """What was held is told together at the end, in order; the critical went through."""
    story = Story(spec(quiet=quiet_for(3600))).happens(0, DOWN).happens(10, UP)
    story.happens(20, EventKind.SERVICE_DOWN, subject="www").happens(30, DOWN)
    assert story.told == [(20, "service.down")]
    assert story.holding.held == 3
    story.until(4000)
    assert story.told[1:] == [(3600, "server.down"), (3600, "server.up"), (3600, "server.down")]


def test_what_is_fetched_again_is_held_once() -> None:
    """The spool may be read again while more waits there than memory takes."""
    held = Story(spec(quiet=quiet_for(3600))).happens(0, DOWN)
    waiting = Story(spec(after=After(lasting=60))).happens(0, DOWN)
    for story in (held, waiting):
        story.holding.take(story.events[0], T0 + 5)
        assert story.holding.held == 1
        assert len(story.until(4000).told) == 1


def test_what_passes_takes_along_what_is_held_of_its_subject() -> None:
    """So that nobody hears the old after the new."""
    story = (
        Story(spec(quiet=quiet_for(3600)))
        .happens(0, EventKind.SERVICE_DEGRADED, subject="www")
        .happens(1, DOWN)
    )
    story.happens(20, EventKind.SERVICE_DOWN, subject="www").until(4000)
    assert story.told == [(20, "service.degraded"), (20, "service.down"), (3600, "server.down")]


def test_the_end_of_what_passed_a_quiet_time_passes_too() -> None:
    """With recovery: true, so nobody who was woken waits in vain for the good news."""
    story = Story(spec(quiet=quiet_for(3600), recovery=True)).happens(
        0, EventKind.SERVICE_DOWN, subject="www"
    )
    story.happens(60, EventKind.SERVICE_UP, subject="www")
    assert story.told == [(0, "service.down"), (60, "service.up")]


def test_nobody_is_reminded_in_a_quiet_time() -> None:
    """The next word comes at its end, and not twice then."""
    story = Story(spec(quiet=quiet_for(3600), repeat=600.0)).happens(0, DOWN).stands(KEY).until(4000)
    assert story.told == [(3600, "server.down")]
    story = Story(spec(repeat=600.0)).happens(-1, DOWN).stands(KEY)
    story.holding.replace(spec(quiet=quiet_for(3600), repeat=600.0))
    assert story.until(4000).told == [(-1, "server.down"), (3600, "server.down")]


def test_a_clock_set_back_holds_nothing_for_long() -> None:
    """What waits since a moment that is in the future now is told."""
    story = Story(spec(after=After(lasting=60))).happens(0, DOWN)
    assert [one.kind.value for one in story.holding.look(T0 - 3600).tell] == ["server.down"]


def test_a_clock_set_back_by_years_makes_nobody_wait_for_years() -> None:
    """What was told in a year to come counts as told now: at most one alert in a time, and no fewer; so of reminders."""
    years = 10 * 365 * 86400
    told = Story(spec(every=600.0)).happens(years, DOWN)
    told.happens(0, UP).until(100)
    assert told.told == [(years, "server.down")]
    assert told.until(700).told == [(years, "server.down"), (600, "server.up")]
    reminded = Story(spec(repeat=600.0)).happens(years, DOWN)
    reminded.holding.standing(frozenset([KEY]), frozenset())
    reminded.holding.look(T0)
    assert [one.kind for one in reminded.holding.look(T0 + 600).tell] == [DOWN]


def test_said_again_after_a_clock_was_set_back() -> None:
    """A problem that comes again is told, though its last time lies in the future."""
    story = Story(spec(every=600.0)).happens(7200, DOWN).happens(7900, UP).happens(0, DOWN).until(600)
    assert [kind for _, kind in story.told] == ["server.down", "server.up", "server.down"]


specs = st.builds(
    spec,
    after=st.none() | st.builds(After, lasting=st.sampled_from([0.0, 30.0, 90.0])),
    every=st.sampled_from([0.0, 45.0, 120.0]),
    recovery=st.sampled_from([None, True]),
    quiet=st.sampled_from([(), quiet_for(300)]),
)
steps = st.lists(st.tuples(st.integers(1, 100), st.sampled_from(["degraded", "down", "up"])), max_size=12)


@given(specs, steps)
def test_in_the_end_the_receiver_knows_the_present_state(
    one: ChannelSpec, story: list[tuple[int, str]]
) -> None:
    """Whatever is held and left out; and each event is told or dropped, and never both."""
    made, now = Story(one), 0
    heard: list[Event] = []
    for wait, state in story:
        made.until(now + wait)
        now += wait
        made.happens(now, EventKind(f"service.{state}"), subject="www")
    made.until(now + 100_000)
    assert made.holding.held == 0
    assert len(made.told) + len(made.dropped) == len(made.events)
    heard = [next(e for e in made.events if e.kind.value == kind) for _, kind in made.told]
    if story and place(made.events[-1])[1] is Role.BEGINS:
        assert heard[-1].kind is made.events[-1].kind
    elif heard:
        assert place(heard[-1])[1] is Role.ENDS


@given(specs, steps, st.sets(st.integers(0, 11)))
def test_a_crash_at_any_moment_changes_nothing_of_that(
    one: ChannelSpec, story: list[tuple[int, str]], crashes: set[int]
) -> None:
    """The spool, and what the receiver knew, are all that outlives it; what was dropped or delivered is not told again."""
    made, now = Story(one), 0
    for number, (wait, state) in enumerate(story):
        made.until(now + wait)
        now += wait
        made.happens(now, EventKind(f"service.{state}"), subject="www")
        if number in crashes:
            made = restarted(made, one)
    made.until(now + 100_000)
    assert made.holding.held == 0
    assert sorted(made.ids + made.dropped) == sorted(event.id for event in made.events)
    heard = [next(e for e in made.events if e.id == name) for name in made.ids]
    if story and place(made.events[-1])[1] is Role.BEGINS:
        assert heard[-1].kind is made.events[-1].kind
    elif heard:
        assert place(heard[-1])[1] is Role.ENDS


def restarted(before: Story, one: ChannelSpec) -> Story:
    """The same story, told by another process from here on."""
    after = Story(one, [row for row in before.kept.values() if row.event is not None])
    after.told, after.ids, after.dropped = before.told, before.ids, before.dropped
    after.events, after.kept, after.clock = before.events, before.kept, before.clock
    for waiting in before.events:
        if waiting.id not in (*before.ids, *before.dropped):
            after.take(waiting, before.clock)
    return after
