"""Who is at the other end of the control socket, where the host's directory of users hangs."""

import asyncio
import socket
import threading

import pytest

from hactl.control import callers
from hactl.control.callers import LOOKUPS, Callers
from hactl.control.roles import Role


async def test_a_directory_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask meanwhile: each is known by number after a while, and what goes to the disk has its turn."""
    hangs, looks = threading.Event(), list[int]()

    def user(uid: int) -> str:
        looks.append(uid)
        hangs.wait()
        return "somebody"

    monkeypatch.setattr(callers, "_user", user)
    monkeypatch.setattr(callers, "NAMES_WITHIN", 0.1)
    known = Callers(lambda: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            found = await asyncio.gather(*(known.of(ours) for _ in range(4 * LOOKUPS)))
            assert {(one.user.partition(" ")[0], one.role) for one in found} == {("uid", Role.ADMIN)}
            assert len(looks) == LOOKUPS
            assert await asyncio.wait_for(asyncio.to_thread(lambda: "kept"), 10.0) == "kept"
        finally:
            hangs.set()
        while (await known.of(ours)).user != "somebody":  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
