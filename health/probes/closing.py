"""How a probe closes a connection that its server has not closed: by a reset, which leaves no socket in TIME_WAIT.

Its law: the same as `socket.setsockopt(SOL_SOCKET, SO_LINGER, ...)`, by the C library itself. Python takes an option's
bytes only after two tries to take them as a number, whose errors cost more than the call, at every tcp check.
"""

import ctypes
import socket

_SETSOCKOPT = ctypes.CDLL(None).setsockopt
_LINGER_NONE = (ctypes.c_int * 2)(1, 0)
_LINGER, _SIZE = ctypes.byref(_LINGER_NONE), ctypes.sizeof(_LINGER_NONE)
_LEVEL, _OPTION = int(socket.SOL_SOCKET), int(socket.SO_LINGER)


def reset_at_close(descriptor: int) -> None:
    """Have the close of this socket throw away what is under way, and tell the server by a reset."""
    _SETSOCKOPT(descriptor, _LEVEL, _OPTION, _LINGER, _SIZE)
