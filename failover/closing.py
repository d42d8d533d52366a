"""Closing a packet socket, for which the kernel takes some 10 ms: until no CPU looks at it any more.

The law: nobody on the event loop waits for that, for in those 10 ms a master would be silent to everybody.
"""

import socket
from threading import Thread


def close_apart(packets: socket.socket) -> None:
    """Have a thread close it; where none is to be had, close it here: late is better than never."""
    try:
        Thread(target=packets.close, daemon=True).start()
    except RuntimeError:
        packets.close()
