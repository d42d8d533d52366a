"""The key file: several keys, the first sends, and nothing of them is ever shown."""

import pytest

from failover.peer.keys import MOST_KEYS, KeyFileError, read_keys
from support.peers import KEY, OTHER_KEY


def test_the_first_key_sends_and_all_are_taken() -> None:
    """Empty lines and comments do not count."""
    keys = read_keys(f"# old and new\n\n{KEY}\n  {OTHER_KEY}  \n")
    alone = read_keys(OTHER_KEY)
    assert keys.sending == read_keys(KEY).sending
    assert set(keys.taken) == {keys.sending.id, alone.sending.id}


@pytest.mark.parametrize("text", ["", "# nothing\n", "short", f"{KEY}\nshort\n"])
def test_a_file_without_a_usable_key_is_refused(text: str) -> None:
    """And the refusal shows none of its words."""
    with pytest.raises(KeyFileError) as refused:
        read_keys(text)
    assert "short\n" not in str(refused.value)


def test_too_many_keys_are_refused() -> None:
    """A key change needs two."""
    with pytest.raises(KeyFileError):
        read_keys("\n".join(f"{KEY}{number}" for number in range(MOST_KEYS + 1)))


def test_no_representation_shows_a_secret() -> None:
    """Neither the file's word nor what is derived of it."""
    keys = read_keys(KEY)
    shown = f"{keys!r} {keys.sending!r}"
    assert KEY not in shown
    assert repr(keys.sending.secret) not in shown
