"""hactl at work for a measurement: the whole daemon, as a rule with a strict fake where the kernel's table would be."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.farm import Farm
from bench.ground import Ground

from support.processes import children, family, stop

_TESTS = Path(__file__).parents[1]


class Hactl:
    """A daemon that has services and no routers; with `kernel` on the kernel's own table."""

    name = "hactl"

    def __init__(self, ground: Ground, kernel: bool = False) -> None:
        self._ground = ground
        self._program = ["bench.counting" if kernel else "bench.daemon", str(ground.folder / "written")]
        self._config = ground.folder / "hactl.yaml"
        self._written = ground.folder / "written"

    def start(self, farm: Farm) -> None:
        """Start it; its checks begin by and by."""
        self.write(farm)
        self._written.write_text("")
        words = ["run", "-c", str(self._config), "--node", "lb1"]
        with (self._ground.folder / "log").open("wb") as log:
            self._process = self._ground.start(
                sys.executable, "-m", *self._program, *words,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(_TESTS)}, cwd=_TESTS.parent,
            )  # fmt: skip

    def write(self, farm: Farm) -> None:
        """Another file."""
        self._config.write_text(text(farm, self._ground.folder))

    def reload(self) -> None:
        """Have it read its file."""
        self._process.send_signal(signal.SIGHUP)

    def changes(self) -> int:
        """Servers that were written anew so far."""
        return sum(words[1] == "SetServer" for words in self._lines())

    def writes(self) -> int:
        """Writes to the kernel's own table so far, of whatever kind."""
        return sum(int(words[1]) for words in self._lines())

    @property
    def removals(self) -> dict[str, float]:
        """The servers that were taken out, and when (monotonic seconds)."""
        return {words[2]: float(words[0]) for words in self._lines() if words[1] == "DeleteServer"}

    def processes(self) -> dict[str, list[int]]:
        """Its processes by what they do."""
        found: dict[str, list[int]] = {"supervisor": [self._process.pid], "other workers": []}
        for pid in children(self._process.pid):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            is_checker = "hactl.workers.health" in words
            found.setdefault("checker" if is_checker else "other workers", []).extend(family(pid))
        return found

    def stop(self) -> None:
        """An orderly stop, or an end."""
        stop(self._process)

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self._written.read_text().splitlines()]


def text(farm: Farm, folder: Path) -> str:
    """The configuration of the director lb1; what it keeps is in `folder`."""
    return "\n".join(_lines(farm, folder)) + "\n"


def _lines(farm: Farm, folder: Path) -> Iterator[str]:
    every, again = f"{farm.interval:g}s", f"{1000 * farm.repeated:.0f}ms"
    yield from ("cluster: bench", "directors: {lb1: 10.95.255.1}", f"state_dir: {folder}/state")
    yield from (f"control: {{socket: {folder}/socket}}", "checks:")
    times = f"interval: {every}, fast_interval: {again}, timeout: {farm.timeout:g}s, fall: {farm.retries + 1}"
    yield f"  check: {{type: {farm.kind}, {times}}}"
    yield "services:"
    for place, (vip, numbers) in enumerate(farm.services()):
        yield from (f"  s{place}:", f"    address: {vip}", "    port: 80")
        yield from ("    scheduler: rr", "    forward: nat", "    check: check", "    servers:")
        for number in numbers:
            host, port = farm.server(number)
            yield f"      r{number}: {{address: {host}, port: {port}, weight: {farm.weight(number)}}}"
