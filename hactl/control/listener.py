"""The control socket in the file system: who may connect, and that one daemon has it.

The law: the socket never exists with wider rights than 0660, and what another living process listens on is
never taken away. A lock file beside it, held for life, decides between daemons; the kernel drops it however a
daemon ends.
"""

import contextlib
import fcntl
import grp
import os
import socket
import stat
from types import TracebackType

from hactl.identity import give_to_group

_RIGHTS = 0o660
_DIRECTORY_RIGHTS = 0o755
_BACKLOG = 64
_PROBE_TIMEOUT = 1.0


class ListenError(Exception):
    """The control socket cannot be had; the message is a sentence for the operator."""


class Listener:
    """A bound, listening Unix socket and the lock that makes it ours. `warning` is empty if all is well."""

    def __init__(self, path: str, group: str | None) -> None:
        """Bind `path` for root and `group`. Raises ListenError with the reason."""
        self.path = path
        self.warning = ""
        try:
            _make_directory(os.path.dirname(path) or ".")
            self._lock = _take_lock(path)
        except OSError as error:
            raise ListenError(f"cannot make the control socket {path}: {error.strerror}") from error
        try:
            _remove_stale(path)
            self.socket = _bind(path)
            self._give_to(group)
        except OSError as error:
            os.close(self._lock)
            raise ListenError(f"cannot make the control socket {path}: {error.strerror or error}") from error
        except ListenError:
            os.close(self._lock)
            raise

    def _give_to(self, group: str | None) -> None:
        """Let `group` connect; where that is not possible root alone may, and the warning says so."""
        if group is None:
            return
        try:
            give_to_group(self.path, grp.getgrnam(group).gr_gid)
        except KeyError:
            self.warning = f"control.group: this host has no group '{group}'; only root may use {self.path}"
        except PermissionError:
            self.warning = f"control.group: not permitted to give {self.path} to group '{group}'"

    def close(self) -> None:
        """Stop listening and remove the socket; the lock goes last, so nobody else's socket is removed."""
        self.socket.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        os.close(self._lock)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _make_directory(directory: str) -> None:
    """Make the directory for root alone to write in; refuse one in which anybody could swap the socket."""
    if not os.path.isdir(directory):
        os.makedirs(directory)
        os.chmod(directory, _DIRECTORY_RIGHTS)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ListenError(f"the control socket may not be in {directory}: everybody may write there")


def _take_lock(path: str) -> int:
    """The descriptor of the lock beside `path`. It is closed on exec, so no worker inherits it."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ListenError(f"another hactl daemon has the control socket {path}") from None
    return lock


def _remove_stale(path: str) -> None:
    """Remove what a dead process left at `path`; ListenError for a living one and for what is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{path} exists and is not a socket; the control socket will not replace it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_TIMEOUT)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise ListenError(f"another process listens on the control socket {path}")


def _bind(path: str) -> socket.socket:
    """Bind and listen with rights 0660 from the first instant: the umask is what bind(2) heeds."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        before = os.umask(0o777 & ~_RIGHTS)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.setblocking(False)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
