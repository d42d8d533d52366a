"""The comparison's figures and table follow from its samples."""

from bench.outage import table
from bench.outage.samples import Sample, figures, ratio

from hactl.lab.stories import Act


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
    assert "hactl handover" in handover
    assert "[" not in handover.partition("n=1")[2]
    assert "0.02 [0.02-0.02]" in term
