"""Two masters: noticed by adverts and by peers' word, told once, and what would make them."""

from failover.moves import Cause, State
from failover.peer.actions import PeerState
from failover.peer.report import LinkReport, PeerReport
from failover.peer.standing import RouterView
from failover.report import RouterReport
from hactl.peers.splits import LASTS, Splits, risks

UP, DOWN = PeerState.UP, PeerState.DOWN


def router(state: State = State.MASTER, rival: str = "") -> RouterReport:
    """The router "web" of this director."""
    return RouterReport(
        router="web",
        state=state,
        cause=Cause.MASTER_SILENT,
        reason="",
        since=0.0,
        priority=100,
        base_priority=100,
        master="",
        transitions=1,
        drops={},
        lateness=0.0,
        renewal=0.0,
        neighbours={},
        lease=2,
        holding=(),
        rival=rival,
    )


def peer(state: State = State.MASTER, *links: PeerState, alive: PeerState = UP) -> PeerReport:
    """lb2, and how its router "web" stands."""
    return PeerReport(
        peer="lb2",
        state=alive,
        reason="",
        since=0.0,
        links=tuple(
            LinkReport(own=f"10.9{n}.0.1", peer=f"10.9{n}.0.2", state=link, reason="")
            for n, link in enumerate(links)
        ),
        drops={},
        payload_taken=0,
        routers=(RouterView("web", state, 100, "10.90.0.2"),),
    )


def test_a_moment_of_two_masters_is_none() -> None:
    """Every takeover may have one."""
    splits = Splits()
    assert splits.look({"web": router()}, {"lb2": peer()}, 0.0) == []
    assert splits.look({"web": router()}, {"lb2": peer(State.BACKUP)}, 1.0) == []
    assert splits.look({"web": router()}, {"lb2": peer()}, 2.0) == []
    assert splits.now({"web": router()}, 2.0) == []


def test_told_once_by_the_peers_word() -> None:
    """As long as it lasts; the next one is told again."""
    splits, both = Splits(), ({"web": router()}, {"lb2": peer()})
    splits.look(*both, 0.0)
    assert splits.look(*both, LASTS) == [("web", "lb2 says that it is master as well")]
    assert splits.look(*both, LASTS + 1) == []
    assert splits.now({"web": router()}, LASTS + 1) == ["router web has two masters: this director and lb2"]
    splits.look({"web": router()}, {"lb2": peer(State.BACKUP)}, 5.0)
    assert splits.now({"web": router()}, 5.0) == []
    splits.look(*both, 6.0)
    assert splits.look(*both, 6.0 + LASTS) != []


def test_adverts_and_word_are_one_conflict() -> None:
    """Whichever notices first."""
    splits, both = Splits(), ({"web": router(rival="10.90.0.2")}, {"lb2": peer()})
    assert splits.heard("web")
    for tick in range(5):
        assert splits.look(*both, float(tick)) == []
    assert not splits.heard("web")
    splits.look({"web": router()}, {"lb2": peer(State.BACKUP)}, 9.0)
    assert splits.heard("web")


def test_a_peer_that_is_down_says_nothing() -> None:
    """Its last word is of the past."""
    splits = Splits()
    for tick in range(5):
        assert splits.look({"web": router()}, {"lb2": peer(alive=DOWN)}, float(tick)) == []


def test_what_would_make_two_masters() -> None:
    """No channel; one link, or one of two that still works. Two links, or a peer that is down: nothing to say."""
    assert risks(["lb2"], {}) == [
        "there is no peer channel with lb2; if its adverts are lost, both directors become master"
    ]
    one = [
        "lb2 is reached over one link only (10.90.0.1 - 10.90.0.2); if it breaks, both directors become master"
    ]
    assert risks(["lb2"], {"lb2": peer(State.BACKUP, UP)}) == one
    assert risks(["lb2"], {"lb2": peer(State.BACKUP, UP, DOWN)}) == one
    assert risks(["lb2"], {"lb2": peer(State.BACKUP, UP, UP)}) == []
    assert risks(["lb2"], {"lb2": peer(State.BACKUP, DOWN, DOWN, alive=DOWN)}) == []
