"""Runs a program of the operator's and says how it ended.

The law: no shell, no inherited environment, a session of its own, bounded output, bounded time. However the
run ends, nothing of the program's process group is left.
"""

import asyncio
import errno
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

import msgspec

from hactl.patience import came

OUTPUT_LIMIT = 64 * 1024
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CHUNK = 65536
_SCARCE = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
"""What a program may fail to start by that is no fault of its: processes, memory, descriptors."""
_SHOWN = 200
"""Characters of a program's last line that are told."""
_DEATH = 1.0
"""Seconds a killed program has to be gone; one stuck in the kernel is left to it."""


class ExitReason(StrEnum):
    """How a run ended."""

    OK = "ok"
    STATUS = "status"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    MISSING = "missing"
    NOT_EXECUTABLE = "not_executable"
    NO_USER = "no_user"
    NOT_STARTED = "not_started"
    SCARCE = "scarce"

    @property
    def text(self) -> str:
        """The reason in words."""
        return _TEXT[self]


_TEXT = {
    ExitReason.OK: "ended well",
    ExitReason.STATUS: "ended with a status other than 0",
    ExitReason.SIGNAL: "killed by a signal",
    ExitReason.TIMEOUT: "timed out and was killed",
    ExitReason.MISSING: "no such program, or its interpreter is missing",
    ExitReason.NOT_EXECUTABLE: "not executable",
    ExitReason.NO_USER: "no such user",
    ExitReason.NOT_STARTED: "could not be started",
    ExitReason.SCARCE: "could not be started, for this host is out of resources",
}


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a run. `status` and `signal` as the kernel gave them; `output` is standard output and
    error together, cut off at the limit when `truncated`; `duration` in seconds; `detail` explains what
    the reason alone does not."""

    reason: ExitReason
    status: int | None = None
    signal: int | None = None
    output: bytes = b""
    truncated: bool = False
    duration: float = 0.0
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the program ran and ended with status 0."""
        return self.reason is ExitReason.OK

    @property
    def text(self) -> str:
        """The end in words."""
        words = {
            ExitReason.STATUS: f"exit status {self.status}",
            ExitReason.SIGNAL: f"killed by {_signal_name(self.signal or 0)}",
            ExitReason.TIMEOUT: f"timed out after {self.duration:.1f} s and was killed",
        }.get(self.reason, self.reason.text)
        return f"{words}: {self.detail}" if self.detail else words

    @property
    def failure(self) -> str:
        """Why it failed, with the last line that the program wrote; empty when it ended well."""
        if self.ok:
            return ""
        lines = [line.strip() for line in self.output.decode(errors="replace").split("\n") if line.strip()]
        said = "".join(c for c in (lines[-1] if lines else "") if c.isprintable())[:_SHOWN]
        return f"{self.text}: {said}" if said else self.text


async def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float,  # noqa: ASYNC109 - at its end the group is killed, not only no longer awaited
    output_limit: int = OUTPUT_LIMIT,
    user: str | None = None,
) -> Exit:
    """Run a program with this environment (besides PATH and LANG) and input for at most `timeout` seconds, those in which
    this process stood still not counted.

    With `user` it runs as that user with the user's own group and no others, which needs the right to change
    identity. When it ends, what it left running in its process group is killed. Raises nothing but
    CancelledError (and then has killed the group too).
    """
    began = time.monotonic()
    try:
        process, handle = _start(argv, {"PATH": PATH, "LANG": "C.UTF-8", **(env or {})}, user)
    except KeyError:
        return Exit(reason=ExitReason.NO_USER, detail=str(user))
    except FileNotFoundError:
        return Exit(reason=ExitReason.MISSING)
    except PermissionError as error:
        if error.errno == errno.EPERM:
            return Exit(reason=ExitReason.NOT_STARTED, detail=f"no right to become {user}")
        return Exit(reason=ExitReason.NOT_EXECUTABLE, detail=error.strerror or "")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        is_scarce = isinstance(error, OSError) and error.errno in _SCARCE
        return Exit(
            reason=ExitReason.SCARCE if is_scarce else ExitReason.NOT_STARTED,
            detail=(error.strerror if isinstance(error, OSError) else None) or str(error),
        )
    return await _attend(process, handle, stdin, timeout, output_limit, began)


def _start(
    argv: Sequence[str], env: Mapping[str, str], user: str | None
) -> tuple["subprocess.Popen[bytes]", int]:
    """The running program and a descriptor that is readable when it has ended (pidfd_open(2))."""
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd="/",
        umask=0o077,
        start_new_session=True,
        bufsize=0,
        **_identity(user),
    )
    try:
        return process, os.pidfd_open(process.pid)
    except OSError:
        _kill_group(process.pid)
        process.communicate()
        raise


def _identity(user: str | None) -> dict[str, Any]:
    """What Popen needs to become this user; nothing when we are that user. Raises KeyError for an unknown one."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    if entry.pw_uid == os.geteuid() and entry.pw_uid != 0:
        return {}
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


async def _attend(
    process: "subprocess.Popen[bytes]", handle: int, stdin: bytes, within: float, limit: int, began: float
) -> Exit:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(handle, _set, ended)
    pipes = _Pipes(process, stdin, limit)
    timed_out = False
    try:
        timed_out = not await came(ended, within)
    finally:
        # The leader is not reaped before this, so its number cannot meanwhile be somebody else's.
        _kill_group(process.pid)
        await asyncio.wait([ended], timeout=_DEATH)
        loop.remove_reader(handle)
        os.close(handle)
        pipes.close()
        process.poll()
    return _exit(process.returncode, timed_out, pipes, time.monotonic() - began)


def _set(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _exit(code: int | None, timed_out: bool, pipes: "_Pipes", duration: float) -> Exit:
    if timed_out or code is None:
        reason = ExitReason.TIMEOUT
    elif code < 0:
        reason = ExitReason.SIGNAL
    else:
        reason = ExitReason.STATUS if code else ExitReason.OK
    return Exit(
        reason=reason,
        status=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
        output=bytes(pipes.output),
        truncated=pipes.truncated,
        duration=duration,
    )


class _Pipes:
    """The program's standard input and output, without ever waiting for it."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: bytes, limit: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._loop = asyncio.get_running_loop()
        self._in, self._out = process.stdin, process.stdout
        self._left = memoryview(stdin)
        self._limit = limit
        self.output = bytearray()
        self.truncated = False
        for pipe in (self._in, self._out):
            os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(self._out.fileno(), self._read)
        self._loop.add_writer(self._in.fileno(), self._write)

    def close(self) -> None:
        """Take what is still in the pipe, and close both ends."""
        while not self._out.closed and self._read():
            if self.truncated:
                break
        self._close_in()
        self._close_out()

    def _read(self) -> bool:
        """Read once; False when there is nothing more."""
        try:
            data = os.read(self._out.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._close_out()
            return False
        room = self._limit - len(self.output)
        self.output += data[:room]
        self.truncated = self.truncated or len(data) > room
        return True

    def _write(self) -> None:
        try:
            if self._left:
                self._left = self._left[os.write(self._in.fileno(), self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = memoryview(b"")
        if not self._left:
            self._close_in()

    def _close_in(self) -> None:
        if not self._in.closed:
            self._loop.remove_writer(self._in.fileno())
            self._in.close()

    def _close_out(self) -> None:
        if not self._out.closed:
            self._loop.remove_reader(self._out.fileno())
            self._out.close()


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
