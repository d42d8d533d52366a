"""The clear-text password of VRRPv2 adverts (RFC 2338 section 5.3.6, kept by RFC 3768's layout).

Owns what makes a password fit for the wire and when a received one is right. It keeps strangers with a careless
configuration out, not attackers: it is readable on the link.
"""

import hmac
from collections.abc import Iterable, Mapping

from failover.spec import Authentication, RouterSpec

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


class Passwords:
    """Those of this director's routers, by the router's name; a router that leaves keeps its own for its release."""

    def __init__(self) -> None:
        self.usable: dict[str, bytes] = {}
        self.unusable: dict[str, str] = {}
        """In words why a router that should have a password has none."""

    def take(self, specs: Iterable[RouterSpec], secrets: Mapping[str, str]) -> list[str]:
        """Read them anew from the files' contents by path; the names of the routers whose password is another now."""
        return [spec.name for spec in specs if self._take_one(spec, secrets)]

    def of(self, spec: RouterSpec) -> bytes:
        """What the router's adverts carry, empty where none is used."""
        return self.usable.get(spec.name, b"")

    def _take_one(self, spec: RouterSpec, secrets: Mapping[str, str]) -> bool:
        name, file = spec.name, spec.authentication_file
        before = self.usable.pop(name, b""), self.unusable.pop(name, "")
        if spec.authentication is Authentication.PASSWORD and file:
            password = read_password(secrets.get(file), file)
            if isinstance(password, str):
                self.unusable[name] = password
            else:
                self.usable[name] = password
        return before != (self.usable.get(name, b""), self.unusable.get(name, ""))
