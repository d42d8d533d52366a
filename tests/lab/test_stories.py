"""A story's verdict follows from its recording."""

import msgspec
import pytest

from hactl.lab.samples import Announcement, Claim, Outcome, Probe, Recording, Request
from hactl.lab.stories import STORIES, Act, Story, Verdict, judge

KILL = Story(act=Act.KILL_ALL, gap=0.05)
PLANNED = Story(act=Act.HANDOVER, gap=0.01, planned=True)
ACTED = 1.0


def recording(lost: int = 0, release: float = 2.0) -> Recording:
    """lb2 claims at 1.4 s, lb1 lets go at ``release``; ``lost`` probes of a millisecond are lost at 1.4 s."""
    probes = [Probe(n / 1000, "" if 1400 <= n < 1400 + lost else "lb1") for n in range(5000)]
    claims = (Claim(1.4, "lb2", True), Claim(release, "lb1", False))
    seen = tuple(claim for claim in claims if claim.at < 5.0)
    return Recording(begin=0.0, end=5.0, first=("lb1",), probes=tuple(probes), claims=seen)


def test_a_kept_promise_is_ok() -> None:
    """No gap, the successor holds, the old one let go within the lease."""
    result = judge(KILL, recording(), ACTED)
    assert (result.verdict, result.complaints) == (Verdict.OK, ())
    assert result.holders == ("lb1", "lb1+lb2", "lb2")


def test_over_the_target_is_late_and_far_over_it_is_failed() -> None:
    """A gap above the target is told apart from one above five times the target."""
    assert judge(KILL, recording(lost=100), ACTED).verdict is Verdict.LATE
    assert judge(KILL, recording(lost=300), ACTED).verdict is Verdict.FAILED


def test_two_holders_beyond_the_lease_fail() -> None:
    """The VIP on two nodes for longer than the lease is a broken promise, except in a partition."""
    seen = recording(release=4.0)
    assert "two nodes" in judge(KILL, seen, ACTED).complaints[0]
    partition = msgspec.structs.replace(KILL, overlap=None)
    assert judge(partition, seen, ACTED).verdict is Verdict.OK


def test_the_wrong_holder_fails() -> None:
    """A takeover that did not happen is no success, however short the gap."""
    assert "held the VIP, not lb2" in judge(KILL, recording(release=6.0), ACTED).complaints[0]


@pytest.mark.parametrize(("sent", "late"), [(1.39, 0), (1.46, 1)])
def test_a_planned_takeover_fails_no_request_after_the_announcement(sent: float, late: int) -> None:
    """A request in flight at the announcement may fail; one that begins after it may not."""
    seen = msgspec.structs.replace(
        recording(),
        requests=(Request(sent, 0.01, Outcome.RESET),),
        announcements=(Announcement(1.45, "new"),),
    )
    result = judge(PLANNED, seen, ACTED)
    assert (result.failed, result.failed_after) == (1, late)
    assert (result.verdict is Verdict.FAILED) == bool(late)


def test_every_act_is_played_once() -> None:
    """The demo shows each failure, the baseline first."""
    assert [story.act for story in STORIES] == list(Act)
