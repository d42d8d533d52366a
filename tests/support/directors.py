"""Directors for tests in namespaces: the real failover worker, with the test in the supervisor's place.

``with Director(net, "a") as director:`` starts the worker in host "a" of a `support.netns.Lan`; `apply` gives it its
spec, `state`, `reports` and `wait_for` tell what it said. The worker is ended by its process id when the block ends.
"""

import contextlib
import ipaddress
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from failover.kernel import picture
from failover.moves import State
from failover.peer.actions import PeerState
from failover.peer.report import PeerReport
from failover.peer.spec import PeerChannelSpec, PeerDirector, PeerLink
from failover.report import Alarm, RouterReport
from failover.spec import FailoverSpec, GroupSpec, RouterSpec
from hactl.processes.ipc import Framer
from hactl.processes.messages import (
    Beat,
    Commit,
    FromWorker,
    Handover,
    Note,
    Prepared,
    PrepareFailover,
    Resume,
    Stop,
)
from support.failover import router_spec
from support.netns import Lan, lan
from support.peers import KEY
from support.recorder import Recorder

_WITH_CLOCK = """
import runpy, sys, time
set_by, real, sys.argv = sys.argv[1], time.time, sys.argv[1:]
time.time = lambda: real() + float(open(set_by).read())
runpy.run_module("hactl.workers.failover", run_name="__main__")
"""
_DECODER: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(FromWorker)


def until(condition: Callable[[], bool], seconds: float, what: str = "") -> float:
    """Waits until the condition holds and returns how long that took; AssertionError after `seconds`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what or condition}"
        time.sleep(0.005)
    return time.monotonic() - began


class Director:
    """One failover worker and the link to it."""

    def __init__(
        self,
        net: Lan,
        name: str,
        *,
        user: str = "nobody",
        wrapper: tuple[str, ...] = (),
        clock: Path | None = None,
    ) -> None:
        self.net, self.name = net, name
        self.messages: list[Any] = []
        self.reports: dict[str, RouterReport] = {}
        self.peers: dict[str, PeerReport] = {}
        self._user, self._wrapper, self._clock = user, wrapper, clock
        self._generation = 0
        self._stop_beating = threading.Event()

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair()
        self._socket = ours
        program = ["-m", "hactl.workers.failover"]
        if self._clock is not None:
            self.set_clock(0.0)
            program = ["-c", _WITH_CLOCK, str(self._clock)]
        words = [sys.executable, "-I", *program, "--fd", str(theirs.fileno())]
        with self.net.inside(self.name), theirs:
            self.process = subprocess.Popen(
                [*self._wrapper, *words, "--user", self._user],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
            )
        self._threads = [threading.Thread(target=run) for run in (self._read, self._beat)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_beating.set()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.lose_supervisor()
        for thread in self._threads:
            thread.join()
        self._socket.close()
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            said = stderr.read().decode()
        assert "Traceback" not in said, said

    # ---- what the supervisor says -----------------------------------------------------------------------------------

    def apply(
        self,
        *routers: RouterSpec,
        groups: tuple[GroupSpec, ...] = (),
        peers: tuple[str, ...] = (),
        secrets: dict[str, str] | None = None,
    ) -> None:
        """Prepare and commit a spec of these routers, with a channel to these directors where there are some.

        `secrets` are the files' contents by path.
        """
        self._generation += 1
        spec = FailoverSpec(node=self.name, routers=routers, groups=groups, channel=self._channel(peers))
        self._send(PrepareFailover(self._generation, spec, KEY, secrets or {}))
        wanted = Prepared(self._generation, None)
        until(lambda: wanted in self.messages, 10.0, f"{wanted}")
        self._send(Commit(self._generation))

    def _channel(self, peers: tuple[str, ...]) -> PeerChannelSpec | None:
        if not peers:
            return None
        own = self.net.address(self.name)
        others = tuple(
            PeerDirector(name=peer, links=(PeerLink(own=own, peer=self.net.address(peer)),)) for peer in peers
        )
        return PeerChannelSpec(cluster="web", node=self.name, peers=others, key_file="key")

    def handover(self, router: str | None = None, hold: float = 60.0) -> None:
        """Ask for a handover."""
        self._send(Handover(router, hold))

    def resume(self) -> None:
        """End the hold-back."""
        self._send(Resume(None))

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._send(Stop("test"))

    def lose_supervisor(self) -> None:
        """End the link, as the death of the supervisor does."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _send(self, message: msgspec.Struct) -> None:
        body = msgspec.msgpack.encode(message)
        with contextlib.suppress(OSError):
            self._socket.sendall(struct.pack(">I", len(body)) + body)

    def _beat(self) -> None:
        while not self._stop_beating.wait(1.0):
            self._send(Beat(time.monotonic()))

    def _read(self) -> None:
        framer = Framer()
        with contextlib.suppress(OSError):
            while data := self._socket.recv(1 << 16):
                for frame in framer.feed(data):
                    message = _DECODER.decode(frame)
                    self.messages.append(message)
                    if isinstance(message, RouterReport):
                        self.reports[message.router] = message
                    if isinstance(message, PeerReport):
                        self.peers[message.peer] = message

    # ---- what it said -----------------------------------------------------------------------------------------------

    def state(self, router: str = "web") -> State | None:
        """The state last reported."""
        report = self.reports.get(router)
        return None if report is None else report.state

    def wait_for(self, state: State, router: str = "web", seconds: float = 10.0) -> RouterReport:
        """Wait for a state and return the report that told of it."""
        until(lambda: self.state(router) is state, seconds, f"{self.name}: {router} {state}, {self.reports}")
        return self.reports[router]

    def knows(self, peer: str, state: State, router: str = "web") -> bool:
        """Whether a peer is up and said of its router that it is in this state."""
        report = self.peers.get(peer)
        views = report.routers if report is not None and report.state is PeerState.UP else ()
        return any(view.router == router and view.state is state for view in views)

    def notes(self) -> list[str]:
        """Lines for the log."""
        return [message.text for message in self.messages if isinstance(message, Note)]

    def alarms(self) -> list[Alarm]:
        """What it wants looked into."""
        return [message for message in self.messages if isinstance(message, Alarm)]

    def drops(self, router: str = "web") -> dict[str, int]:
        """Dropped packets by reason, as last reported."""
        return self.reports[router].drops

    # ---- the host around it ------------------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker."""
        os.kill(self.process.pid, number)

    def addresses(self, interface: str = "eth0") -> dict[str, dict[str, Any]]:
        """What `ip` shows of every address on an interface."""
        shown = self.net.run(self.name, "ip", "-json", "address", "show", "dev", interface).stdout
        return {info["local"]: info for info in json.loads(shown)[0]["addr_info"]}

    def holds(self, address: str, interface: str = "eth0") -> bool:
        """Whether the kernel has this address now."""
        return address in self.addresses(interface)

    def set_clock(self, ahead: float) -> None:
        """Set the wall clock that the worker reads; a kernel has only one for all its namespaces."""
        assert self._clock is not None
        self._clock.with_suffix(".new").write_text(str(ahead))
        self._clock.with_suffix(".new").replace(self._clock)

    def marked(self) -> set[str]:
        """The addresses on this host that bear hactl's mark (this iproute2 does not show it)."""
        with self.net.inside(self.name):
            there = picture().addresses()
        return {str(ipaddress.ip_address(address.address)) for address in there if address.ours}


@contextlib.contextmanager
def pair(*wrapper: str) -> Iterator[tuple[Lan, Recorder, Director, Director]]:
    """Hosts a and b on one bridge, each with a worker without routers (`wrapper`: words before its own), and a recorder."""
    with (
        lan("a", "b") as net,
        Recorder(net) as recorder,
        Director(net, "a", wrapper=wrapper) as a,
        Director(net, "b", wrapper=wrapper) as b,
    ):
        yield net, recorder, a, b


def serve(recorder: Recorder, a: Director, b: Director, **changes: object) -> None:
    """The router "web" on both, a with priority 150 and master, b with 100."""
    a.apply(router_spec(priority=150, **changes))
    b.apply(router_spec(priority=100, **changes))
    a.wait_for(State.MASTER)
    b.wait_for(State.BACKUP)
    until(lambda: bool(recorder.adverts("a")), 1.0, "the first advert")


def settle(recorder: Recorder) -> None:
    """Until nobody contests the mastership of a any more: in its first intervals it waits longer for a successor."""
    until(lambda: len(recorder.adverts("a")) > 6, 10.0, "a settled master")
