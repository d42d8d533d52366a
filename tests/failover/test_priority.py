"""What tracked objects make of a priority: weights, faults that name the object, and what is not known yet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.packet import OWNER
from failover.priority import Judgement, Known, Weighed, Word, weigh
from failover.spec import TrackedObject, TrackKind

UP, DOWN, UNKNOWN = Word.UP, Word.DOWN, Word.UNKNOWN


def tracked(kind: TrackKind = TrackKind.SCRIPT, name: str = "disk", weight: int = 0) -> TrackedObject:
    """A tracked object whose id is its name."""
    return TrackedObject(kind=kind, object=name, weight=weight, id=name)


def weighed(*objects: TrackedObject, base: int = 100, **words: Word | int) -> Weighed:
    """What these objects make of a priority, given each one's word or a file's number; no interface has a carrier."""
    verdicts = {
        name: Judgement(name, word, "full" if word is DOWN else "")
        if isinstance(word, Word)
        else Judgement(name, UP, f"says {word}", word)
        for name, word in words.items()
    }
    return weigh(base, objects, Known(verdicts), lambda name: False)


def test_nothing_tracked() -> None:
    """The configured priority."""
    assert weighed() == Weighed(priority=100)


@pytest.mark.parametrize("kind", [k for k in TrackKind if k not in (TrackKind.INTERFACE, TrackKind.FILE)])
def test_down_without_weight_is_a_fault_that_names_the_object(kind: TrackKind) -> None:
    """The priority stays what it is: a fault is not weighed."""
    there = weighed(tracked(kind), disk=DOWN)
    assert (there.fault, there.priority) == (f"tracked {kind} disk is down: full", 100)


def test_down_with_a_weight_costs_it() -> None:
    """And nothing else; what is up adds nothing."""
    there = weighed(tracked(weight=-30), tracked(TrackKind.PING, "gate", -20), disk=DOWN, gate=UP)
    assert (there.fault, there.priority) == (None, 70)
    assert [(one.name, one.adds) for one in there.seen] == [("script disk", -30), ("ping gate", 0)]


def test_unknown_is_no_reason() -> None:
    """No fault and no weight; but it is said, for nobody preempts on it."""
    there = weighed(tracked(), tracked(name="other", weight=-50), other=UP)
    assert (there.fault, there.priority, there.unproven) == (None, 100, True)
    assert not weighed(tracked(), disk=UP).unproven


def test_before_the_first_round_of_checks_nothing_is_proven() -> None:
    """Even where nothing is tracked."""
    assert weigh(100, (), Known(settled=False), lambda name: True) == Weighed(priority=100, unproven=True)


def test_an_interface_is_judged_by_its_carrier() -> None:
    """It has no verdict from elsewhere, is never unknown, and its fault is kept apart for `link_delay`."""
    eth1 = tracked(TrackKind.INTERFACE, "eth1")
    there = weighed(eth1)
    assert (there.interface_fault, there.fault, there.unproven) == (
        "tracked interface eth1 is down",
        None,
        False,
    )
    assert weigh(100, (eth1,), Known(), lambda name: name == "eth1").interface_fault is None


def test_the_first_fault_of_the_configuration_is_named() -> None:
    """Whatever else is wrong."""
    assert (
        weighed(tracked(name="a"), tracked(name="b"), a=DOWN, b=DOWN).fault
        == "tracked script a is down: full"
    )


@pytest.mark.parametrize(
    ("weight", "said", "priority", "fault"),
    [
        (1, 20, 120, None),
        (-2, 20, 60, None),
        (1, 1000, 254, None),
        (1, -1000, 1, None),
        (0, 0, 100, None),
        (0, 3, 100, "tracked file load says 3"),
        (1, DOWN, 100, "tracked file load is down: full"),
        (0, DOWN, 100, "tracked file load is down: full"),
    ],
)
def test_files(weight: int, said: Word | int, priority: int, fault: str | None) -> None:
    """The number times the weight is added; with weight 0 a number other than 0 is a fault; without one always."""
    there = weighed(tracked(TrackKind.FILE, "load", weight), load=said)
    assert (there.priority, there.fault) == (priority, fault)


OBJECTS = st.lists(
    st.builds(
        TrackedObject,
        kind=st.sampled_from([k for k in TrackKind if k is not TrackKind.INTERFACE]),
        object=st.sampled_from("abcdef"),
        weight=st.integers(-254, 254),
        id=st.sampled_from("abcdef"),
    ),
    max_size=8,
).map(tuple)
VERDICTS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(
        Judgement,
        st.just(""),
        st.sampled_from(Word),
        st.text(max_size=5),
        st.none() | st.integers(-100_000, 100_000),
    ),
)


@given(base=st.integers(1, 255), objects=OBJECTS, verdicts=VERDICTS)
def test_bounds(base: int, objects: tuple[TrackedObject, ...], verdicts: dict[str, Judgement]) -> None:
    """Never a release, never an owner that is none, and an owner stays one whatever is down."""
    priority = weigh(base, objects, Known(verdicts), lambda name: True).priority
    assert priority == OWNER if base == OWNER else 1 <= priority <= 254


@given(base=st.integers(1, 254), objects=OBJECTS, verdicts=VERDICTS)
def test_what_is_unknown_changes_nothing(
    base: int, objects: tuple[TrackedObject, ...], verdicts: dict[str, Judgement]
) -> None:
    """Without the objects that have no verdict the outcome is the same, but for the word unknown."""
    known = tuple(o for o in objects if o.id in verdicts and verdicts[o.id].word is not UNKNOWN)
    all_, without = (weigh(base, some, Known(verdicts), lambda name: True) for some in (objects, known))
    assert (all_.priority, all_.fault) == (without.priority, without.fault)
    assert all_.unproven is (len(known) < len(objects))
    assert not without.unproven


@given(objects=OBJECTS, verdicts=VERDICTS)
def test_a_fault_names_an_object_that_is_not_well(
    objects: tuple[TrackedObject, ...], verdicts: dict[str, Judgement]
) -> None:
    """Of those tracked, and never one that is up, but for a file's number."""
    there = weigh(100, objects, Known(verdicts), lambda name: True)
    if there.fault is not None:
        named = [one for one in there.seen if one.fault == there.fault]
        assert named
        assert all(one.word is DOWN or one.kind is TrackKind.FILE for one in named)
