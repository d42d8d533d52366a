"""Where health checkers are measured: one network namespace with tens of thousands of real servers' addresses in it.

Owns the servers, whose work counts for nobody: one nginx that answers on a whole range of addresses, and
addresses for servers that fail (`bench.mortals`).
"""

import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hactl.lab import net as namespaces

PORT, MORTAL_PORT = 8080, 80
_A_BLOCK = 250
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 16384; multi_accept on; }}
http {{
    access_log off; keepalive_timeout 0;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen {port} backlog=4096; location / {{ return 200 "ok"; }} location /count {{ stub_status; }} }}
}}
"""
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_ETH_P_IP = 0x0800
_LOAD_BYTE, _LOAD_WORD, _AND, _IF_EQUAL, _RETURN = 0x30, 0x20, 0x54, 0x15, 0x06
_PACKET_TYPE = 0xFFFFF004
_TO_US, _FLAGS, _SYN_ACK, _SYN = 0, 33, 0x12, 0x02
_FIRST_SYNS = (
    (_LOAD_WORD, 0, 0, _PACKET_TYPE), (_IF_EQUAL, 0, 4, _TO_US),
    (_LOAD_BYTE, 0, 0, _FLAGS), (_AND, 0, 0, _SYN_ACK), (_IF_EQUAL, 0, 1, _SYN),
    (_RETURN, 0, 0, 40), (_RETURN, 0, 0, 0),
)  # fmt: skip
"""Classic BPF (linux/filter.h): the first 40 bytes of each SYN that comes in. What goes out over lo comes in as well."""


def address(number: int) -> str:
    """The address of a server that stays."""
    return f"10.96.{number // _A_BLOCK}.{number % _A_BLOCK + 1}"


def mortal(number: int) -> str:
    """The address of a server that can fail."""
    return f"10.97.{number // _A_BLOCK}.{number % _A_BLOCK + 1}"


def program(*opcodes: tuple[int, int, int, int]) -> bytes:
    """Instructions of classic BPF as the kernel takes them."""
    return b"".join(struct.pack("HBBI", *one) for one in opcodes)


class Ground:
    """The namespace; `folder` is for files of those that are measured in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.namespace = f"hactl-bench-{os.getpid()}"

    def start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Starts a command in the namespace; its process id is the program's own."""
        return subprocess.Popen(namespaces.command(self.namespace, command), **options)

    def accepted(self) -> int:
        """Connections that nginx has accepted so far, this question's among them."""
        with namespaces.inside(self.namespace):
            page = urllib.request.urlopen(f"http://{address(0)}:{PORT}/count", timeout=10).read()
        return int(page.split()[7])

    def starts(self, seconds: float) -> dict[str, list[float]]:
        """When checks of each server began in a time of this length, in the kernel's stamps (wall-clock seconds)."""
        with namespaces.inside(self.namespace):
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        with tap:
            code = program(*_FIRST_SYNS)
            # sock_fprog points at the instructions, which must live until the call is over.
            held = ctypes.create_string_buffer(code)
            tap.setsockopt(
                socket.SOL_SOCKET,
                _SO_ATTACH_FILTER,
                struct.pack("HL", len(_FIRST_SYNS), ctypes.addressof(held)),
            )
            tap.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 29)
            tap.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            tap.bind(("lo", _ETH_P_IP))
            time.sleep(seconds)
            return _read(tap)

    def build(self) -> None:
        """Makes the namespace and starts nginx."""
        namespaces.ip_batch([f"netns add {self.namespace}"])
        namespaces.ip_batch(
            [
                "link set lo up",
                "route add local 10.96.0.0/16 dev lo",
                "route add local 10.97.0.0/16 dev lo",
                "route add local 10.95.0.0/16 dev lo",
            ],
            self.namespace,
        )
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, port=PORT))
        # On one core only: what is measured may run on any, and is less often thrown off its own.
        self.start(
            "nginx", "-c", str(self.folder / "nginx.conf"), "-e", "/dev/null",
            preexec_fn=lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}),
        )  # fmt: skip
        limit = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < limit, "nginx does not answer"
            time.sleep(0.1)

    def remove(self) -> None:
        """Ends what runs in the namespace and removes it."""
        namespaces.remove([self.namespace])

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.accepted() > 0
        return False


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """The place for measurements, with a folder that everybody may read."""
    with tempfile.TemporaryDirectory(prefix="hactl-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        made = Ground(Path(folder))
        try:
            made.build()
            yield made
        finally:
            made.remove()


def _read(tap: socket.socket) -> dict[str, list[float]]:
    tap.setblocking(False)
    found: dict[str, list[float]] = defaultdict(list)
    while True:
        try:
            packet, control, _, _ = tap.recvmsg(40, 128)
        except BlockingIOError:
            return dict(found)
        seconds, nanoseconds = struct.unpack("ll", control[0][2][:16])
        found[socket.inet_ntoa(packet[16:20])].append(seconds + nanoseconds / 1e9)
