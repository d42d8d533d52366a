"""The keys of the HMAC trailer, from the text of their file.

One key a line, `ID SECRET`; the first line sends, all are taken, so that a new key is first added below the old one
everywhere, then moved above it, then left alone. The law: what is refused is said in words that show nothing of the file.
"""

import re

import msgspec

from failover.trailer import Key

SHORTEST, LONGEST = 32, 64
"""Bytes of a secret, as keepalived has it."""
MOST_KEYS = 8
_LINE = re.compile(r"(\d{1,3})\s+(\S+)", re.ASCII)


class TrailerKeys(msgspec.Struct, frozen=True):
    """The key that sends, and all that are taken, by their number."""

    sending: Key
    taken: dict[int, Key]


def read_trailer_keys(text: str | None, file: str) -> TrailerKeys | str:
    """The keys, or in words why this file's content gives none."""
    if text is None:
        return f"key file {file} cannot be read"
    lines = [line.strip() for line in text.splitlines()]
    keys: dict[int, Key] = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        key = _key(line, file)
        if isinstance(key, str):
            return key
        if key.id in keys:
            return f"key {key.id} is twice in {file}"
        keys[key.id] = key
    if not keys:
        return f"key file {file} holds no key"
    if len(keys) > MOST_KEYS:
        return f"key file {file} holds {len(keys)} keys; at most {MOST_KEYS} are taken"
    return TrailerKeys(next(iter(keys.values())), keys)


def _key(line: str, file: str) -> Key | str:
    parts = _LINE.fullmatch(line)
    if parts is None or int(parts[1]) > 255:
        return f"a line in {file} is not a number from 0 to 255 and a secret, such as: 1 hex:00112233..."
    secret = _secret(parts[2])
    if secret is None:
        return f"key {int(parts[1])} in {file} is not an even number of hexadecimal digits after hex:"
    if not SHORTEST <= len(secret) <= LONGEST:
        return f"key {int(parts[1])} in {file} has {len(secret)} bytes; {SHORTEST} to {LONGEST} are needed"
    return Key(int(parts[1]), secret)


def _secret(word: str) -> bytes | None:
    if not word.startswith("hex:"):
        return word.encode()
    try:
        return bytes.fromhex(word.removeprefix("hex:"))
    except ValueError:
        return None
