"""Half a minute of endurance, as a smoke test of the run of an hour: nothing grows and nothing is refused."""

import pytest
from endurance import judge
from endurance.run import endure

from support.netns import needs_namespaces

pytestmark = [needs_namespaces, pytest.mark.slow, pytest.mark.timeout(180)]

SECONDS = 30.0


def test_reloads_each_second_leave_nothing_behind() -> None:
    """Memory, descriptors, threads, tasks and history of both directors, while everything changes each second."""
    taken, counts = endure(SECONDS, lambda _: None)
    growing = [judge.line(one) for one in judge.judge(taken, SECONDS / 3) if not one.flat]
    assert not growing, growing
    assert not counts.words
    # Two daemons; on a busy machine a turn takes several seconds.
    assert counts.reloads >= SECONDS / 6
    assert counts.alerts
