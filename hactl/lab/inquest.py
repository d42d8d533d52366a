"""Asks a guest's kernel what its tasks wait for, from outside, when nothing comes from it any more.

The law of this file: it reads; the guest goes on as it was. What a user-mode kernel offers for this is its management
console, a datagram socket (the kernel's Documentation/virt/uml, "The management console"): a request is magic number,
version, length and text; an answer is an error flag, a "more follows" flag, length and text, all in the machine's own
byte order.
"""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path
from typing import Final

MAGIC: Final = 0xCAFEBABE
VERSION: Final = 2
ROOM: Final = 512
ANSWER_WITHIN: Final = 5.0
"""Seconds; a kernel that is stuck with its interrupts off never answers."""
SETTLE: Final = 1.0
"""Seconds for the console's lines to arrive."""
LAST_LINES: Final = 200


def blocked_tasks(work: Path) -> str:
    """The stacks of the tasks that nothing can interrupt, as the kernel prints them, or why there are none."""
    console = work / "console"
    before = console.stat().st_size if console.exists() else 0
    try:
        ask(work / "guest" / "mconsole", "sysrq w")
    except OSError as error:
        return f"the guest's kernel does not answer: {error}"
    time.sleep(SETTLE)
    with console.open("rb") as opened:
        opened.seek(before)
        text = opened.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-LAST_LINES:])


def ask(path: Path, command: str) -> None:
    """One command to the management console at ``path``; OSError when nobody answers or the kernel refuses it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
        asking.bind("")  # a name of the kernel's choosing, for the answer
        asking.settimeout(ANSWER_WITHIN)
        asking.sendto(request(command), str(path))
        answer = asking.recv(65536)
        refused, _more, length = struct.unpack_from("=iii", answer)
        if refused:
            raise OSError(answer[12 : 12 + length].decode(errors="replace").strip("\0 \n"))


def request(command: str) -> bytes:
    """A request's datagram."""
    return struct.pack(f"=III{ROOM}s", MAGIC, VERSION, len(command), command.encode())
