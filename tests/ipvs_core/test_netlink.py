"""Framing of generic netlink messages."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs import netlink as nl
from hactl.ipvs.netlink import Acknowledgement, Message, WireError


def framed(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """One message as the kernel sends it."""
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 7, 0) + payload


def test_the_question_for_a_family() -> None:
    """CTRL_CMD_GETFAMILY with the name, acknowledged."""
    (message,) = nl.messages(nl.family_request(9, "IPVS"))
    assert (message.kind, message.flags, message.sequence) == (16, 5, 9)
    assert message.payload == b"\3\1\0\0" + nl.text(2, "IPVS")
    assert nl.family_number(b"\1\2\0\0" + nl.text(2, "IPVS") + nl.u16(1, 33)) == 33


def test_several_messages_in_one_datagram() -> None:
    """Messages are padded to four bytes and come in order."""
    datagram = framed(33, b"abcde") + b"\0\0\0" + framed(3, b"\0" * 4)
    assert [(m.kind, m.payload) for m in nl.messages(datagram)] == [(33, b"abcde"), (3, b"\0" * 4)]


def test_refusals_with_the_kernels_own_words() -> None:
    """The text stands behind the echoed header, or behind the whole echoed request."""
    words = nl.text(1, "Unknown virtual service")
    code = struct.pack("=i", -3)
    header = struct.pack("=IHHII", 40, 33, 5, 7, 0)
    capped = Message(nl.ERROR, 0x300, 7, code + header + words)
    whole = Message(nl.ERROR, 0x200, 7, code + header + b"x" * 24 + words)
    for message in (capped, whole):
        assert nl.acknowledgement(message) == Acknowledgement(3, "Unknown virtual service")
    assert nl.acknowledgement(Message(nl.ERROR, 0, 7, code + header)) == Acknowledgement(3, "")
    assert nl.acknowledgement(Message(nl.DONE, 0, 7, b"")) == Acknowledgement(0, "")


@given(st.binary(max_size=100))
def test_strange_bytes_raise_nothing_else(data: bytes) -> None:
    """Any datagram is messages or a WireError; any payload attributes or a WireError."""
    with contextlib.suppress(WireError):
        for message in nl.messages(data):
            if message.kind in (nl.ERROR, nl.DONE):
                nl.acknowledgement(message)
    with contextlib.suppress(WireError):
        nl.attributes(data)


def test_impossible_lengths_are_refused() -> None:
    """A length below the header or beyond the end is an error, never a loop."""
    for bad in (struct.pack("=HH", 3, 1), struct.pack("=HH", 40, 1)):
        with pytest.raises(WireError):
            nl.attributes(bad)
    with pytest.raises(WireError):
        list(nl.messages(struct.pack("=IHHII", 8, 2, 0, 1, 0)))


def test_numbers() -> None:
    """Numbers of one to eight bytes; a missing one needs a default."""
    found = {1: b"\1", 2: b"\1\0\0"}
    assert nl.number(found, 1) == 1
    assert nl.number(found, 9, 5) == 5
    for kind in (2, 9):
        with pytest.raises(WireError):
            nl.number(found, kind)
    with pytest.raises(WireError):
        nl.port_number(found, 1)
