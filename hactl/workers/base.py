"""What every worker process shares: its link to the supervisor, its beat, and giving up its privileges.

The law: a worker is executed as root, imports all it needs, and only then becomes its own user; afterwards it can gain
nothing back. It never writes a log: notes go to the supervisor.
"""

import asyncio
import codecs
import ctypes
import os
import pwd
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from hactl.processes.ipc import Link, connect
from hactl.processes.messages import Beat, Note, NoteLevel, Stop, ToWorker

BEAT_INTERVAL = 1.0
CAP_NET_ADMIN = 12
CAP_NET_RAW = 13
CAP_IPC_LOCK = 14
CAP_SYS_NICE = 23
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

_CODECS = ("ascii", "idna", "latin-1", "unicode_escape", "utf-8")
"""Python loads these when first used, which fails where the new user cannot read the installation."""

Send = Callable[[msgspec.Struct], None]


class Handler(Protocol):
    """The inside of a worker: gets messages, runs until it is done."""

    def receive(self, message: ToWorker) -> None:
        """Take one message; never waits."""

    def lost(self, reason: str) -> None:
        """The supervisor is gone."""

    async def run(self) -> None:
        """Do the work until stopped."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A worker's command line: the `fd` of its socket, the `user` to become (empty: stay), and what only some are told.

    `allowed` is the socket on which the supervisor tells a helper what may be run; the worker only passes it on.
    Over `door` the supervisor passes listening sockets. With `mark` the worker may mark its packets.
    """

    fd: int
    user: str = ""
    lock: str = ""
    state_dir: str = ""
    allowed: int = -1
    door: int = -1
    mark: bool = False


def options(words: Sequence[str]) -> Options:
    """Read `--name value ...` and `--mark`. Raises msgspec.ValidationError; argparse would cost each worker a megabyte."""
    rest, found = iter(words), {}
    for word in rest:
        name = word.removeprefix("--").replace("-", "_")
        found[name] = "true" if name == "mark" else next(rest, "")
    return msgspec.convert(found, Options, strict=False)


def note(send: Send, level: NoteLevel, text: str, **fields: object) -> None:
    """Send a line for the log."""
    send(Note(level, text, {name: str(value) for name, value in fields.items()}))


def load_codecs() -> None:
    """Load what Python would load when it is first used."""
    for name in _CODECS:
        codecs.lookup(name)


def drop_privileges(user: str, keep: tuple[int, ...] = ()) -> None:
    """Become `user` without supplementary groups, keep only the capabilities `keep`, and set no_new_privs.

    One of `keep` that this process has not, as in a container, is left out; its lack is told where it is needed.
    Does nothing but no_new_privs when not started as root. Raises KeyError for an unknown user and OSError when the
    kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    load_codecs()
    if os.geteuid() == 0 and user:
        entry = pwd.getpwnam(user)
        _prctl(libc, _PR_SET_KEEPCAPS, 1)
        for capability in range(_LAST_CAPABILITY + 1):
            if capability not in keep:
                libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.setgroups([])
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
        _set_capabilities(libc, _permitted(libc, keep))
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)


def give_up_capabilities(*capabilities: int) -> None:
    """Give up what `drop_privileges` kept, for good. Raises OSError when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in capabilities:
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _set_capabilities(libc, ())


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


def _permitted(libc: ctypes.CDLL, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Those of the capabilities that this process may have (capget(2))."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capget: {os.strerror(code)}")
    held = data[1] | data[4] << 32
    return tuple(capability for capability in wanted if held >> capability & 1)


def _set_capabilities(libc: ctypes.CDLL, keep: tuple[int, ...]) -> None:
    """Make exactly `keep` effective and permitted (capset(2), version 3: two 32-bit words of each set)."""
    mask = sum(1 << capability for capability in keep)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    if libc.capset(header, data) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"capset: {os.strerror(code)}")


def user_exists(name: str) -> bool:
    """Whether the host knows this user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


async def serve(fd: int, build: Callable[[Send], Handler]) -> None:
    """Join a handler to its supervisor: link, beats, end. Returns when the handler's run returns."""
    link: Link[Any] = Link(ToWorker)
    handler = build(link.send)
    link.on_message, link.on_lost = handler.receive, handler.lost
    await connect(link, socket.socket(fileno=fd))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handler.receive, Stop(signal.Signals(number).name))
    beats = asyncio.create_task(_beat(link.send))
    try:
        await handler.run()
    finally:
        beats.cancel()
        link.close()
        await asyncio.sleep(0)


async def _beat(send: Send) -> None:
    while True:
        send(Beat(time.monotonic()))
        await asyncio.sleep(BEAT_INTERVAL)
