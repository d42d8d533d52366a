"""What two configurations have in common, as the same objects."""

import msgspec

from hactl.config.model import Config
from hactl.config.sharing import sharing
from support.config import MINIMAL, config_of

TEXT = MINIMAL.replace(
    "services:\n",
    "services:\n"
    "  mail: {address: 10.99.0.100, port: 25, forward: nat, check: {type: smtp}, servers: {c: 10.99.0.13}}\n",
)


def read(text: str) -> Config:
    """As a reload gets it: nothing of it is an object of the one before."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(config_of(text)), type=Config)


def test_what_did_not_change_is_the_same_object() -> None:
    """Services, servers of a changed service, and checks; and the whole is what was read."""
    old = read(TEXT)
    new = read(TEXT.replace("rs2: 10.99.0.12", "rs2: {address: 10.99.0.12, weight: 7}"))
    shared = sharing(old, new)
    assert shared == new
    assert shared != old
    (mail, www), (mail_before, www_before) = shared.services, old.services
    assert mail is mail_before
    assert [server is before for server, before in zip(www.servers, www_before.servers, strict=True)] == [
        True,
        False,
        True,
    ]
    assert shared.checks is old.checks


def test_another_check_leaves_the_others() -> None:
    """By what they are, not by where they stand."""
    old = read(TEXT)
    new = read(TEXT.replace("{type: smtp}", "{type: smtp, timeout: 2s}"))
    shared = sharing(old, new)
    assert shared == new
    same = {id(check) for check in old.checks} & {id(check) for check in shared.checks}
    assert len(same) == len(old.checks) - 1


def test_nothing_in_common() -> None:
    """A service comes, and goes."""
    old, new = read(MINIMAL), read(TEXT)
    assert sharing(old, new) == new
    assert sharing(new, old) == old
