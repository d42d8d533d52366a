"""Secrets that a server sends back, blotted out of what is told of it; core.

The law: a probe's words may hold a server's own, and a hostile server, or one that only quotes what it refuses, says what it
was told. So no detail leaves with a secret in it: plain, in base64, or cut off in the middle.
"""

import base64
import binascii
import re
from collections.abc import Collection

from health.result import End

BLOT = "***"
SHORTEST = 4
"""Characters of a secret; a shorter one would blot out ordinary words."""
_CODED = re.compile(r"[A-Za-z0-9+/]{6,}={0,2}")


def blotted(end: End, secrets: Collection[str]) -> End:
    """The same end of a probe without any of these secrets in its detail."""
    if not end.detail or not secrets:
        return end
    known = [secret for secret in secrets if len(secret) >= SHORTEST]
    return end._replace(detail=_blotted(end.detail, known)) if known else end


def _blotted(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, BLOT)
    text = _CODED.sub(lambda found: BLOT if _holds(found[0], secrets) else found[0], text)
    return _without_a_beginning(text, secrets)


def _holds(coded: str, secrets: list[str]) -> bool:
    """Whether text in base64, perhaps cut off, holds a secret or its beginning."""
    whole = coded.rstrip("=")
    try:
        plain = base64.b64decode(whole[: len(whole) // 4 * 4] + _padded(whole[len(whole) // 4 * 4 :]))
    except binascii.Error:
        return False
    return any(secret[:6].encode() in plain for secret in secrets)


def _padded(rest: str) -> str:
    return rest + "=" * (4 - len(rest)) if len(rest) > 1 else ""


def _without_a_beginning(text: str, secrets: list[str]) -> str:
    """Text that was cut off within a secret, without what is there of it."""
    body = text.rstrip(".")
    for secret in secrets:
        for length in range(min(len(secret), len(body)), SHORTEST - 1, -1):
            if body.endswith(secret[:length]):
                return body[:-length] + BLOT + text[len(body) :]
    return text
