"""Small files in the state directory: what must outlive the daemon.

The law: a file is replaced whole or not at all, and is on the disk before anybody acts on it.
"""

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_RIGHTS = 0o600
_TRIAL = ".trial"
_LOCK = "daemon.lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")

T = TypeVar("T")


def prepare(directory: Path) -> None:
    """Make the state directory. Workers pass through it to their own folders, nobody else looks in. Raises OSError.

    One in which everybody may write is refused, sticky or not: what is kept there could be somebody else's, put there first.
    """
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    if directory.stat().st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, "everybody may write there")


def claim(directory: Path) -> int | None:
    """Take the directory for this process, until it ends: the lock's descriptor, None where nothing can be locked.

    Two daemons would end each other's workers. Raises BlockingIOError where another one lives.
    """
    try:
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _RIGHTS)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise
        return None
    return lock


def boot_id() -> str:
    """Which boot of this host it is: some of what is kept holds for it alone. Raises OSError."""
    return _BOOT.read_text().strip()


def trouble(directory: Path) -> str:
    """Why nothing can be kept there now, empty when something can."""
    try:
        replace(directory / _TRIAL, b"hactl\n")
        (directory / _TRIAL).unlink()
    except OSError as error:
        return f"state_dir {directory} could not be written at the start: {error.strerror}"
    return ""


def load(path: Path, decode: Callable[[bytes], T], empty: T) -> tuple[T, str]:
    """What the file says, or `empty` and why as a sentence. One that `decode` refuses (ValueError) is set aside."""
    try:
        content = read(path)
        return (empty if content is None else decode(content)), ""
    except OSError as error:
        return empty, f"{path} cannot be read: {error.strerror}"
    except ValueError as error:
        try:
            where = f"moved to {set_aside(path)}"
        except OSError:
            where = "left in its place"
        return empty, f"{path} cannot be understood ({error}); {where}"


def read(path: Path) -> bytes | None:
    """The content, None when there is no such file. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def replace(path: Path, content: bytes) -> None:
    """Put new content in the file's place. Raises OSError, and then the old content stands."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _RIGHTS)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    os.replace(draft, path)
    _sync_directory(path.parent)


async def keep(path: Path, content: bytes) -> None:
    """The same without waiting for the disk meanwhile. Raises OSError, also where the host has no thread for it."""
    try:
        await asyncio.to_thread(replace, path, content)
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error


def set_aside(path: Path) -> Path:
    """Move a file that cannot be understood out of the way and return its new name. Raises OSError."""
    aside = path.with_name(f"{path.name}.broken")
    os.replace(path, aside)
    return aside


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
