"""A pair of whole daemons at high load, reloaded each second, sampled each second."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from endurance import load, samples
from endurance.judge import Sample

from hactl.control.client import DeclinedError
from support.daemon import Director, assert_clean, wait_until
from support.netns import Lan, lan
from support.web import web

_TESTS = Path(__file__).parents[1]
_HANDOVER_EVERY = 20
_HOLD = 5.0
_KEPT = 20
"""Most refusals whose words are kept."""


class Counts(msgspec.Struct):
    """What was done, and what was refused."""

    reloads: int = 0
    polls: int = 0
    wishes: int = 0
    handovers: int = 0
    alerts: int = 0
    refusals: int = 0
    words: list[str] = []


class Endurer(Director):
    """A director whose tasks are counted."""

    @property
    def tasks(self) -> Path:
        """Where their number is."""
        return self.folder / "tasks"

    def launch(self, *prefix: str) -> None:
        """Start the daemon."""
        with self.log.open("ab") as log:
            self.process = self.net.start(
                self.name, *prefix, sys.executable, "-m", "endurance.daemon", str(self.tasks),
                "run", "-c", str(self.config), "--node", self.name,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_TESTS.parent,
                env={**self.environment, "PYTHONPATH": str(_TESTS)},
            )  # fmt: skip


class Work:
    """What is done to one daemon each second: another configuration, an operator's wishes, a look at everything."""

    def __init__(self, director: Endurer, key: str, counts: Counts) -> None:
        self._director, self._key, self._counts = director, key, counts
        self.failure: Exception | None = None

    def turn(self, number: int) -> None:
        """One second's work; what fails is kept."""
        try:
            self._turn(number)
        except Exception as error:  # noqa: BLE001 - in a thread; raised in the main one
            self.failure = error

    def _turn(self, number: int) -> None:
        director = self._director
        director.write(load.text(number, self._key))
        self._ask("reload", {})
        self._counts.reloads += 1
        action = ("drain", "enable", "disable", "enable")[number % 4]
        self._ask("overrides", {"action": action, "server": "r10", "service": "s1"})
        self._counts.wishes += 1
        if number % _HANDOVER_EVERY == 0 and director.is_state("master"):
            self._ask("handover", {"router": "web", "hold_seconds": _HOLD})
            self._counts.handovers += 1
        director.status()
        director.ask("GET", "events?limit=100")
        self._counts.polls += 2

    def _ask(self, what: str, body: dict[str, Any]) -> None:
        try:
            self._director.ask("POST", what, body)
        except DeclinedError as error:
            self._counts.refusals += 1
            if len(self._counts.words) < _KEPT:
                self._counts.words.append(f"{self._director.name} {what}: {error}")


def endure(seconds: float, say: Callable[[Sample], object]) -> tuple[list[Sample], Counts]:
    """So many seconds of it. `say` hears each sample. Raises whatever a daemon that does not answer or ends leads to."""
    counts, taken = Counts(), []
    with (
        lan("lb1", "lb2", "farm") as net,
        load.Servers(net, "farm") as servers,
        web(net, "farm", load.HOOK) as hook,
        directors(net) as (pair, key),
    ):
        works = [Work(one, key, counts) for one in pair]
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            taken.append(Sample(now, _figures(pair)))
            say(taken[-1])
            servers.flap()
            _together(works, len(taken))
            time.sleep(max(0.0, began + len(taken) - time.monotonic()))
        counts.alerts = len(hook.posted)
        codes = [one.stop() for one in pair]
        assert codes == [0, 0], f"the daemons ended with {codes}"
    return taken, counts


def _figures(pair: tuple[Endurer, ...]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for one in pair:
        found |= samples.figures(one.name, one.pid, one.state, one.tasks)
    return found


def _together(works: list[Work], number: int) -> None:
    threads = [threading.Thread(target=work.turn, args=(number,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for work in works:
        if work.failure is not None:
            raise work.failure


@contextlib.contextmanager
def directors(net: Lan) -> Iterator[tuple[tuple[Endurer, ...], str]]:
    """The pair, up, and the peer channel's key file."""
    folder = Path(tempfile.mkdtemp(prefix="hactl-endurance-"))
    folder.chmod(0o755)
    key = folder / "peer.key"
    key.write_text("a key of more than sixteen characters\n")
    key.chmod(0o600)
    try:
        pair = tuple(Endurer(net, name, folder / name, load.text(0, str(key))) for name in ("lb1", "lb2"))
        try:
            for one in pair:
                net.ip(one.name, f"route add 10.98.0.0/16 via {net.address('farm')}")
                one.launch()
            for one in pair:
                one.await_up()
            wait_until(lambda: pair[0].is_state("master"), 15.0)
            yield pair, str(key)
        finally:
            for one in pair:
                one.end()
        assert_clean(*pair)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
