"""Reading the daemon's configuration, in a process of its own.

Its law: a reading says what became of a file and changes nothing. So the daemon never carries what only reading needs, the
schema and its library, which are a quarter of its memory; nor does a large file hold it up. One that is asked over a socket
reads file after file and remembers the last, of which it reads anew what has changed.
"""

import contextlib
import gc
import os
import socket
import sys

import msgspec

from hactl.config.parts import Digests, Inventory, part
from hactl.config.reading import Reading

_OUTPUT = 1
_PIECE = 1 << 18


class Request(msgspec.Struct, frozen=True):
    """Read this file, as this director; whoever asks has a configuration already, of which these are the digests."""

    path: str
    node: str | None = None
    has: Inventory = Inventory()


class Answers:
    """Reads what is asked for, one file after another."""

    def __init__(self) -> None:
        from hactl.config.memory import Memory

        self._memory = Memory()
        self._digests = Digests()

    def to(self, request: Request) -> bytes:
        """What became of the file, as a `Part` for whoever asks."""
        from hactl.config.load import load

        loaded = load(request.path, request.node, memory=self._memory)
        reading = Reading(**{name: getattr(loaded, name) for name in Reading.__struct_fields__})
        own = self._digests.of(reading.config) if reading.config is not None else Inventory()
        return msgspec.msgpack.encode(part(reading, own, request.has))


def serve(door: socket.socket) -> None:
    """Answer until the other side closes. With each byte comes a socket: to read the request from, and to answer to."""
    answers = Answers()
    gc.freeze()
    while True:
        said, sockets, _, _ = socket.recv_fds(door, 1, 1)
        if not said:
            return
        with socket.socket(fileno=sockets[0]) as asker:
            asked = _all(asker)
            said = answers.to(msgspec.msgpack.decode(asked, type=Request)) if asked else b""
            with contextlib.suppress(OSError):  # Nobody may wait any more.
                asker.sendall(said)


def _all(asker: socket.socket) -> bytes:
    return b"".join(iter(lambda: asker.recv(_PIECE), b""))


def once(request: Request, out: int) -> None:
    """Read one file, and write what became of it to a descriptor."""
    said = Answers().to(request)
    with contextlib.suppress(BrokenPipeError), open(out, "wb") as file:  # Nobody may wait any more.
        file.write(said)


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
        once(Request(first, next(iter(rest), None)), _OUTPUT)
        os._exit(0)  # Nothing has to be put away one by one.


if __name__ == "__main__":
    main()
