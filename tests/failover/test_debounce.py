"""A fault that must last, and must stay away."""

from failover.debounce import Debounce

DOWN = "interface eth0 is down"


def test_the_first_look_settles_at_once() -> None:
    """At start there is nothing to wait for, whatever the delays."""
    assert Debounce(5.0, 5.0).offer(DOWN, 0.0) == DOWN
    assert Debounce(5.0, 5.0).offer(None, 0.0) is None


def test_without_delays_everything_settles_at_once() -> None:
    """The default."""
    debounce = Debounce(0.0, 0.0)
    assert [debounce.offer(fault, 0.0) for fault in (None, DOWN, None)] == [None, DOWN, None]


def test_a_fault_counts_when_it_lasted() -> None:
    """`link_delay.down`: a carrier that returns in time was never away."""
    debounce = Debounce(0.0, 2.0)
    debounce.offer(None, 0.0)
    assert debounce.offer(DOWN, 1.0) is None
    assert debounce.deadline() == 3.0
    assert debounce.offer(None, 2.0) is None
    assert debounce.deadline() is None
    assert debounce.offer(DOWN, 4.0) is None
    assert debounce.offer(DOWN, 6.0) == DOWN


def test_a_mended_fault_counts_when_it_stayed_away() -> None:
    """`link_delay.up`: a flapping link stays in fault; each flap begins the wait again."""
    debounce = Debounce(3.0, 0.0)
    debounce.offer(DOWN, 0.0)
    assert debounce.offer(None, 1.0) == DOWN
    assert debounce.offer(DOWN, 2.0) == DOWN
    assert debounce.offer(None, 3.0) == DOWN
    assert debounce.offer(None, 5.9) == DOWN
    assert debounce.offer(None, 6.0) is None


def test_the_latest_sentence_is_shown() -> None:
    """One fault that becomes another needs no wait."""
    debounce = Debounce(3.0, 3.0)
    debounce.offer(DOWN, 0.0)
    assert debounce.offer("interface eth0 does not exist", 0.1) == "interface eth0 does not exist"
