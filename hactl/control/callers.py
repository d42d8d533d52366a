"""Who is at the other end of the control socket, by the kernel's word, and which role that gives; edge.

The law: only the kernel is believed (SO_PEERCRED, SO_PEERGROUPS). A directory service that hangs costs a second and the
role, and never root's; it holds up neither the daemon's loop, nor what waits for the disk, nor the daemon's end.
"""

import array
import asyncio
import grp
import os
import pwd
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import ParamSpec, TypeVar, cast

from hactl.config.model import RolesSpec
from hactl.control.commands import Caller
from hactl.control.refusals import Code, RefusedError
from hactl.control.roles import Role, role_of

P = ParamSpec("P")
T = TypeVar("T")

NAMES_WITHIN = 1.0
LOOKUPS = 16
"""Most look-ups at once; while so many hang no further one is tried."""
_CREDENTIALS = struct.Struct("iII")
_SO_PEERGROUPS = 59
_MOST = 1024
"""Bytes that Python reads of an option, the numbers of 256 groups. Who is in more has its own group only."""


class Callers:
    """Tells callers apart by the roles that `roles` gives at that moment."""

    def __init__(self, roles: Callable[[], RolesSpec | None]) -> None:
        self._roles = roles
        self._directory = _Directory()

    async def of(self, end: socket.socket) -> Caller:
        """Who is at the other end of a connection. Raises RefusedError where it has ended."""
        try:
            pid, uid, gid = credentials(end)
            groups = _groups(end)
        except OSError as error:
            raise RefusedError(Code.UNAVAILABLE, "the connection has ended") from error
        user = await self._directory.ask(_user, uid) or f"uid {uid}"
        if uid in (0, os.geteuid()):
            return Caller(uid, pid, user, Role.ADMIN, owner=True)
        roles = self._roles()
        if roles is None:
            return Caller(uid, pid, user, Role.ADMIN)
        wanted = {name for part in (roles.read, roles.operate, roles.admin) for name in part.groups}
        member_of = await self._directory.ask(_among, wanted, {gid, *groups}) or frozenset()
        return Caller(uid, pid, user, role_of(roles, user, member_of))


def credentials(end: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end, by the kernel's word (unix(7)); of who has gone, those of when it came.

    Raises OSError.
    """
    return cast(
        tuple[int, int, int],
        _CREDENTIALS.unpack(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)),
    )


def _groups(end: socket.socket) -> Iterable[int]:
    """The further groups of who connected; none where the kernel does not say."""
    try:
        return array.array("I", end.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _MOST))
    except OSError:
        return ()


class _Directory:
    """Asks the host for users and groups, each time in a thread of its own that nobody waits for."""

    def __init__(self) -> None:
        self._asking = 0

    async def ask(self, look: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What the host's directory says; None where it does not answer in time, or has too often not answered yet."""
        if self._asking >= LOOKUPS:
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T | None] = loop.create_future()

        def take(found: T | None) -> None:
            self._asking -= 1
            if not answer.done():
                answer.set_result(found)

        def work() -> None:
            found = None
            try:
                found = look(*args, **kwargs)
            finally:
                with suppress(RuntimeError):  # The loop has ended meanwhile.
                    loop.call_soon_threadsafe(take, found)

        self._asking += 1
        threading.Thread(target=work, name="names", daemon=True).start()
        try:
            return await asyncio.wait_for(answer, NAMES_WITHIN)
        except TimeoutError:
            return None


def _user(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _among(names: Iterable[str], gids: set[int]) -> frozenset[str]:
    """Which of these groups one of the numbers means."""
    found = set()
    for name in names:
        try:
            if grp.getgrnam(name).gr_gid in gids:
                found.add(name)
        except KeyError:
            continue
    return frozenset(found)
