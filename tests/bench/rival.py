"""keepalived's checkers at work where the kernel has no IPVS: its writes to the table are answered, not carried out.

Its law: keepalived itself is Debian's, untouched. A seccomp filter on its process answers the socket options of IPVS with
success, which costs its other system calls nothing that could be measured.
"""

import ctypes
import platform
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from bench.farm import Farm
from bench.ground import Ground, program

from support.processes import children, stop

_SECCOMP, _FILTER, _NO_NEW_PRIVS = 22, 2, 38
_OPTIONS = {"x86_64": (54, 55), "aarch64": (208, 209)}
"""Numbers of setsockopt and getsockopt."""
_IPVS_FIRST = 1024 + 64 + 64
"""IP_VS_BASE_CTL (linux/ip_vs.h)."""
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _LEVEL, _OPTION = 0, 24, 32
_ALLOW, _ANSWER_0 = 0x7FFF0000, 0x00050000
_REMOVED = re.compile(rb"Removing service \[([\d.]+)\]")


def answer_ipvs() -> None:
    """From now on this process gets success for each socket option of IPVS, and the kernel never hears of it."""
    setting, getting = _OPTIONS[platform.machine()]
    opcodes = (
        (_LOAD, 0, 0, _NUMBER), (_IF_EQUAL, 1, 0, setting), (_IF_EQUAL, 0, 5, getting),
        (_LOAD, 0, 0, _LEVEL), (_IF_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _OPTION), (_IF_AT_LEAST, 0, 1, _IPVS_FIRST),
        (_RETURN, 0, 0, _ANSWER_0), (_RETURN, 0, 0, _ALLOW),
    )  # fmt: skip

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("opcodes", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_SECCOMP, _FILTER, ctypes.byref(Program(len(opcodes), program(*opcodes))), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


class Keepalived:
    """keepalived, checkers only, in the foreground; with `kernel` on the kernel's own table.

    `removals` are the servers it took out and when (monotonic seconds).
    """

    name = "keepalived"

    def __init__(self, ground: Ground, kernel: bool = False) -> None:
        self._ground = ground
        self._kernel = kernel
        self._config = ground.folder / "keepalived.conf"
        self.removals: dict[str, float] = {}
        self.said: list[bytes] = []

    def start(self, farm: Farm) -> None:
        """Start it; its checks begin by and by."""
        self.write(farm)
        files = [f"--pid={self._ground.folder}/k.pid", f"--checkers_pid={self._ground.folder}/kc.pid"]
        options = ["--dont-fork", "--log-console", "--log-detail", "--check", "--no-syslog"]
        words = ["keepalived", *options, f"--use-file={self._config}", *files]
        before = None if self._kernel else answer_ipvs
        self._process = self._ground.start(
            *words, preexec_fn=before, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def write(self, farm: Farm) -> None:
        """Another file."""
        self._config.write_text("\n".join(_lines(farm)) + "\n")

    def reload(self) -> None:
        """Have it read its file."""
        self._process.send_signal(signal.SIGHUP)

    def changes(self) -> int:
        """Servers whose weight it has said to change so far."""
        return sum(b"hanging weight" in line for line in self.said)

    def processes(self) -> dict[str, list[int]]:
        """Its processes by what they do."""
        return {"checker": children(self._process.pid), "parent": [self._process.pid]}

    def stop(self) -> None:
        """An orderly stop, or an end."""
        stop(self._process)
        self._listener.join(10)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line)
            if found := _REMOVED.search(line):
                self.removals[found[1].decode()] = time.monotonic()


def _lines(farm: Farm) -> Iterator[str]:
    yield from ("global_defs {", "router_id bench", "}")
    for vip, numbers in farm.services():
        yield from (
            f"virtual_server {vip} 80 {{",
            f"delay_loop {farm.interval:g}",
            "lb_algo rr",
            "lb_kind NAT",
        )
        yield "protocol TCP"
        if farm.alpha:
            yield "alpha"
        for number in numbers:
            host, port = farm.server(number)
            yield from (f"real_server {host} {port} {{", f"weight {farm.weight(number)}", *_check(farm), "}")
        yield "}"


def _check(farm: Farm) -> tuple[str, ...]:
    times = (
        f"connect_timeout {farm.timeout:g}",
        f"retry {farm.retries}",
        f"delay_before_retry {farm.repeated:g}",
    )
    if farm.kind == "tcp":
        return ("TCP_CHECK {", *times, "}")
    return ("HTTP_GET {", "url {", "path /", "status_code 200", "}", *times, "}")
