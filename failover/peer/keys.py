"""The keys of the channel, from the text of the key file.

The law: a secret is kept out of every representation, and the key that makes the MAC is derived from the file's, so that
a file used elsewhere too gives nothing away. A key is named on the wire by its fingerprint: nobody numbers keys.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

SHORTEST = 16
"""Characters; `head -c 32 /dev/urandom | base64` makes a good key."""
MOST_KEYS = 8
FINGERPRINT = 4
"""Bytes of a key's fingerprint."""


class KeyFileError(ValueError):
    """The key file cannot be used; the message is a sentence for the operator and shows nothing of its content."""


@dataclass(frozen=True, slots=True)
class Key:
    """One derived key; `id` is its fingerprint."""

    id: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The key that sends, and all that are taken by their fingerprint."""

    sending: Key
    taken: dict[bytes, Key] = field(repr=False)


def read_keys(text: str) -> Keyring:
    """Keys from the text of a key file: one a line, the first sends; empty lines and those from `#` on do not count.

    Raises KeyFileError.
    """
    lines = (line.strip() for line in text.splitlines())
    return keyring([line for line in lines if line and not line.startswith("#")])


def keyring(words: Iterable[str]) -> Keyring:
    """Keys from their words. Raises KeyFileError."""
    keys = [_derived(word) for word in words if _long_enough(word)]
    if not keys:
        raise KeyFileError("it holds no key")
    if len(keys) > MOST_KEYS:
        raise KeyFileError(f"it holds {len(keys)} keys; at most {MOST_KEYS} are taken")
    return Keyring(keys[0], {key.id: key for key in keys})


def _long_enough(word: str) -> bool:
    if len(word) < SHORTEST:
        raise KeyFileError(f"a key in it is shorter than {SHORTEST} characters")
    return True


def _derived(word: str) -> Key:
    secret = hmac.digest(word.encode(), b"hactl peer channel 1: authentication", "sha256")
    return Key(hashlib.sha256(b"hactl peer channel 1: fingerprint" + secret).digest()[:FINGERPRINT], secret)
