"""A network namespace of its own for tests of the kernel's IPVS table, entered by this thread and left again."""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
_libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def fresh_namespace() -> Iterator[None]:
    """This thread's new sockets and processes are in an empty network namespace, which goes with the last of them."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _must(_libc.unshare(_CLONE_NEWNET))
        try:
            _raise_loopback()
            yield
        finally:
            _must(_libc.setns(home, _CLONE_NEWNET))
    finally:
        os.close(home)


def _raise_loopback() -> None:
    """Sets lo up: IPVS asks the local routing table about every address, and it exists from the first address on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", _IFF_UP))


def ipvsadm(*arguments: str, feed: str = "") -> list[str]:
    """The lines that ipvsadm prints; `feed` is what it reads with -R."""
    done = subprocess.run(
        ["ipvsadm", *arguments], input=feed, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()
