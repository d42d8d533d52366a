"""requests over a Unix socket, for the schema-driven fuzzer."""

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

BASE = "http://localhost"


class _Connection(HTTPConnection):
    """A connection to a path in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connect to the path in place of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


class _Pool(HTTPConnectionPool):
    """Connections to one path."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", maxsize=1)
        self._path = path

    def _new_conn(self) -> HTTPConnection:
        return _Connection(self._path)


class UnixAdapter(HTTPAdapter):
    """Sends everything to the socket at `path`."""

    def __init__(self, path: str) -> None:
        self._pool = _Pool(path)
        super().__init__()

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """The one pool there is."""
        return self._pool

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()
        super().close()


def session(path: str) -> requests.Session:
    """A session whose every request goes to the socket at `path`."""
    made = requests.Session()
    made.mount("http://", UnixAdapter(path))
    return made
