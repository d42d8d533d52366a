"""Figures follow from samples: gaps, holders, overlaps, announcements."""

from hypothesis import given
from hypothesis import strategies as st

from hactl.lab.samples import (
    Announcement,
    Claim,
    Probe,
    Recording,
    announced,
    held_by_none,
    held_by_two,
    holders,
    longest_gap,
)


def probes(pattern: str) -> tuple[Probe, ...]:
    """One probe a second; a dot is a lost one."""
    return tuple(Probe(float(n), "" if sign == "." else sign) for n, sign in enumerate(pattern))


def recording(*claims: Claim, first: tuple[str, ...] = ("lb1",)) -> Recording:
    """Ten seconds with these changes."""
    return Recording(begin=0.0, end=10.0, first=first, claims=claims)


def test_no_loss_is_no_gap() -> None:
    """Answers from one director or another without a lost probe are no gap, and neither is no probe at all."""
    assert longest_gap(probes("aaaabbbb")) == 0
    assert longest_gap(()) == 0


def test_a_gap_reaches_from_answer_to_answer() -> None:
    """The client was without an answer from the last answered probe to the next answered one."""
    assert longest_gap(probes("aa.aa...bb.b")) == 4


def test_an_answer_that_came_late_is_a_gap() -> None:
    """A probe that waited in a queue during the takeover tells of it as a lost one does."""
    assert longest_gap((Probe(0.0, "a", 0.001), Probe(1.0, "b", 0.055), Probe(2.0, "b", 0.001))) == 0.055


def test_loss_at_either_end_counts() -> None:
    """Probes lost before the first answer, or after the last one, are a gap as well."""
    assert longest_gap(probes("...a")) == 3
    assert longest_gap(probes("a....")) == 4
    assert longest_gap(probes("....")) == 3


@given(st.text(alphabet="a.", min_size=1, max_size=60))
def test_a_gap_is_never_shorter_than_its_lost_probes(pattern: str) -> None:
    """For any pattern the gap lies between the longest run of losses and that run with its two neighbours."""
    run = max(len(part) for part in pattern.split("a"))
    gap = longest_gap(probes(pattern))
    assert max(0, run - 1) <= gap <= run + 1
    assert (gap == 0) == (run == 0 or pattern == ".")


def test_make_before_break_is_an_overlap() -> None:
    """Two holders from the successor's claim to the old one's release."""
    seen = recording(Claim(3.0, "lb2", True), Claim(3.5, "lb1", False))
    assert holders(seen) == ("lb1", "lb1+lb2", "lb2")
    assert held_by_two(seen) == 0.5
    assert held_by_none(seen) == 0


def test_break_before_make_leaves_nobody() -> None:
    """The time without any holder is found."""
    seen = recording(Claim(3.0, "lb1", False), Claim(3.25, "lb2", True))
    assert holders(seen) == ("lb1", "nobody", "lb2")
    assert held_by_none(seen) == 0.25


def test_a_repeated_claim_changes_nothing() -> None:
    """A holder that claims again is one holder."""
    assert holders(recording(Claim(1.0, "lb1", True))) == ("lb1",)


def test_the_successor_is_announced_by_another_hardware_address() -> None:
    """Refreshes of the old master are not the successor's announcement."""
    frames = (Announcement(1.0, "old"), Announcement(4.0, "old"), Announcement(4.2, "new"))
    seen = Recording(begin=0, end=10, first=("lb1",), announcements=frames)
    assert announced(seen, 3.0) == 4.2
    assert announced(seen, 5.0) is None
