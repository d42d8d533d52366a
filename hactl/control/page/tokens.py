"""The tokens by which the page tells operators apart; core.

Owns the form of the file `control.token_file` names: a line for each, `ROLE NAME TOKEN`, or one word alone, the token of
operators without a name. Empty lines and those that begin with `#` are none.
"""

import hmac
from collections.abc import Iterable, Iterator

import msgspec

from hactl.control.roles import Role

NAME_AT_MOST = 32


class Token(msgspec.Struct, frozen=True):
    """Who shows `secret` has `role`, and stands in the history by `name`; it may be empty."""

    role: Role
    name: str
    secret: str


def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of the file's text; a line that is none is left out, see `faults`."""
    return tuple(token for _, token in _lines(text) if token is not None)


def faults(text: str) -> tuple[str, ...]:
    """A sentence for each line that gives no token, without a word of what stands there."""
    return tuple(
        f"line {number} of control.token_file is neither a token nor ROLE NAME TOKEN (read, operate, admin)"
        for number, token in _lines(text)
        if token is None
    )


def shown(given: str, known: Iterable[Token]) -> Token | None:
    """The token that was given. The time this takes tells nothing of those that it is not."""
    found = None
    for token in known:
        if hmac.compare_digest(given.encode(), token.secret.encode()):
            found = token
    return found


def _lines(text: str) -> Iterator[tuple[int, Token | None]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, _token(words)


def _token(words: list[str]) -> Token | None:
    if len(words) == 1:
        return Token(Role.OPERATE, "", words[0])
    if (
        len(words) == 3
        and words[0] in list(Role)
        and words[1].isprintable()
        and len(words[1]) <= NAME_AT_MOST
    ):
        return Token(Role(words[0]), words[1], words[2])
    return None
