"""How the command line talks to the daemon: HTTP over the Unix socket with the standard library alone.

The law: whatever goes wrong on the way is one clear sentence; nothing is tried twice, and nothing waits
without an end.
"""

import grp
import http.client
import json
import os
import socket
import struct
from typing import Any
from urllib.parse import urlencode

from hactl.control.patience import ANSWER

DEFAULT_SOCKET = "/run/hactl/hactl.sock"
_TIMEVAL = struct.Struct("ll")


class UnreachableError(Exception):
    """No answer from a daemon; the message says why and what helps."""


class DeclinedError(Exception):
    """The daemon said no. `code` is for programs, the message for people, `answer` the whole body."""

    def __init__(self, code: str, message: str, answer: dict[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.answer = answer


class _Connection(http.client.HTTPConnection):
    """HTTP to a path in the file system."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path, self._within = path, timeout

    def connect(self) -> None:
        """Connect to the path in place of a host.

        Where many are waiting to be let in the kernel waits as well, but only on a socket without a time-out of Python's.
        """
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        within = _TIMEVAL.pack(int(self._within), int(self._within % 1 * 1e6))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, within)
        self.sock.connect(self._path)
        self.sock.settimeout(self._within)


class Client:
    """Asks the daemon at the socket `path`. `timeout` is seconds of silence that are borne."""

    def __init__(self, path: str = DEFAULT_SOCKET, timeout: float = ANSWER) -> None:
        self.path = path
        self.timeout = timeout

    def get(self, what: str, timeout: float | None = None, **query: object) -> dict[str, Any]:
        """The answer to GET /v1/`what`. Raises UnreachableError or DeclinedError."""
        target = f"/v1/{what}?{urlencode(query)}" if query else f"/v1/{what}"
        return self._ask("GET", target, None, timeout)

    def post(self, what: str, content: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """The answer to POST /v1/`what` with a JSON body. Raises UnreachableError or DeclinedError."""
        return self._ask("POST", f"/v1/{what}", json.dumps(content).encode(), timeout)

    def _ask(self, method: str, target: str, body: bytes | None, timeout: float | None) -> dict[str, Any]:
        connection = _Connection(self.path, timeout or self.timeout)
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            status, data = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(_why(error, self.path)) from error
        finally:
            connection.close()
        return _understood(status, data, self.path)


def _understood(status: int, data: bytes, path: str) -> dict[str, Any]:
    """The JSON object in an answer; raises DeclinedError when it carries an error."""
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    error = answer.get("error", {}) if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(error, dict):
        raise UnreachableError(
            f"what listens on {path} does not speak hactl's language (HTTP status {status})"
        )
    if status >= 400:
        raise DeclinedError(
            error.get("code", "unknown"), error.get("message", f"HTTP status {status}"), answer
        )
    return answer


def _why(error: Exception, path: str) -> str:
    """Why there is no answer, and what helps."""
    if isinstance(error, FileNotFoundError):
        return (
            f"no daemon at {path}: there is no such socket; is hactl running? (`hactl run`, or --socket PATH)"
        )
    if isinstance(error, ConnectionRefusedError):
        return f"no daemon at {path}: the socket is there, but nobody listens; hactl is not running"
    if isinstance(error, PermissionError):
        return f"no permission to use {path}; {_who_may(path)}"
    if isinstance(error, TimeoutError | BlockingIOError):
        return f"the daemon at {path} does not answer in time; it hangs, or is stopped"
    if isinstance(error, ConnectionError | http.client.HTTPException):
        return f"the daemon at {path} ended the connection without an answer"
    return f"cannot reach the daemon at {path}: {getattr(error, 'strerror', None) or error}"


def _who_may(path: str) -> str:
    """Which users the socket admits, as far as this user can see."""
    try:
        number = os.stat(path).st_gid
    except OSError:
        return "only root may, and the group named by control.group"
    try:
        name = grp.getgrgid(number).gr_name
    except KeyError:
        name = str(number)
    return f"root and the members of group '{name}' may"
