"""Where the campaign takes place: directors and a client on two nets, joined by the campaign's own switch.

Owns namespaces, switch process, small disks of the state directories and the daemons; `tend` does what systemd does on a
director: a supervisor that ended is started again.
"""

import contextlib
import itertools
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from torture.places import OPERATORS, VIP, VIP6
from torture.switch import LINK
from torture.versions import another
from torture.weather import Rule

from hactl.lab import net as namespaces
from hactl.workers.programs import NAME as HELPER
from support.daemon import Director
from support.netns import Lan
from support.recorder import Recorder

PRIORITIES = (150, 100, 50)
DISK = "16m"
_PORTS = 100


class Net(Lan):
    """Directors with two cables each, and a client with one, on ports that no bridge joins."""

    def __init__(self, directors: tuple[str, ...]) -> None:
        super().__init__((*directors, "client"), "10.99.0")
        self.directors = directors

    def build(self) -> None:
        """Makes the namespaces and the cables."""
        spaces = [self.switch, *map(self.namespace, self.names)]
        namespaces.ip_batch([f"netns add {space}" for space in spaces])
        quiet = {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}
        namespaces.write_switches(self.switch, quiet)
        for name in self.names:
            self.ip(name, "link set lo up")
            self.plug(name, "eth0")
        for name in self.directors:
            self.plug(name, "eth1")

    def plug(self, name: str, interface: str) -> None:
        """A new cable with the host's own and the operator's addresses."""
        number = self.names.index(name)
        port = name if interface == "eth0" else f"{name}{LINK}"
        index = _PORTS + number + (0 if interface == "eth0" else 50)
        kind = f"type veth peer name {interface} netns {self.namespace(name)}"
        namespaces.ip_batch([f"link add name {port} netns {self.switch} index {index} {kind}"])
        namespaces.ip_batch([f"link set {port} up"], self.switch)
        quiet = {f"ipv6/conf/{which}/accept_dad": "0" for which in ("all", "default", interface)}
        loose = {f"ipv4/conf/{which}/rp_filter": "0" for which in ("all", "default", interface)}
        namespaces.write_switches(self.namespace(name), quiet | loose)
        own = f"{'10.99.0' if interface == 'eth0' else '10.98.0'}.{number + 1}"
        lines = [f"address add {own}/24 dev {interface}", f"link set {interface} up"]
        self.ip(name, *lines)
        if interface == "eth0" and name in self.directors:
            self.ip(name, *self.operators())

    def operators(self) -> list[str]:
        """Lines that put the operator's addresses."""
        return [
            f"address replace {address}/{64 if ':' in address else 24} dev eth0 "
            + ("" if not lasts else f"valid_lft {lasts} preferred_lft {lasts}")
            for address, lasts in OPERATORS.items()
        ]


class Weather:
    """The switch process and what it was told."""

    def __init__(self, net: Net, seed: str) -> None:
        self.rules: list[Rule] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "torture.switch", net.switch, seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._answer()

    def _answer(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b".\n", "the switch has ended"

    def put(self, *rules: Rule) -> None:
        """These rules come before the others."""
        self._tell([*rules, *self.rules])

    def lift(self, *rules: Rule) -> None:
        """These rules no more."""
        left = list(self.rules)
        for rule in rules:
            left.remove(rule)
        self._tell(left)

    def _tell(self, rules: list[Rule]) -> None:
        self.rules = rules
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(rules) + b"\n")
        self.process.stdin.flush()
        self._answer()

    def close(self) -> None:
        """Ends the switch."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(10.0)


def configuration(directors: tuple[str, ...], lead: int = 0) -> str:
    """The cluster's file; `lead` is added to the first one's priority, which changes nothing but the file."""
    hosts = "".join(f"  {name}: {{address: 10.99.0.{n}}}\n" for n, name in enumerate(directors, 1))
    links = ", ".join(f"{name}: 10.98.0.{n}" for n, name in enumerate(directors, 1))
    each = zip(directors, PRIORITIES, strict=False)
    own = ", ".join(f"{name}: {p + (lead if n == 0 else 0)}" for n, (name, p) in enumerate(each))
    return (
        f"cluster: torture\ndirectors:\n{hosts}"
        "routers:\n"
        "  web:\n    vrid: 51\n    interface: eth0\n"
        f"    addresses: [{VIP}, {{address: '{VIP6}', advertise: false}}]\n"
        f"    priority: {{{own}}}\n"
        "    preempt_delay: 0s\n"
        "    track:\n      scripts:\n"
        "        well: {command: [/bin/true], interval: 1s, timeout: 2s, weight: -10}\n"
        f"peer:\n  key_file: '${{KEY}}'\n  links: [{{{links}}}]\n"
        "health: {user: nobody}\n"
    )


class Ground:
    """A running cluster."""

    def __init__(self, net: Net, weather: Weather, record: Recorder, folder: Path) -> None:
        self.net, self.weather, self.record, self.folder = net, weather, record, folder
        self.text = configuration(net.directors)
        self.directors = {name: self._director(name) for name in net.directors}
        self.died_at: dict[str, float] = {}
        self.stopped: set[str] = set()
        self.restart_after = 0.2
        self.restarts = 0
        self.another = another(folder / "another")
        """The program of another version."""

    def _director(self, name: str) -> Director:
        director = Director(self.net, name, self.folder / name, self.text)
        director.environment["KEY"] = str(self.folder / "peer.key")
        director.state.mkdir()
        size = f"size={DISK},mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "hactl-torture", str(director.state)], check=True)
        return director

    # ---- daemons ------------------------------------------------------------------------------------------------------

    def start(self, name: str, *prefix: str) -> None:
        """Starts a director's daemon unless it runs."""
        self.stopped.discard(name)
        director = self.directors[name]
        if director.process is None or director.process.poll() is not None:
            director.launch(*prefix)
            self.restarts += 1
        self.died_at.pop(name, None)

    def tend(self) -> None:
        """Starts again what has ended and was not stopped, after its time."""
        now = time.monotonic()
        for name, director in self.directors.items():
            if name in self.stopped or director.process is None or director.process.poll() is None:
                continue
            if now >= self.died_at.setdefault(name, now) + self.restart_after:
                self.start(name)

    def processes(self, name: str) -> dict[str, list[int]]:
        """Process ids on a director by what they are; helpers of both workers are "programs"."""
        return self.everywhere()[name]

    def everywhere(self) -> dict[str, dict[str, list[int]]]:
        """The same of every director, in one look at what runs on this machine."""
        spaces = {_inode(namespaces.FOLDER / self.net.namespace(name)): name for name in self.directors}
        found: dict[str, dict[str, list[int]]] = {name: {} for name in self.directors}
        for pid in sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
            name = spaces.get(_inode(Path(f"/proc/{pid}/ns/net")), "")
            if name and (what := what_is(pid)):
                found[name].setdefault(what, []).append(pid)
        return found

    def close(self) -> None:
        """Ends the daemons and frees the disks."""
        self.stopped = set(self.directors)
        for name, director in self.directors.items():
            namespaces.signal_all(self.net.namespace(name), 9)
            director.end()
            subprocess.run(["umount", "-l", str(director.state)], check=False)


def _inode(namespace: Path) -> int:
    """What tells a network namespace from others; 0 for one that is gone."""
    try:
        return namespace.stat().st_ino
    except OSError:
        return 0


def what_is(pid: int) -> str:
    """What a process is; empty when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if Path(f"/proc/{pid}/comm").read_text().strip() == HELPER:
            return "programs"
    except OSError:
        return ""
    if b"-m" in words:
        module = words[words.index(b"-m") + 1].decode()
        name = module.rpartition(".")[2]
        return "health-0" if name == "health" else name
    if b"run" in words and any(word.endswith(b"/hactl") for word in words[:3]):
        return "supervisor"
    return Path(os.fsdecode(words[0])).name or "zombie"


_numbers = itertools.count()


@contextlib.contextmanager
def ground(directors: tuple[str, ...], seed: str) -> Iterator[Ground]:
    """A cluster whose daemons have just been started."""
    folder = Path(tempfile.mkdtemp(prefix="hactl-torture-"))
    folder.chmod(0o755)
    (folder / "peer.key").write_text(secrets.token_hex(16))
    (folder / "peer.key").chmod(0o600)
    net = Net(directors)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(net.remove)
        net.build()
        weather = Weather(net, seed)
        stack.callback(weather.close)
        record = stack.enter_context(Recorder(net))
        made = Ground(net, weather, record, folder)
        stack.callback(made.close)
        for name in directors:
            made.start(name)
        yield made
