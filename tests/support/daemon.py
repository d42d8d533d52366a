"""Whole daemons in network namespaces: real ``hactl run`` processes, with sockets and state in a folder of their own.

``with daemons(net, text, "lb1", "lb2") as pair:`` gives directors that are not started, each with its own copy of the
configuration ``text``. What a test starts is ended by its process id, and no log may show a traceback.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from support.netns import Lan, lan
from support.recorder import Recorder

HACTL = str(Path(sys.executable).with_name("hactl"))
START_WITHIN = 30.0
T = TypeVar("T")


def wait_until(what: Callable[[], T], within: float = 10.0, every: float = 0.05) -> T:
    """The first true answer of ``what``; AssertionError when there is none in time."""
    limit = time.monotonic() + within
    while not (answer := what()):
        assert time.monotonic() < limit, f"not within {within} s: {what}"
        time.sleep(every)
    return answer


SIGNS = ("Traceback", "Exception ", "never retrieved", "was destroyed", "Fatal error")
"""What no log may have."""


class Director:
    """One daemon of a LAN's host. ``config`` is its own copy of the cluster's file."""

    def __init__(self, net: Lan, name: str, folder: Path, text: str) -> None:
        self.net = net
        self.name = name
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o755)
        self.socket = str(folder / "s")
        self.state = folder / "state"
        self.config = folder / "hactl.yaml"
        self.log = folder / "log"
        self.write(text)
        self.process: subprocess.Popen[bytes] | None = None
        self.program = HACTL
        self.environment = {**os.environ, "SOCKET": self.socket, "STATE": str(self.state), "NO_COLOR": "1"}

    def write(self, text: str) -> None:
        """Another text for the configuration; socket and state directory are added where it names none."""
        if "control:" not in text:
            text += "\ncontrol: {socket: '${SOCKET}'}\n"
        if "state_dir:" not in text:
            text += "state_dir: ${STATE}\n"
        self.config.write_text(text)

    # ---- processes ----------------------------------------------------------------------------------------------

    def launch(self, *prefix: str) -> None:
        """Start the daemon, once a former process has ended, and do not wait."""
        if self.process is not None:
            self.process.wait(START_WITHIN)
        with self.log.open("ab") as log:
            self.process = self.net.start(
                self.name,
                *prefix,
                self.program, "run", "-c", str(self.config), "--node", self.name,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
            )  # fmt: skip

    def start(self) -> None:
        """Start the daemon and wait until it answers and all its workers live."""
        self.launch()
        self.await_up()

    def await_up(self) -> None:
        """Wait until the daemon answers, its workers live and its routers have spoken."""
        wait_until(self._is_up, START_WITHIN)

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log_text()
        status = self.status_or_none()
        if status is None:
            return False
        workers = all(worker["state"] == "up" for worker in status["workers"].values())
        return workers and all(
            "has not spoken" not in router["reason"] for router in status["routers"].values()
        )

    @property
    def pid(self) -> int:
        """The supervisor."""
        assert self.process is not None
        return self.process.pid

    def pids(self) -> dict[str, int]:
        """Process ids by worker name, and the supervisor's."""
        workers = self.status()["workers"]
        return {"supervisor": self.pid, **{name: worker["pid"] for name, worker in workers.items()}}

    def signal(self, number: int, *names: str) -> None:
        """A signal to the named processes, all when none is named. The supervisor comes first, as in a crash."""
        pids = self.pids()
        for name in names or pids:
            os.kill(pids[name], number)

    def stop(self, within: float = 20.0) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def end(self) -> None:
        """End whatever of this daemon still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # ---- questions ----------------------------------------------------------------------------------------------

    def hactl(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """A verb of the command line, asked of this daemon."""
        return subprocess.run(
            [HACTL, *words, "--socket", self.socket],
            capture_output=True,
            text=True,
            check=check,
            timeout=90,
            env=self.environment,
        )

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 90.0) -> Any:
        """The control API itself, in this process. Raises what `Client` raises."""
        from hactl.control.client import Client

        client = Client(self.socket)
        return client.get(path) if method == "GET" else client.post(path, body or {}, timeout=timeout)

    def status(self) -> Any:
        """The status as the API gives it."""
        return self.ask("GET", "status")

    def status_or_none(self) -> Any:
        """The status, None while nobody answers."""
        from hactl.control.client import UnreachableError

        try:
            return self.status()
        except UnreachableError:
            return None

    def router(self, name: str = "web") -> Any:
        """One router of the status."""
        return self.status()["routers"][name]

    def is_state(self, state: str, router: str = "web") -> bool:
        """Whether the router is in this state."""
        return bool(self.router(router)["state"] == state)

    def server(self, scope: str) -> Any:
        """One server of the status, by SERVER@SERVICE."""
        server, _, service = scope.partition("@")
        return self.status()["services"][service]["servers"][server]

    def events(self, kind: str | None = None, subject: str | None = None) -> list[dict[str, Any]]:
        """Events of the history."""
        found = self.ask("GET", "events?limit=1000")["events"]
        return [e for e in found if kind in (None, e["kind"]) and subject in (None, e["subject"])]

    def socket_exists(self) -> bool:
        """Whether the control socket stands in the file system."""
        return Path(self.socket).exists()

    def log_text(self) -> str:
        """All that the daemon has said."""
        return self.log.read_text(errors="replace")


def assert_clean(*some: Director) -> None:
    """No traceback and no complaint of the interpreter in any log."""
    for director in some:
        text = director.log_text() if director.log.exists() else ""
        for sign in SIGNS:
            assert sign not in text, text[-6000:]


def await_master(*some: Director, router: str = "web", within: float = 15.0) -> Director:
    """The one director that is master; AssertionError unless there is exactly one in time."""

    def masters() -> list[Director]:
        found = [d for d in some if (s := d.status_or_none()) and s["routers"][router]["state"] == "master"]
        return found if len(found) == 1 else []

    return wait_until(masters, within)[0]


@contextlib.contextmanager
def daemons(net: Lan, text: str, *names: str, clean: bool = True) -> Iterator[tuple[Director, ...]]:
    """Directors of these hosts with the same configuration. Their processes are ended; logs must be `clean`.

    Their folder is open for all to pass, as /var/lib is: workers are no root.
    """
    folder = Path(tempfile.mkdtemp(prefix="hactl-t"))
    folder.chmod(0o755)
    try:
        made = tuple(Director(net, name, folder / name, text) for name in names)
        try:
            yield made
        finally:
            for director in made:
                director.end()
        if clean:
            assert_clean(*made)
    finally:
        wait_until(lambda: _removed(folder))


def _removed(folder: Path) -> bool:
    """Whether the folder is gone; a notify worker whose supervisor was killed may still be closing its history there."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)
    return not folder.exists()


VIP = "10.99.0.100"
BARE = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
health: {user: nobody}
"""
"""Two directors, one VIP, adverts every 100 ms, a lease of 2 s, and nothing to check."""
SERVICES = """
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: none
    servers: {rs1: 10.99.0.11, rs2: 10.99.0.12}
"""
"""A service of two servers that nobody checks."""


@dataclass(frozen=True)
class Pair:
    """Two running directors on a LAN, lb1 the master, and the record of what happens there."""

    net: Lan
    record: Recorder
    lb1: Director
    lb2: Director


@contextlib.contextmanager
def pair(text: str = BARE, *others: str) -> Iterator[Pair]:
    """A running pair on a LAN with further hosts."""
    with (
        lan("lb1", "lb2", *others) as net,
        Recorder(net) as record,
        daemons(net, text, "lb1", "lb2") as (lb1, lb2),
    ):
        lb1.launch()
        lb2.launch()
        lb1.await_up()
        lb2.await_up()
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("backup"), 15.0)
        yield Pair(net, record, lb1, lb2)
