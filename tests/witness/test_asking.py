"""The edge that asks an arbiter, against a real etcd server on this host: who is allowed what, and when it ends."""

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
import structlog.testing

from failover.moves import Cause, State
from failover.permit import Permit
from failover.report import RouterReport
from hactl.config.load import load
from hactl.config.model import Config
from hactl.witness.asking import LOOK, Witnesses
from support.certificates import Authority

FILE = """
cluster: web
directors: {lb1: {address: 10.99.0.1}, lb2: {address: 10.99.0.2}}
routers: {web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}}
witness: {targets: [{etcd: {endpoints: ['URL']}}]}
"""
TTL = 7.0


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody has now."""
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in made:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in made]


class Server:
    """One member with its data in `folder`."""

    def __init__(self, folder: Path) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        self.url, self._peer, self._folder = client, peer, folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It may take a moment until it answers."""
        words = [
            "etcd",
            "--data-dir",
            str(self._folder),
            "--name",
            "m",
            "--logger",
            "zap",
            "--log-level",
            "fatal",
        ]
        words += ["--listen-client-urls", self.url, "--advertise-client-urls", self.url]
        words += ["--listen-peer-urls", self._peer, "--initial-advertise-peer-urls", self._peer]
        words += ["--initial-cluster", f"m={self._peer}"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """As by a crash."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Side:
    """One director's asking, with the test in the place of its failover worker."""

    def __init__(self, config: Config) -> None:
        self.permits: Mapping[str, Permit] = {}
        self.alive = True
        self.witnesses = Witnesses(config, self._take, self._heard, structlog.get_logger())

    def _take(self, permits: Mapping[str, Permit]) -> None:
        self.permits = permits

    def _heard(self) -> float:
        return time.monotonic() if self.alive else 0.0

    def claim(self, number: int) -> None:
        """The router's claim from now on."""
        self.witnesses.follow({"web": report(number)})

    def holds(self, number: int) -> bool:
        """Whether the lease is ours now, for this claim."""
        permit = self.permits.get("web", Permit())
        return permit.claim == number and time.monotonic() < permit.key_until

    @property
    def sees(self) -> bool:
        """Whether its witnesses are seen."""
        return time.monotonic() < self.permits.get("web", Permit()).seen_until


def report(claim: int) -> RouterReport:
    """A router's report of which nothing but the claim matters."""
    fields: dict[str, Any] = {"drops": {}, "neighbours": {}, "holding": (), "lease": 2, "claim": claim}
    fields |= dict.fromkeys(("priority", "base_priority", "transitions"), 0)
    fields |= dict.fromkeys(("since", "lateness", "renewal"), 0.0)
    return RouterReport(router="web", state=State.BACKUP, cause=Cause.STARTED, reason="", master="", **fields)


async def until(what: Callable[[], bool], within: float) -> float:
    """Waits until it holds, and returns how long that took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within, f"not within {within} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def sides(tmp_path: Path, *names: str) -> AsyncIterator[tuple[Server, list[Side]]]:
    """A server that answers, and directors that ask it."""
    server = Server(tmp_path / "etcd")
    server.start()
    file = tmp_path / "hactl.yaml"
    file.write_text(FILE.replace("URL", server.url))
    configs = [load(str(file), name).config for name in names]
    made = [Side(config) for config in configs if config is not None]
    tasks = [asyncio.create_task(side.witnesses.run()) for side in made]
    try:
        await until(lambda: all(side.sees for side in made), 30.0)
        yield server, made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.kill()


@pytest.mark.asyncio
async def test_one_has_the_lease_and_passes_it_on_at_once(tmp_path: Path) -> None:
    """The other waits for it, and knows who has it."""
    async with sides(tmp_path, "lb1", "lb2") as (_, (lb1, lb2)):
        lb1.claim(1)
        await until(lambda: lb1.holds(1), 5.0)
        lb2.claim(2)
        await until(lambda: lb2.permits["web"].reason == "lb1 has the lease", 5.0)
        assert not lb2.holds(2)
        lb1.claim(0)
        await until(lambda: lb2.holds(2), 5.0)
        assert not lb1.holds(1)


@pytest.mark.asyncio
async def test_the_lease_of_who_is_silent_ends_before_another_has_it(tmp_path: Path) -> None:
    """A worker that was not heard: what it was allowed has ended when the key has."""
    async with sides(tmp_path, "lb1", "lb2") as (_, (lb1, lb2)):
        lb1.claim(1)
        await until(lambda: lb1.holds(1), 5.0)
        lb1.alive = False
        lb2.claim(2)
        await until(lambda: not lb1.holds(1), 2 * TTL)
        assert not lb2.holds(2)
        assert await until(lambda: lb2.holds(2), 3 * TTL) < TTL


@pytest.mark.asyncio
async def test_without_the_arbiter_all_ends_by_itself(tmp_path: Path) -> None:
    """And the same host has its key again when it is back; an orderly end gives it up."""
    async with sides(tmp_path, "lb1", "lb2") as (server, (lb1, lb2)):
        lb1.claim(1)
        await until(lambda: lb1.holds(1), 5.0)
        server.kill()
        await until(lambda: not (lb1.holds(1) or lb1.sees or lb2.sees), 2 * TTL)
        assert "etcd http://127.0.0.1" in lb1.permits["web"].reason
        assert "0 of 1 seen, 1 needed" in lb1.permits["web"].reason
        server.start()
        await until(lambda: lb1.holds(1) and lb2.sees, 30.0)
        lb2.claim(2)
        await until(lambda: lb2.permits["web"].reason != "", 5.0)
        await lb1.witnesses.settle()
        assert await until(lambda: lb2.holds(2), 5.0) < TTL - 3


@pytest.mark.asyncio
async def test_tls_files_that_are_missing_are_told_once(tmp_path: Path) -> None:
    """In the log one line however often it is tried, in status the reason; and all is well when they have come."""
    authority = tmp_path / "authority.pem"
    file = tmp_path / "hactl.yaml"
    file.write_text(FILE.replace("['URL']", f"['https://127.0.0.1:1'], ca_file: {authority}"))
    config = load(str(file), "lb1").config
    assert config is not None
    with structlog.testing.capture_logs() as logs:
        side = Side(config)
        task = asyncio.create_task(side.witnesses.run())
        await asyncio.sleep(6 * LOOK)
        (target,) = _targets(side)
        assert "TLS files cannot be used" in target["reason"]
        Authority(tmp_path)
        await until(lambda: "TLS files" not in _targets(side)[0]["reason"], 10.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(logs) == 1


def _targets(side: Side) -> list[Any]:
    shown = side.witnesses.view()
    assert shown is not None
    return list(shown["targets"].values())
