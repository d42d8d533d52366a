"""Executing a worker: a process of its own session, with one end of a socket pair for each option that names one; edge."""

import asyncio
import errno
import socket
import sys
from collections.abc import Iterable, Sequence

Ends = dict[str, socket.socket]


async def execute(
    module: str, arguments: Sequence[str], options: Iterable[str]
) -> tuple[asyncio.subprocess.Process, Ends]:
    """Run the module with the arguments and with sockets by these options; the process, and our ends by option.

    Raises OSError, and then nothing is left open.
    """
    pairs = {option: socket.socketpair() for option in options}
    ours: Ends = {option: end for option, (end, _) in pairs.items()}
    theirs: Ends = {option: end for option, (_, end) in pairs.items()}
    named = [word for option, end in theirs.items() for word in (option, str(end.fileno()))]
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", module, *named, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=[end.fileno() for end in theirs.values()],
            start_new_session=True,
        )
    except OSError:
        _close(ours)
        raise
    except RuntimeError as error:
        # There is no thread to wait for it: the host has too many. It ends by itself, for nobody speaks with it.
        _close(ours)
        raise OSError(errno.EAGAIN, str(error)) from error
    finally:
        _close(theirs)
    return process, ours


def _close(ends: Ends) -> None:
    for end in ends.values():
        end.close()
