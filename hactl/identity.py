"""Being somebody else for a moment: giving a file to a group, and reading a file that belongs to another user; edge.

The law: with the rights to change identity (SETGID, SETUID), which the daemon needs anyhow, it needs none to override the
rights of files. What is borrowed is given back whatever happens.
"""

import ctypes
import os
from pathlib import Path


def give_to_group(path: str | Path, gid: int) -> None:
    """Make the group `gid` the file's group. Raises OSError: PermissionError where we may not change our groups."""
    try:
        os.chown(path, -1, gid, follow_symlinks=False)
        return
    except PermissionError:
        before = os.getgroups()
    os.setgroups([*before, gid])
    try:
        os.chown(path, -1, gid, follow_symlinks=False)
    finally:
        os.setgroups(before)


def read_as_owner(path: str | Path) -> bytes:
    """The content of a file, read as root or else as the user to whom it belongs. Raises OSError."""
    try:
        return Path(path).read_bytes()
    except PermissionError:
        owner = os.stat(path).st_uid
    libc = ctypes.CDLL(None)
    libc.setfsuid(owner)  # of this thread alone (setfsuid(2))
    try:
        return Path(path).read_bytes()
    finally:
        libc.setfsuid(os.geteuid())
