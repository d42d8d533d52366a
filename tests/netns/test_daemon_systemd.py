"""The daemon's words to systemd, from its start to its end, as a service manager hears them."""

import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.daemon import BARE, await_master, daemons, wait_until
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces

ALONE = BARE.replace("  lb2: {address: 10.99.0.2}\n", "")
WATCHDOG = 3.0


class Manager:
    """The socket of a service manager; `words` are the datagrams heard, each with its time."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.words: list[tuple[float, dict[str, str]]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(self.path)

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()

    def heard(self, word: str, since: float = 0.0) -> list[tuple[float, dict[str, str]]]:
        """Every datagram that holds this word."""
        while True:
            try:
                data = self._socket.recv(4096)
            except BlockingIOError:
                break
            pairs = (line.partition("=") for line in data.decode().splitlines())
            self.words.append((time.monotonic(), {key: value for key, _, value in pairs}))
        return [(at, said) for at, said in self.words if word in said and at >= since]


@contextmanager
def manager() -> Iterator[Manager]:
    """A service manager that listens."""
    with tempfile.TemporaryDirectory() as folder:
        made = Manager(Path(folder) / "notify")
        try:
            yield made
        finally:
            made.close()


def test_from_start_to_end() -> None:
    """Ready when it serves; reloading with the time and ready again; alive while the workers are; stopping."""
    with manager() as systemd, lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.environment |= {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        lb1.start()
        ((_, ready),) = systemd.heard("READY")
        assert ready == {"READY": "1", "STATUS": "1 routers, 0 services"}
        await_master(lb1)
        for pid in lb1.pids().values():
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            assert pid == lb1.pid or not any(word.startswith(b"NOTIFY_SOCKET=") for word in words)
        wait_until(lambda: len(systemd.heard("WATCHDOG")) > 2)

        began = time.monotonic()
        lb1.signal(signal.SIGHUP, "supervisor")
        wait_until(lambda: systemd.heard("READY", since=began))
        ((_, reloading),) = systemd.heard("RELOADING")
        assert began <= int(reloading["MONOTONIC_USEC"]) / 1e6 <= time.monotonic()
        assert systemd.heard("READY", since=began)[0][1]["STATUS"] == "reloaded"

        lb1.write(ALONE.replace("vrid: 51", "vrid: 0"))
        began = time.monotonic()
        lb1.signal(signal.SIGHUP, "supervisor")
        wait_until(lambda: systemd.heard("READY", since=began))
        assert systemd.heard("READY", since=began)[0][1]["STATUS"].startswith("not reloaded: 1 fault in ")

        assert lb1.stop() == 0
        assert [said for _, said in systemd.heard("STOPPING")] == [{"STOPPING": "1"}]


def test_the_watchdog_is_not_fed_for_a_worker_that_stands_still() -> None:
    """A frozen failover worker is left to its lease and not killed; that nothing turns any more is systemd's to know."""
    with manager() as systemd, lan("lb1") as net, daemons(net, ALONE, "lb1") as (lb1,):
        lb1.environment |= {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))}
        lb1.start()
        wait_until(lambda: systemd.heard("WATCHDOG"))
        lb1.signal(signal.SIGSTOP, "failover")

        def unfed() -> bool:
            fed = systemd.heard("WATCHDOG")[-1][0]
            return time.monotonic() - fed > WATCHDOG

        wait_until(unfed, 30.0)
        assert lb1.status()["workers"]["failover"]["restarts"] == 0
        woke = time.monotonic()
        lb1.signal(signal.SIGCONT, "failover")
        wait_until(lambda: systemd.heard("WATCHDOG", since=woke))
