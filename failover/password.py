"""The clear-text password of VRRPv2 adverts (RFC 2338 section 5.3.6, kept by RFC 3768's layout).

Owns what makes a password fit for the wire and when a received one is right. It keeps strangers with a careless
configuration out, not attackers: it is readable on the link.
"""

import hmac

LONGEST = 8
"""Bytes that the advert has for it."""


def read_password(text: str | None, file: str) -> bytes | str:
    """The password as it stands in adverts, padded with zeros, or in words why this file's content cannot be one."""
    if text is None:
        return f"password file {file} cannot be read"
    password = text.encode()
    if not password:
        return f"password file {file} is empty"
    if len(password) > LONGEST:
        return f"the password in {file} is longer than VRRPv2's {LONGEST} bytes"
    return password.ljust(LONGEST, b"\0")


def is_right(received: bytes, ours: bytes) -> bool:
    """Whether an advert's password is ours; both empty where none is used. Takes as long for a wrong one as for ours."""
    return hmac.compare_digest(received, ours)
