"""How claimed addresses are held, step by step, without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from failover.spec import AnnounceSpec
from hactl.claims.claim import Claim
from hactl.claims.claim_hold import UNLEASED_GOOD_FOR, Announce, GiveUp, Hold, Write

A, B = Claim("10.0.0.1", 32), Claim("2001:db8::1", 128)
BOTH = (A, B)
NOW = 100.0
BURST = (0.0, 0.1, 0.3)


def begun(lease: int = 6, refresh: float = 60.0) -> Hold:
    """Both addresses, written and to be announced, at NOW."""
    hold = Hold(BOTH, lease, AnnounceSpec(burst=BURST, refresh=refresh))
    hold.begin(NOW)
    hold.written(NOW)
    hold.announce_anew(NOW)
    return hold


def test_the_first_write() -> None:
    """It has the lease, and is void before a second renewal would be due."""
    hold = Hold(BOTH, 6, AnnounceSpec())
    assert hold.begin(NOW) == Write(BOTH, 6, NOW + 4.0)
    assert Hold(BOTH, 0, AnnounceSpec()).begin(NOW) == Write(BOTH, 0, NOW + UNLEASED_GOOD_FOR)


def test_burst_renewal_refresh() -> None:
    """The burst first, a renewal at each third of the lease, then a refresh."""
    hold = begun(refresh=3.0)
    told = []
    for _ in range(6):
        at = hold.deadline()
        assert at is not None
        steps = hold.step(at, BOTH, True)
        told.append((round(at - NOW, 3), [type(step) for step in steps]))
        hold.written(at)
    assert told == [
        (0.0, [Announce]), (0.1, [Announce]), (0.3, [Announce]), (2.0, [Write]), (3.3, [Announce]), (4.0, [Write]),
    ]  # fmt: skip


def test_without_a_lease_the_burst_is_the_end() -> None:
    """Nothing is renewed, and after the last announcement nothing is left to do."""
    hold = begun(lease=0, refresh=0.0)
    for offset in BURST:
        assert not hold.finished
        assert hold.step(NOW + offset, BOTH, True) == [Announce(BOTH)]
    assert hold.finished
    assert not hold.lost


def test_one_taken_off() -> None:
    """It is given up and not put back; the other is held on, alone."""
    hold = begun()
    steps = hold.step(NOW + 2.0, (B,), True)
    assert isinstance(steps[0], GiveUp)
    assert steps[0].claims == (A,)
    assert steps[1:] == [Write((B,), 6, NOW + 6.0), Announce((B,))]
    assert (hold.lost, hold.finished) == (True, False)


def test_all_taken_off() -> None:
    """Nothing is held, nothing is done any more."""
    hold = begun()
    assert [type(step) for step in hold.step(NOW + 2.0, (), True)] == [GiveUp]
    assert hold.finished
    assert hold.claims == ()


def test_a_lapsed_lease_is_never_renewed() -> None:
    """Waking at the lease's end, all is given up, even what still seems to be there."""
    hold = begun()
    assert [type(step) for step in hold.step(NOW + 6.0, BOTH, True)] == [GiveUp]
    assert hold.finished


def test_a_voided_write_is_the_end() -> None:
    """What the kernel took too long to write was undone, and is given up."""
    hold = begun()
    hold.voided()
    assert [type(step) for step in hold.step(NOW + 2.1, BOTH, True)] == [GiveUp]


def test_a_failed_renewal_is_tried_again() -> None:
    """Two may fail; then the lease is over."""
    hold = begun()
    for offset in (2.0, 4.0):
        assert any(isinstance(step, Write) for step in hold.step(NOW + offset, BOTH, True))
    assert [type(step) for step in hold.step(NOW + 6.0, BOTH, True)] == [GiveUp]


def test_no_announcement_without_a_link() -> None:
    """On a dead link nobody hears; when it is back the whole burst comes."""
    hold = begun()
    assert hold.step(NOW, BOTH, False) == []
    hold.announce_anew(NOW + 1.0)
    assert hold.step(NOW + 1.0, BOTH, True) == [Announce(BOTH)]


@given(st.integers(2, 60), st.lists(st.floats(0.0, 100.0), max_size=30))
def test_never_renewed_after_its_lease(lease: int, pauses: list[float]) -> None:
    """However long the process stands still between its steps: no write begins when the last one's lease is over."""
    hold = begun(lease)
    now = good_until = NOW
    good_until += lease
    for pause in pauses:
        now += pause
        for step in hold.step(now, BOTH, True):
            if isinstance(step, Write):
                assert now < good_until
                assert step.void_after < now + lease
                hold.written(now)
                good_until = now + lease
        assert now < good_until or hold.finished
