"""`link_delay`: changes of carrier count once they have lasted, as faults and as weights."""

from failover.host import Host
from failover.priority import Known, Word
from failover.settling import Settling
from failover.spec import RouterSpec, TrackedObject, TrackKind
from failover.wire import AF_INET, Address, Link
from support.failover import packed, router_spec

MAC = bytes.fromhex("02005e001122")


def host(**carriers: bool) -> Host:
    """A host with these interfaces, and an address on eth0."""
    made = Host()
    for index, (name, up) in enumerate({"eth0": True, **carriers}.items(), 2):
        made.apply(Link(index, name, MAC, up, gone=False))
    made.apply(Address(2, AF_INET, packed("10.99.0.1"), 24, ours=False, tentative=False, gone=False))
    return made


def tracking(*weights: int, up: float = 0.0, down: float = 0.0) -> RouterSpec:
    """Tracks eth1, eth2 and so on with these weights."""
    track = tuple(
        TrackedObject(kind=TrackKind.INTERFACE, object=f"eth{number}", weight=weight)
        for number, weight in enumerate(weights, 1)
    )
    return router_spec(track=track, link_up_delay=up, link_down_delay=down)


class Story:
    """One router and what is seen of its host."""

    def __init__(self, spec: RouterSpec) -> None:
        self.spec, self.settling = spec, Settling(spec)

    def see(self, now: float, **carriers: bool) -> tuple[int, str | None]:
        """Priority and fault at this moment."""
        there, fault = self.settling.stand(self.spec, host(**carriers), Known(), None, now)
        return there.priority, fault


def test_without_delays_a_weight_counts_at_once() -> None:
    """And is gone at once."""
    story = Story(tracking(-40))
    assert [story.see(0.0, eth1=up) for up in (True, False, True)] == [(100, None), (60, None), (100, None)]
    assert story.settling.deadline() is None


def test_what_is_seen_first_counts_at_once() -> None:
    """A director that starts with a dead link knows it."""
    assert Story(tracking(-40, down=5.0)).see(0.0, eth1=False) == (60, None)


def test_a_carrier_that_returns_in_time_was_never_away() -> None:
    """`link_delay.down`, of each interface by itself."""
    story = Story(tracking(-40, -20, down=2.0))
    story.see(0.0, eth1=True, eth2=True)
    assert story.see(1.0, eth1=False, eth2=True) == (100, None)
    assert story.settling.deadline() == 3.0
    assert story.see(2.0, eth1=False, eth2=False) == (100, None)
    assert story.see(3.0, eth1=False, eth2=False) == (60, None)
    assert story.settling.deadline() == 4.0
    assert story.see(3.5, eth1=False, eth2=True) == (60, None)
    assert story.settling.deadline() is None


def test_a_link_that_flaps_stays_down() -> None:
    """`link_delay.up`: each flap begins the wait again, and mastership does not flap with it."""
    story = Story(tracking(-40, up=3.0))
    story.see(0.0, eth1=True)
    assert story.see(1.0, eth1=False) == (60, None)
    for now in (2.0, 4.0, 6.0):
        assert story.see(now, eth1=True) == (60, None)
        assert story.see(now + 1.0, eth1=False) == (60, None)
    assert story.see(8.0, eth1=True) == (60, None)
    assert story.see(11.0, eth1=True) == (100, None)


def test_status_shows_what_counts() -> None:
    """Not what was seen for a moment."""
    spec = tracking(-40, down=2.0)
    settling = Settling(spec)
    for now, up, word in ((0.0, True, Word.UP), (1.0, False, Word.UP), (3.0, False, Word.DOWN)):
        there, _ = settling.stand(spec, host(eth1=up), Known(), None, now)
        assert [seen.word for seen in there.seen] == [word]


def test_without_a_weight_it_is_one_delay_as_a_fault() -> None:
    """Not the delay of the carrier and then that of the fault."""
    story = Story(tracking(0, down=2.0))
    story.see(0.0, eth1=True)
    assert story.see(1.0, eth1=False) == (100, None)
    assert story.see(3.0, eth1=False) == (100, "tracked interface eth1 is down")


def test_a_reload_keeps_what_is_settled() -> None:
    """Of what is still tracked; another delay holds from then on, and what is new is as it is seen."""
    story = Story(tracking(-40, up=3.0))
    story.see(0.0, eth1=False, eth2=False)
    story.spec = tracking(-40, -20, up=1.0)
    story.settling.adopt(story.spec)
    assert story.see(1.0, eth1=True, eth2=False) == (40, None)
    assert story.see(2.0, eth1=True, eth2=False) == (80, None)
