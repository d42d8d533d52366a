"""The password of a probe's login: from its secret file, fit to be sent in the protocol's words, or why not.

Its law: a password is looked up when it is used, and stands in no detail.
"""

from health.dialogue import Kit
from health.result import Reason
from health.wire.talk import Over

PASSWORD_LIMIT = 1024
"""Longest password in bytes."""


def password(file: str | None, kit: Kit) -> bytes:
    """The password in this file; empty where none is named. Raises Over where it cannot be used."""
    if file is None:
        return b""
    content = kit.secret(file)
    if content is None:
        raise Over(Reason.CANNOT_RUN, f"{file} cannot be read")
    return content.encode()


def password_word(file: str | None, kit: Kit) -> bytes:
    """A password that is sent as part of a line: without line ends. Raises Over."""
    found = password(file, kit)
    if len(found) > PASSWORD_LIMIT or any(byte < 0x20 or byte == 0x7F for byte in found):
        raise Over(Reason.CANNOT_RUN, f"the password in {file} cannot be sent in a line")
    return found


def user_word(user: str) -> bytes:
    """A user's name that is sent as part of a line. Raises Over."""
    if not user.isprintable():
        raise Over(Reason.CANNOT_RUN, "the user's name cannot be sent in a line")
    return user.encode()
