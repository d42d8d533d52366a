"""What the kernel says of neighbours, read."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from health.wire.neighbour import failed


def message(state: int, address: bytes, kind: int = 28) -> bytes:
    """One message of rtnetlink with a destination."""
    attribute = struct.pack("=HH", 4 + len(address), 1) + address
    body = struct.pack("=BBHiHBB", 2, 0, 0, 3, state, 0, 1) + attribute
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_only_failed_neighbours_are_news() -> None:
    """One that is reachable, a deletion and another size of address say nothing; several messages may come at once."""
    four, six = bytes([10, 0, 0, 9]), bytes.fromhex("fd00") + bytes(13) + b"\x09"
    assert failed(message(0x20, four) + message(0x20, six)) == ("10.0.0.9", "fd00::9")
    assert (
        failed(message(0x02, four))
        == failed(message(0x20, four, kind=29))
        == failed(message(0x20, b"abc"))
        == ()
    )


@given(st.binary(max_size=200))
def test_garbage_is_no_news(data: bytes) -> None:
    """Nothing is raised, whatever it is; nor by what is cut off."""
    failed(data)
    failed(message(0x20, bytes(4))[: len(data)])
