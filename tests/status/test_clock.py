"""Instants in words, beside clocks that are slewed or set."""

from hactl.status.picture import Clock, wall_text


def test_an_instant_keeps_its_words() -> None:
    """Both clocks are never read at quite the same instant, and are slewed: what was shown once stays as it was."""
    clock = Clock(100.0, 1_700_000_000.0)
    shown = clock.text(42.0)
    for wobble in (-0.05, -0.0004, 0.0, 0.0007, 0.05):
        assert clock.at(160.0, 1_700_000_160.0 + wobble).text(42.0) == shown


def test_a_clock_that_was_set_is_followed() -> None:
    """After an hour's step what is shown agrees with the other clocks of the room."""
    clock = Clock(100.0, 1_700_000_000.0).at(160.0, 1_700_000_160.0 - 3600)
    assert clock.text(160.0) == wall_text(1_700_000_160.0 - 3600)
