"""How long a worker that died waits."""

from hactl.processes.backoff import LONGEST, STEADY, Backoff


def test_backoff() -> None:
    """None, then doubling from a second to a minute; forgotten after a steady life."""
    waits, backoff = [], Backoff()
    for _ in range(9):
        waits.append(backoff.wait)
        backoff = backoff.longer()
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST]
    assert backoff.after_life(STEADY - 1) == backoff
    assert backoff.after_life(STEADY) == Backoff()
