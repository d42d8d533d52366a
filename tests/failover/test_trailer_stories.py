"""Directors that hear each other's signed adverts while their clocks are set: from the socket's packet on, by one router."""

from failover.arrivals import Arrivals
from failover.guards import Guards
from failover.hearing import Hearing
from failover.ip import Received
from failover.packet import GROUP4, Drop, encode
from failover.report import Remark
from failover.spec import Authentication
from failover.trailer_clock import Moment
from support.failover import HIGHER, LOWER, OURS, advert, router_spec
from support.moments import at

FILE = "/etc/hactl/vrrp.keys"
SIGNED = router_spec(authentication=Authentication.HMAC, authentication_file=FILE)


class Director:
    """What arrivals need of a worker, and of its one router. `step`: what its clock is ahead of the true time."""

    def __init__(self, address: bytes, step: float = 0.0) -> None:
        self.spec, self.address, self.step, self.now = SIGNED, address, step, 0.0
        self.own = {SIGNED.interface: frozenset((address,))}
        self.hearing = Hearing(SIGNED.addresses)
        self.guards = Guards()
        self.guards.take((SIGNED,), {FILE: "1 " + "o" * 32}, self.moment())
        self.said: list[str] = []
        self._arrivals = Arrivals(self)  # type: ignore[arg-type]
        self._drops: list[Drop | None] = []

    def set(self, step: float) -> None:
        """Its clock is set, and it notices."""
        self.step = step
        self.guards.look(self.moment())

    def send(self, now: float) -> Received:
        """Its next advert, as others receive it."""
        self.now = now
        message = encode(advert(200), self.address, GROUP4)
        sealed = self.guards.of(SIGNED).close(message, self.address, GROUP4, self.moment())
        return Received(self.address, GROUP4, 255, sealed)

    def hear(self, received: Received, now: float) -> Drop | None:
        """Why it is dropped; None when it is taken."""
        self.now = now
        self._arrivals.take({SIGNED.vrid: SIGNED}, received)
        return self._drops.pop()

    @property
    def is_told(self) -> bool:
        """Whether it said that its adverts carry its host's time from now on, in one line."""
        return len(self.said) == 1 and self.said[0].endswith("adverts carry the host's time from now on")

    # ---- what arrivals need

    def named(self, router: str) -> "list[Director]":
        """The router."""
        return [self]

    def moment(self) -> Moment:
        """Both clocks."""
        return at(self.now, self.step)

    def report(self, report: object) -> None:
        """A line for the log."""
        assert isinstance(report, Remark)
        assert report.warning
        self.said.append(report.text)

    def receive(self, *_: object) -> None:
        """An advert is taken."""
        self._drops.append(None)

    def refuse(self, drop: Drop, *_: object) -> None:
        """An advert is dropped."""
        self._drops.append(drop)


def masters(
    one: Director, other: Director, start: float, seconds: float
) -> list[tuple[Drop | None, Drop | None]]:
    """Both send ten times a second: what each says to the other's."""
    times = (start + tenth / 10 for tenth in range(round(seconds * 10)))
    return [(one.hear(other.send(now), now), other.hear(one.send(now), now)) for now in times]


STALE = (Drop.STALE, Drop.STALE)
TAKEN = (None, None)


def test_two_that_booted_with_wrong_clocks_which_are_then_put_right() -> None:
    """Each sends its old time, which is nobody's: seconds later both send the true one, and there is one master."""
    one, other = Director(OURS, -3600.0), Director(HIGHER, -200.0)
    assert set(masters(one, other, 1.0, 60.0)) == {STALE}
    assert one.said == other.said == [], "who knows of no other time has none to follow"
    one.set(0.0)
    other.set(0.0)
    heard = masters(one, other, 70.0, 6.0)
    assert heard[20] == STALE
    assert set(heard[35:]) == {TAKEN}
    assert one.is_told
    assert other.is_told or "agrees" in other.said[0]
    assert one.guards.text(SIGNED, one.moment()) == other.guards.text(SIGNED, other.moment()) == ""


def test_only_one_of_them_was_put_right_so_far() -> None:
    """It sends the true time at once, and the other is with it as soon as its clock is right too."""
    one, other = Director(OURS, -3600.0), Director(HIGHER, -200.0)
    one.set(0.0)
    assert set(masters(one, other, 1.0, 10.0)) == {STALE}
    assert one.is_told
    other.set(0.0)
    assert set(masters(one, other, 20.0, 10.0)[1:]) == {TAKEN}


def test_a_master_whose_clock_alone_is_set_wrong() -> None:
    """Nobody contradicts the time that it sends: it goes on with it, and its adverts are taken."""
    master, backup = Director(HIGHER), Director(OURS)
    assert backup.hear(master.send(1.0), 1.0) is None
    master.set(-3600.0)
    assert {backup.hear(master.send(now), now) for now in map(float, range(2, 300))} == {None}
    assert master.said == []


def test_a_stranger_to_both_times_does_not_outvote_a_peer() -> None:
    """A third director booted with a wrong clock; while any peer's advert is taken the time sent is somebody's."""
    ours, peer, wrong = Director(OURS), Director(HIGHER), Director(LOWER, 900.0)
    ours.set(-3600.0)
    for second in map(float, range(1, 60)):
        assert ours.hear(wrong.send(second), second) is Drop.STALE
        assert ours.hear(peer.send(second), second) is None
    assert ours.said == []


def test_now_and_then_a_late_advert_is_no_disagreement() -> None:
    """Such as one that waited while this worker stood still: it must last."""
    master, peer = Director(HIGHER), Director(OURS)
    master.set(-3600.0)
    for minutes in range(1, 9):
        late = peer.send(minutes * 100.0)
        assert master.hear(late, minutes * 100.0 + 9.0) is Drop.STALE
        assert master.hear(late, minutes * 100.0 + 11.0) is Drop.STALE
    assert master.said == []


def test_whoever_knows_no_key_changes_no_time() -> None:
    """A forged trailer counts for nothing, and neither does one that was taken before and is sent again."""
    master, peer = Director(HIGHER), Director(OURS)
    tenths = [1.0 + tenth / 10 for tenth in range(100)]
    recorded = [peer.send(now) for now in tenths]
    assert {master.hear(one, now) for one, now in zip(recorded, tenths, strict=True)} == {None}
    master.set(-3600.0)
    forger = Director(OURS, 900.0)
    for old, now in zip(recorded, tenths, strict=True):
        new = forger.send(60.0 + now)
        forged = Received(OURS, GROUP4, 255, new.message[:-1] + bytes((new.message[-1] ^ 1,)))
        assert master.hear(old, 60.0 + now) is Drop.STALE
        assert master.hear(forged, 60.0 + now) is Drop.STALE
    assert master.said == []
    assert peer.hear(master.send(80.0), 80.0) is None


def test_to_follow_widens_no_window() -> None:
    """The window is as ever: a recording of the refused time stays stale, and one of the time sent until now becomes it."""
    one, other = Director(OURS, -3600.0), Director(HIGHER, -200.0)
    old = other.send(1.0)
    one.set(0.0)
    masters(one, other, 10.0, 10.0)
    assert one.is_told
    assert one.hear(old, 21.0) is Drop.STALE
    assert one.hear(Director(LOWER, -3600.0).send(21.0), 21.0) is Drop.STALE, (
        "the time that it sent until now"
    )
