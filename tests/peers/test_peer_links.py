"""Links of the directors' channel that break while the peer is up."""

from failover.peer.actions import PeerState
from failover.peer.report import LinkReport, PeerReport
from hactl.peers.links import COMES_WITHIN, LASTS, PeerLinks
from hactl.peers.peers import Peers
from notify.event import EventKind, Severity

UP, DOWN, UNKNOWN = PeerState.UP, PeerState.DOWN, PeerState.UNKNOWN


def peer(*links: PeerState, state: PeerState = UP) -> dict[str, PeerReport]:
    """lb2, with links in these states."""
    made = tuple(
        LinkReport(own=f"10.9{n}.0.1", peer=f"10.9{n}.0.2", state=link, reason="silent for 1 s")
        for n, link in enumerate(links)
    )
    report = PeerReport(peer="lb2", state=state, reason="", since=0.0, links=made, drops={}, payload_taken=0)
    return {"lb2": report}


def told(links: PeerLinks, reports: dict[str, PeerReport], now: float) -> list[tuple[str, Severity]]:
    """What is told at a look."""
    found = links.look(reports, now)
    assert all(one.kind is EventKind.PEER_LINK and one.subject == "lb2" for one in found)
    return [(one.reason, one.severity) for one in found]


BROKEN = ("the link 10.91.0.1 - 10.91.0.2 is down: silent for 1 s; other links work", Severity.WARNING)
MENDED = ("the link 10.91.0.1 - 10.91.0.2 works again", Severity.INFO)


def test_told_once_and_when_it_works_again() -> None:
    """Once it has lasted; and again for the next time."""
    links = PeerLinks()
    assert told(links, peer(UP, UP), -1.0) == []
    for at in (0.0, 100.0):
        assert told(links, peer(UP, DOWN), at) == []
        assert told(links, peer(UP, DOWN), at + LASTS) == [BROKEN]
        assert told(links, peer(UP, DOWN), at + 50.0) == []
        assert told(links, peer(UP, UP), at + 60.0) == [MENDED]
        assert told(links, peer(UP, UP), at + 61.0) == []


def test_a_moment_is_nothing() -> None:
    """Down, up, down: each begins anew."""
    links = PeerLinks()
    assert told(links, peer(UP, UP), -1.0) == []
    assert told(links, peer(UP, DOWN), 0.0) == []
    assert told(links, peer(UP, UP), 1.0) == []
    assert told(links, peer(UP, UNKNOWN), 2.0) == []
    assert told(links, peer(UP, UNKNOWN), 2.0 + LASTS - 0.1) == []


def test_a_link_that_comes_late_is_no_alarm() -> None:
    """It has never worked since the start, here or of the peer: it is waited for, and told only when it does not come."""
    links = PeerLinks()
    assert told(links, peer(UP, DOWN), 0.0) == []
    assert told(links, peer(UP, DOWN), COMES_WITHIN - 0.1) == []
    assert told(links, peer(UP, UP), COMES_WITHIN) == []
    assert told(links, peer(DOWN, DOWN, state=DOWN), 100.0) == []
    assert told(links, peer(UP, DOWN), 110.0) == []
    assert told(links, peer(UP, DOWN), 110.0 + COMES_WITHIN - 0.1) == []
    assert told(links, peer(UP, DOWN), 110.0 + COMES_WITHIN) == [BROKEN]
    assert told(links, peer(UP, UP), 200.0) == [MENDED]


def test_a_peer_that_dies_link_by_link() -> None:
    """Its links are no alarm of their own, neither then nor when it is back."""
    links = PeerLinks()
    assert told(links, peer(UP, DOWN), 0.0) == []
    assert told(links, peer(DOWN, DOWN, state=DOWN), 1.0) == []
    assert told(links, peer(DOWN, DOWN, state=DOWN), 9.0) == []
    assert told(links, peer(UP, DOWN), 10.0) == []
    assert told(links, peer(UP, UP), 11.0) == []


def test_a_link_that_a_reload_takes_away() -> None:
    """It is forgotten, its alarm ends; and so is a peer."""
    links = PeerLinks()
    told(links, peer(UP, UP), -1.0)
    told(links, peer(UP, DOWN), 0.0)
    assert told(links, peer(UP, DOWN), LASTS) == [BROKEN]
    gone = ("the link 10.91.0.1 - 10.91.0.2 is not used any more", Severity.INFO)
    assert told(links, peer(UP), 5.0) == [gone]
    assert told(links, peer(UP, UP), 6.0) == []
    assert told(links, {}, 7.0) == []


def test_the_alarm_of_two_ends_with_the_second() -> None:
    """A problem is one of the peer: what is still broken is said, and goes on."""
    links = PeerLinks()
    told(links, peer(UP, UP, UP), -1.0)
    told(links, peer(UP, DOWN, DOWN), 0.0)
    assert len(told(links, peer(UP, DOWN, DOWN), LASTS)) == 2
    still = f"{MENDED[0]}; 10.92.0.1 - 10.92.0.2 is still down"
    assert told(links, peer(UP, UP, DOWN), 5.0) == [(still, Severity.WARNING)]
    last = ("the link 10.92.0.1 - 10.92.0.2 works again", Severity.INFO)
    assert told(links, peer(UP, UP, UP), 6.0) == [last]


def test_the_daemon_asks_for_them() -> None:
    """By what was reported of the peers."""
    peers = Peers()
    peers.on_report(peer(UP, DOWN)["lb2"])
    peers.look(0.0)
    assert [one.new for one in peers.look(COMES_WITHIN)] == ["down"]
