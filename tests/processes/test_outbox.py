"""Events on their way to the notify worker."""

from hactl.processes import outbox
from hactl.processes.outbox import KEPT, Outbox
from support.alerts import event


def test_waiting_events_come_in_order() -> None:
    """What waited for a worker is given to the next one, in order."""
    box = Outbox()
    first, second = event(), event()
    box.wait(first)
    box.wait(second)
    assert box.again(0.0) == (first, second)


def test_given_events_are_given_again_to_the_next_worker() -> None:
    """A worker that died may not have recorded what it was given; so the next one is given it again, before the rest."""
    box = Outbox()
    given, waiting = event(), event()
    box.given(given, 0.0)
    box.wait(waiting)
    assert box.again(1.0) == (given, waiting)
    assert box.again(2.0) == (given, waiting), "this worker may have died as well"


def test_given_events_are_forgotten_after_a_while() -> None:
    """A worker that has lived on has recorded them."""
    box = Outbox()
    old, new = event(), event()
    box.given(old, 0.0)
    box.given(new, KEPT + 1.0)
    assert box.again(KEPT + 1.0) == (new,)


def test_lost_events_are_counted() -> None:
    """Beyond the bound the oldest are lost, and counted."""
    box = Outbox()
    for _ in range(outbox.MOST + 3):
        box.wait(event())
    assert box.lost == 3
    assert len(box.again(0.0)) == outbox.MOST
