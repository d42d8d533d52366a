"""What was probably meant: a hint never names what is not there."""

from typing import get_args

import pytest

from hactl.config import hints
from hactl.config.schema import check_forms, routers, services
from hactl.config.schema.base import keys_of

SECTIONS = (
    services.Service,
    services.Server,
    services.Pool,
    routers.Router,
    *(get_args(member)[0] for member in get_args(get_args(check_forms.AnyCheck)[0])),
)


def test_every_name_of_ours_is_a_key() -> None:
    """A key that was renamed here would leave a hint that leads nowhere."""
    keys = {key for section in SECTIONS for key in keys_of(section)}
    assert set(hints._KEYS) <= keys


@pytest.mark.parametrize("section", SECTIONS)
def test_a_hint_names_a_key_of_the_section(section: type) -> None:
    """Whatever the word is called elsewhere."""
    known = keys_of(section)
    for word in (word for elsewhere in hints._KEYS.values() for word in elsewhere):
        said = hints.for_key(word, known)
        assert "it is called" not in said or said.split("'")[1] in known


def test_words_only_where_they_are_allowed() -> None:
    """`drain` is quiesce for `on_down`, and nothing for a forwarding method."""
    assert hints.for_word("Drain", ("remove", "quiesce")) == "; here that is quiesce"
    assert hints.for_word("drain", ("nat", "dr", "tun")) == ""
    assert hints.for_word("", ("nat", "dr", "tun")) == ""
    assert hints.for_word("natt", ("nat", "dr", "tun")) == "; did you mean 'nat'?"
