"""The form that files in the state directory share: JSON that says which schema it has; core.

The law: what cannot be understood is refused with a reason, never guessed at. Where the files are and how they are written
is `hactl.store`'s.
"""

from typing import TypeVar

import msgspec


class Stored(msgspec.Struct, frozen=True):
    """What every such file has; each kind adds its members."""

    schema: int


S = TypeVar("S", bound=Stored)


def encode(stored: Stored) -> bytes:
    """The file's content, for people to read as well."""
    return msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n"


def decode(data: bytes, kind: type[S], schema: int, *, file: str, content: str) -> S:
    """A kept file's content. Raises ValueError with the reason, in the words for the `file` and its `content`."""
    try:
        stored = msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"not a {file}: {error}") from error
    if stored.schema != schema:
        raise ValueError(f"{content} of schema {stored.schema}, this version knows {schema}")
    return stored
