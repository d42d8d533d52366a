"""Plain scalars by YAML 1.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.config.words import resolve


@pytest.mark.parametrize(
    "word", ["off", "on", "no", "yes", "y", "051", "1:30", "1_000", "0b1", "+", "-", "1.2.3"]
)
def test_words_stay_words(word: str) -> None:
    """What YAML 1.1 would turn into something else is the word that it looks like."""
    assert resolve(word) == word


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-5", -5), ("0o17", 15), ("0x1F", 31), ("1.5", 1.5), ("1e3", 1000.0), ("~", None), ("", None),
     ("null", None), ("true", True), ("False", False)],
)  # fmt: skip
def test_values(text: str, value: object) -> None:
    """Numbers, truth values and null are those of the core schema."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@given(st.text())
def test_any_text_has_a_value(text: str) -> None:
    """No text raises, and one that is no number and no constant is itself."""
    value = resolve(text)
    assert isinstance(value, (str, int, float, bool, type(None)))
    if isinstance(value, str):
        assert value == text


def test_endless_digits_are_a_word() -> None:
    """A number too long to be meant as one stays text."""
    assert resolve("9" * 10_000) == "9" * 10_000
