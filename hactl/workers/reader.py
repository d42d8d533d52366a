"""Reading the daemon's configuration, in a process of its own.

Its law: one process reads one file, says what became of it, and ends. So the daemon never carries what only reading
needs, the schema and its library, which are a quarter of its memory; nor does a large file hold it up. One that is asked
over a socket forks for each file and so stays as small as it was: most of a reading's time is loading the schema.
"""

import contextlib
import gc
import os
import socket
import struct
import sys
import traceback

import msgspec

_REQUEST_SIZE = 1 << 16
STATUS = struct.Struct("=i")
"""How a forked process ended that did not end well: its status, or minus the signal's number."""
_OUTPUT = 1


class Request(msgspec.Struct, frozen=True):
    """Read this file, as this director; a socket for the answer comes with it."""

    path: str
    node: str | None = None


def answer(request: Request, out: int) -> None:
    """Read, and write what became of the file to a descriptor, which is closed then: nobody waits for our end."""
    from hactl.config.load import load
    from hactl.config.reading import Reading

    loaded = load(request.path, request.node)
    fields = {name: getattr(loaded, name) for name in Reading.__struct_fields__}
    said = msgspec.msgpack.encode(Reading(**fields))
    with contextlib.suppress(BrokenPipeError), open(out, "wb") as file:  # Nobody may wait any more.
        file.write(said)


def serve(door: socket.socket) -> None:
    """Fork for each request, until the other side closes."""
    import hactl.config.load  # noqa: F401 - what all of them need

    gc.freeze()  # Else a collection in a child would write to each object, and with that unshare its page.
    while True:
        said, (*sockets,), _, _ = socket.recv_fds(door, _REQUEST_SIZE, 1)
        if not said:
            return
        child = os.fork()
        if child == 0:
            door.close()
            _end_with(msgspec.msgpack.decode(said, type=Request), *sockets)
        os.close(*sockets)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            door.send(STATUS.pack(status))


def _end_with(request: Request, out: int) -> None:
    """The last thing that a process does: it owns nothing that would have to be put away one by one."""
    status = 1
    try:
        answer(request, out)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


def main() -> None:
    """Entry point: `python -I -m hactl.workers.reader PATH [NODE]`, or `... --fd NUMBER` to be asked."""
    gc.disable()  # What is read makes no rings, and there is much of it.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = (
        "1"  # Looking for some takes a tenth of the time, and there are none.
    )
    first, *rest = sys.argv[1:]
    if first == "--fd":
        with socket.socket(fileno=int(rest[0])) as door:
            serve(door)
    else:
        _end_with(Request(first, *rest), _OUTPUT)


if __name__ == "__main__":
    main()
