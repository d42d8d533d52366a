"""A thousand VIPs of two routers, one of each family: leases beside the adverts, and a takeover of all."""

from support.many_vips import FOUR, INTERVAL, SIX, TO_SEND, hactl_pair, renewed, taken
from support.netns import lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

_TIMES = 5.0
"""What a machine with much else to do may take longer."""


def test_a_thousand_vips_are_renewed_and_taken_over() -> None:
    """No advert waits for a renewal, nobody takes over meanwhile; a successor has all on and announced in the time that
    the frames take at their pace.
    """
    with lan("a", "b") as net, Recorder(net) as recorder, hactl_pair(net) as (_, b):
        watched = renewed(recorder, 3.0)
        assert watched.late[-1] < 2 * INTERVAL, watched.late[-5:]
        assert watched.gap < 3 * INTERVAL
        assert {report.transitions for report in b.reports.values()} == {1}
        found = taken(net, recorder)
        assert found.announced == FOUR + SIX
        assert found.held < _TIMES * TO_SEND, found
        assert found.told < _TIMES * TO_SEND, found
