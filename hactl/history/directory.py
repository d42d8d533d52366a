"""The directory of the history: made while the notify worker is still root, and its own."""

import contextlib
import os
import pwd
import stat
from pathlib import Path

from hactl.identity import give_to_group

DIRECTORY = "history"
_RIGHTS, _RIGHTS_OF_GROUP = 0o750, 0o770


def make_directory(state_dir: Path, user: str) -> Path:
    """The directory of the history in `state_dir`, with what it holds belonging to `user` where we are root.

    Where we may not give files away, as under the unit, it is the group's. Raises OSError when it cannot be made.
    """
    directory = state_dir / DIRECTORY
    state_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    directory.mkdir(exist_ok=True)
    uid, gid = _owner(user)
    found = directory.stat()
    if found.st_uid == uid and stat.S_IMODE(found.st_mode) == _RIGHTS:
        return directory
    try:
        os.chown(directory, uid, gid, follow_symlinks=False)
    except PermissionError:
        with contextlib.suppress(PermissionError):
            # Somebody else's it may stay; what cannot be opened is said.
            give_to_group(directory, gid)
            directory.chmod(_RIGHTS_OF_GROUP)
        return directory
    directory.chmod(_RIGHTS)
    for file in directory.iterdir():
        _give(file, uid, gid)
    return directory


def _owner(user: str) -> tuple[int, int]:
    """Whose the history is: the worker's user where we are root, else ours."""
    if os.geteuid() != 0 or not user:
        return os.geteuid(), os.getegid()
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _give(file: Path, uid: int, gid: int) -> None:
    """Give a plain file to the user. Its directory is not ours alone: neither links nor second names are followed."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid != uid:
            os.fchown(handle, uid, gid)
    finally:
        os.close(handle)
