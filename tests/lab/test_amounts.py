"""What the long runs are told on their command lines."""

import argparse

import pytest

from support.amounts import count, duration


@pytest.mark.parametrize(("text", "seconds"), [("10m", 600.0), ("600", 600.0), ("0.5", 0.5), ("250ms", 0.25)])
def test_how_long(text: str, seconds: float) -> None:
    """As the configuration writes it, or in bare seconds."""
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "why"), [("abc", "such as 250ms"), ("5x", "such as"), ("0s", "no time"), ("-3", "such as")]
)
def test_no_length(text: str, why: str) -> None:
    """What is wrong is said."""
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        duration(text)


@pytest.mark.parametrize("text", ["0", "-3", "x", "1.5"])
def test_no_count(text: str) -> None:
    """One is the least."""
    with pytest.raises(argparse.ArgumentTypeError, match="whole number from 1 on"):
        count(text)
