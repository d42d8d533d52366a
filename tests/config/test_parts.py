"""A configuration told to somebody who has most of it."""

import msgspec
import pytest

from hactl.config.model import Config
from hactl.config.parts import Digests, Inventory, Part, part, whole
from hactl.config.reading import Reading
from support.config import MINIMAL, config_of

MAIL = (
    "  mail: {address: 10.99.0.100, port: 25, forward: nat, check: {type: smtp}, servers: {c: 10.99.0.13}}\n"
)
TEXT = MINIMAL.replace("services:\n", "services:\n" + MAIL)
TEXTS = (
    MINIMAL,
    TEXT,
    TEXT.replace("{type: smtp}", "{type: smtp, timeout: 2s}"),
    TEXT.replace("rs2: 10.99.0.12", "rs2: {address: 10.99.0.12, weight: 7}"),
    TEXT.replace("port: 25", "port: 26"),
    MINIMAL.replace("health:", MAIL + "health:"),
)


def told(new: Config, old: Config | None) -> Part:
    """What comes over, as it is after its way."""
    theirs = Digests().of(old) if old is not None else Inventory()
    said = part(Reading(path="f", config=new), Digests().of(new), theirs)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=Part)


@pytest.mark.parametrize("new", TEXTS)
@pytest.mark.parametrize("old", [None, *TEXTS])
def test_the_whole_is_what_was_read(old: str | None, new: str) -> None:
    """Whatever the other side has; what it has is its own object."""
    had, read = None if old is None else config_of(old), config_of(new)
    config = whole(told(read, had), had).config
    assert config == read
    assert config is not None
    if had is not None:
        before = {service.name: service for service in had.services}
        same = [each is before.get(each.name) for each in config.services]
        assert same == [each == before.get(each.name) for each in config.services]
        assert (config.checks is had.checks) == (config.checks == had.checks)


def test_what_is_known_is_left_out() -> None:
    """One server changed: its service comes over, and no check."""
    less = told(config_of(TEXTS[3]), config_of(TEXT)).reading.config
    assert less is not None
    assert [service.name for service in less.services] == ["www"]
    assert less.checks == ()
    assert told(config_of(TEXT), None).reading.config == config_of(TEXT)


def test_a_digest_is_taken_once() -> None:
    """Of the same object; a changed one has another."""
    digests = Digests()
    old, new = config_of(TEXT), config_of(TEXTS[3])
    shared = msgspec.structs.replace(new, services=(old.services[0], new.services[1]), checks=old.checks)
    first, second = digests.of(old), digests.of(shared)
    assert second == Digests().of(new)
    assert second.services["mail"] is first.services["mail"]
    assert second.checks is first.checks
    assert second.services["www"] != first.services["www"]
