"""The comparison's figures and table follow from its samples."""

import pytest
from bench.outage import table
from bench.outage.acts import Act
from bench.outage.samples import Sample, figures, ratio
from bench.outage.targets import promises

from hactl.lab import stories


def samples(side: str, act: Act, *gaps: float) -> list[Sample]:
    """A sample for each gap."""
    return [Sample(side, 0.1, act, gap, 0.5, 3, 0) for gap in gaps]


def test_medians_and_spreads() -> None:
    """The median is the middle one; a p99 is not told from nine samples, but from a hundred."""
    few = figures(samples("hactl", Act.CUT, 0.3, 0.1, 0.2))
    assert (few.size, few.gap, few.least, few.most, few.p99) == (3, 0.2, 0.1, 0.3, None)
    assert figures(samples("hactl", Act.CUT, *(n / 100 for n in range(101)))).p99 == 0.99


def test_a_ratio_knows_how_sure_it_is() -> None:
    """Equal samples without a spread are surely equal; a spread widens the interval; probes come each millisecond."""
    assert ratio([0.2] * 9, [0.1] * 9) == (2.0, 2.0, 2.0)
    wide = ratio([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert wide.low < wide.value == 1.0 < wide.high
    assert ratio([0.0005] * 3, [0.0] * 3).value == 0.5


def test_what_only_one_side_has_is_shown_without_a_ratio() -> None:
    """keepalived has no handover."""
    found = [
        *samples("hactl", Act.HANDOVER, 0.001),
        *samples("hactl", Act.TERM, 0.001),
        *samples("keepalived", Act.TERM, 0.05),
    ]
    _, handover, term = table.lines(found)
    assert "planned handover" in handover
    assert handover.count("n=1") == 1
    assert all("0.02 [0.02-0.02]" in line for line in (handover, term))


def test_every_failure_of_the_lab_is_measured() -> None:
    """By the same name."""
    assert {act.value for act in stories.Act} <= {act.value for act in Act}


def test_a_promise_is_kept_up_to_the_limit_and_as_far_as_one_can_be_sure() -> None:
    """An interval of confidence that reaches the limit is enough; the longest overlap and any failed request are not."""

    def broken(act: Act, *found: Sample) -> list[str]:
        return [one.text for one in promises(found, 0.1, act) if not one.kept]

    equal = samples("keepalived", Act.SILENCE, 0.30, 0.32, 0.34)
    assert broken(Act.SILENCE, *equal, *samples("hactl", Act.SILENCE, 0.31, 0.33, 0.35)) == []
    assert broken(Act.SILENCE, *equal, *samples("hactl", Act.SILENCE, 0.4, 0.41)) == ["ratio at most 1"]
    assert broken(Act.FREEZE, *samples("hactl", Act.FREEZE, 0.01, 0.02)) == []
    assert broken(Act.FREEZE, *samples("hactl", Act.FREEZE, 0.06, 0.07)) == ["gap at most 50 ms"]
    (one,) = samples("hactl", Act.TERM, 0.01)
    assert broken(Act.TERM, one._replace(overlap=2.2, late=1)) == [
        "two have the VIP for at most 2.1 s",
        "no new connection fails",
    ]
    kept = one._replace(kept=9, held=10)
    assert broken(Act.TERM, kept, kept._replace(side="keepalived", gap=0.2, kept=10)) == [
        "connections go on as with keepalived"
    ]


@pytest.mark.parametrize("size", [9, 100])
def test_a_row_tells_p99_where_samples_suffice(size: int) -> None:
    """Not from a few."""
    _, row = table.lines(samples("hactl", Act.CUT, *[0.06] * size))
    assert ("p99=60" in row) == (size == 100)
