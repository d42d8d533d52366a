"""Having the configuration read by a process of its own (`hactl.workers.reader`); edge.

The law: whatever happens to that process is a fault of the file, told like the others; a daemon that runs goes on with
what it has.
"""

import asyncio
import subprocess
import sys

import msgspec

from hactl.config.fault import Fault
from hactl.config.reading import Reading


def begin(path: str, node: str | None) -> "subprocess.Popen[bytes]":
    """Start reading. Raises OSError when there can be no process."""
    return subprocess.Popen(
        _command(path, node),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def finish(path: str, begun: "subprocess.Popen[bytes]") -> Reading:
    """What became of the file, once it has been read."""
    said, _ = begun.communicate()
    return _reading(path, said, begun.returncode)


async def read(path: str, node: str | None) -> Reading:
    """What became of the file; others have their turn meanwhile."""
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(path, node),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return _unread(path, f"no process can be started for it ({error.strerror})")
    said, _ = await process.communicate()
    return _reading(path, said, await process.wait())


def _command(path: str, node: str | None) -> tuple[str, ...]:
    return (sys.executable, "-I", "-m", "hactl.workers.reader", path, *(() if node is None else (node,)))


def _reading(path: str, said: bytes, status: int) -> Reading:
    try:
        return msgspec.msgpack.decode(said, type=Reading)
    except msgspec.MsgspecError:
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return _unread(path, f"the process that reads it {how}")


def _unread(path: str, why: str) -> Reading:
    return Reading(
        path=path, faults=(Fault(file=path, line=1, column=1, path="", message=f"cannot be read: {why}"),)
    )
