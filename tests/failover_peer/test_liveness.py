"""Up, down and unknown: partial loss is an alarm, lateness of our own makes patient, doubt is not death."""

from failover.peer.actions import LinkChanged, PeerChanged, PeerState
from failover.peer.liveness import Liveness
from failover.peer.spec import PeerLink

BEAT, DEAD = 0.2, 1.0
LINKS = (PeerLink(own="10.90.0.1", peer="10.90.0.2"), PeerLink(own="10.90.1.1", peer="10.90.1.2"))


def alive(now: float = 0.0) -> Liveness:
    """A peer heard on both links."""
    liveness = Liveness(LINKS, BEAT, DEAD, now)
    for link in (0, 1):
        liveness.heard(link, now)
        liveness.hears_us(link, True, now)
    return liveness


def judge_until(liveness: Liveness, start: float, end: float, heard: tuple[int, ...] = ()) -> list[object]:
    """Judge at each beat, hearing the peer on some links; all that came of it."""
    news: list[object] = []
    for number in range(1, round((end - start) / BEAT) + 1):
        now = start + number * BEAT
        for link in heard:
            news += liveness.heard(link, now)
        news += liveness.judge(now, 0.0)
    return news


def test_up_with_the_first_proven_packet() -> None:
    """And unknown before."""
    liveness = Liveness(LINKS, BEAT, DEAD, 0.0)
    assert liveness.state is PeerState.UNKNOWN
    assert liveness.heard(0, 0.1) == [
        PeerChanged(PeerState.UP, "its beats are heard"),
        LinkChanged(LINKS[0], PeerState.UP, "beats are heard on it, both ways", True),
    ]


def test_silence_on_one_link_is_an_alarm_only() -> None:
    """The peer stays up; the link goes down and comes back."""
    liveness = alive()
    (down,) = judge_until(liveness, 0.0, 1.4, heard=(0,))
    assert down == LinkChanged(LINKS[1], PeerState.DOWN, "silent for 1 s", True)
    assert liveness.state is PeerState.UP
    (up,) = liveness.heard(1, 2.0)
    assert isinstance(up, LinkChanged)
    assert up.state is PeerState.UP


def test_silence_on_all_links_is_down() -> None:
    """After the dead time, not before."""
    liveness = alive()
    assert judge_until(liveness, 0.0, 0.8) == []
    news = judge_until(liveness, 0.8, 1.2)
    assert news[0] == PeerChanged(PeerState.DOWN, "silent on all links for 1 s")
    assert [one.partial for one in news if isinstance(one, LinkChanged)] == [False, False]


def test_one_way_loss_of_a_link_is_told() -> None:
    """We hear the peer on it, but it does not hear us."""
    liveness = alive()
    liveness.hears_us(1, False, 0.2)
    (down,) = judge_until(liveness, 0.2, 1.4, heard=(0, 1))
    assert down == LinkChanged(LINKS[1], PeerState.DOWN, "the peer does not hear us on it", True)
    liveness.hears_us(1, True, 1.5)
    (up,) = liveness.heard(1, 1.5)
    assert isinstance(up, LinkChanged)


def test_our_own_lateness_makes_patient() -> None:
    """A stall of ours is no silence of the peer; but someone who is always late accuses in the end."""
    liveness = alive()
    assert not [n for n in liveness.judge(2.0, 1.8) if isinstance(n, PeerChanged)]
    (down, *_) = judge_until(liveness, 2.0, 2.6)
    assert down == PeerChanged(PeerState.DOWN, "silent on all links for 1 s")

    late = alive()
    for number in range(1, 20):
        late.judge(number * BEAT, 0.15)
    assert late.state is PeerState.DOWN


def test_doubt_makes_unknown_and_never_up() -> None:
    """Unproven packets go on coming: perhaps it does not hear us."""
    liveness = alive()
    for number in range(1, 20):
        liveness.doubt("its hellos are not proven", number * BEAT)
        liveness.judge(number * BEAT, 0.0)
    assert (liveness.state, liveness.reason) == (PeerState.UNKNOWN, "its hellos are not proven")
    judge_until(liveness, 19 * BEAT, 7.0)
    assert liveness.state is PeerState.DOWN


def test_nobody_is_accused_who_greets_at_that_moment() -> None:
    """We stood still, and it started meanwhile: its greeting is proven in a moment, or not."""
    liveness = Liveness(LINKS, BEAT, DEAD, 0.0)
    liveness.doubt("its hellos are not proven", 3.2)
    assert not [news for news in liveness.judge(3.2, 0.3) if isinstance(news, PeerChanged)]
    judge_until(liveness, 3.2, 4.4)
    assert liveness.state is PeerState.DOWN


def test_a_peer_never_heard_is_unknown_first() -> None:
    """Down only after it was listened for."""
    liveness = Liveness(LINKS, BEAT, DEAD, 0.0)
    judge_until(liveness, 0.0, 2.8)
    assert liveness.state is PeerState.UNKNOWN
    judge_until(liveness, 2.8, 3.2)
    assert (liveness.state, liveness.reason) == (PeerState.DOWN, "never heard on any link")


def test_nothing_is_known_without_a_link_of_our_own() -> None:
    """We hear nothing because we are cut off ourselves."""
    liveness = alive()
    for link in (0, 1):
        liveness.usable(link, "Network is unreachable")
    judge_until(liveness, 0.0, 1.4)
    assert liveness.state is PeerState.UNKNOWN
    assert liveness.lines[0].state is PeerState.DOWN


def test_goodbye_is_down_at_once() -> None:
    """And stays so, without a wait."""
    liveness = alive()
    assert liveness.goodbye(0.1)[0] == PeerChanged(PeerState.DOWN, "its daemon ended in order")
    assert judge_until(liveness, 0.1, 5.0) == []
