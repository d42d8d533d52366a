"""What becomes of a router to which the kernel refuses its VIPs."""

import errno

from failover.kernel_job import Job
from failover.outcome import AGAIN, LONGEST, Outcome
from failover.place import Place

PLACES = (Place(2, b"\x0a\x63\x00\x64", 32), Place(2, b"\x0a\x63\x00\x65", 32))
REFUSED = "the VIPs cannot be put on: addresses: Permission denied"


class Kernel:
    """One that has these."""

    def __init__(self, *places: Place) -> None:
        self._places = places

    def holds(self, place: Place) -> bool:
        """Whether it has this one."""
        return place in self._places


def written(outcome: Outcome, error: int, kernel: Kernel, now: float) -> tuple[Place, ...] | None:
    """A write ended so."""
    outcome.error = "addresses: Permission denied" if error else ""
    return outcome.unseen(Job(None, PLACES, 2, now + 1.0, lambda _: None, error=error), kernel, now)


def test_a_write_that_went_well_is_to_be_seen() -> None:
    """All of its addresses."""
    outcome = Outcome()
    assert written(outcome, 0, Kernel(), 1.0) == PLACES
    assert (outcome.fault(1.0), outcome.trouble(1.0), outcome.is_news) == (None, "", False)


def test_some_of_them_is_told_and_no_fault() -> None:
    """The others are served: to leave would take them from their clients."""
    outcome = Outcome()
    assert written(outcome, errno.EACCES, Kernel(PLACES[1]), 1.0) == ()
    assert outcome.fault(1.0) is None
    assert outcome.trouble(1.0) == "addresses: Permission denied"


def test_an_error_that_passes_is_no_fault() -> None:
    """An interface that is made anew, or a kernel without memory for a moment: the next renewal finds it mended."""
    for error in (errno.ENODEV, errno.ENOMEM):
        outcome = Outcome()
        assert written(outcome, error, Kernel(), 1.0) == ()
        assert outcome.fault(1.0) is None


def test_none_of_them_is_a_fault_for_a_while() -> None:
    """Longer with each try, told once each time; and over at once when the kernel takes them."""
    outcome, now, waits = Outcome(), 1.0, []
    for _ in range(9):
        assert written(outcome, errno.EACCES, Kernel(), now) is None
        assert (outcome.is_news, outcome.fault(now), outcome.trouble(now)) == (True, REFUSED, "")
        assert written(outcome, errno.EACCES, Kernel(), now + 0.5) is None
        assert not outcome.is_news, "a renewal meanwhile says nothing new"
        until = outcome.deadline(now)
        assert until is not None
        waits.append(until - now)
        now = until
        assert (outcome.fault(now), outcome.deadline(now)) == (None, None)
    assert waits == [AGAIN, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST, LONGEST]
    written(outcome, errno.EACCES, Kernel(), now)
    assert written(outcome, 0, Kernel(), now + 1.0) == PLACES
    assert (outcome.is_news, outcome.fault(now + 1.0)) == (True, None)
