"""`hactl doctor` on hosts of a bridge: two directors, a real server and a client."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hactl.config.load import load
from hactl.config.model import Config
from hactl.lab import net as namespaces
from support.daemon import HACTL, Director
from support.netns import Lan, lan

VIP = "10.99.0.100"
NAT = """
services:
  www: {address: 10.99.0.100, port: 80, forward: nat, check: {type: tcp}, servers: {rs1: 10.99.0.3}}
"""
DR = NAT.replace("nat", "dr")
TUN = NAT.replace("nat", "tun")
HOSTS = ("lb1", "lb2", "rs1", "client")
HEAD = """
cluster: web
directors: {lb1: {address: 10.99.0.1}, lb2: {address: 10.99.0.2}}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100]}
"""


class Ward:
    """The hosts and the file that all of them have."""

    def __init__(self, net: Lan, folder: Path, services: str) -> None:
        self.net, self.folder = net, folder
        self.config = folder / "hactl.yaml"
        self.write(services)

    def write(self, services: str, head: str = HEAD) -> None:
        """Another file."""
        own = f"state_dir: {self.folder}/state\ncontrol: {{socket: {self.folder}/hactl.sock}}\n"
        self.config.write_text(f"{head}{services}{own}")

    def doctor(self, host: str, *words: str, wrapper: tuple[str, ...] = ()) -> dict[str, Any]:
        """What the doctor says on a host, as JSON; the exit status fits what was found."""
        done = self.run(host, *words, "--json", wrapper=wrapper)
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (1 if answer["findings"] else 0)
        return answer

    def run(self, host: str, *words: str, wrapper: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """`hactl doctor` on a host, without the network unless told to listen; never a traceback."""
        words = words if "--listen" in words else ("--offline", *words)
        node = ("--node", host) if host.startswith("lb") else ()
        command = (*wrapper, HACTL, "doctor", "-c", str(self.config), *node, *words)
        done = self.net.run(host, *command, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def found(
        self, host: str, *words: str, wrapper: tuple[str, ...] = ()
    ) -> dict[tuple[str, str], dict[str, str]]:
        """The findings on a host by kind and subject."""
        findings = self.doctor(host, *words, wrapper=wrapper)["findings"]
        return {(one["id"], one["subject"]): one for one in findings}

    def realserver(self, host: str, verb: str) -> None:
        """`hactl realserver` on a host."""
        self.net.run(host, HACTL, "realserver", verb, "-c", str(self.config))

    def mend(self, host: str, finding: Mapping[str, str]) -> None:
        """Run the command that a finding gives."""
        assert finding["mend"]
        self.net.run(host, "sh", "-ec", finding["mend"])

    def switch(self, host: str, path: str, value: str) -> None:
        """Set a kernel switch by its path below /proc/sys/net."""
        namespaces.write_switches(self.net.namespace(host), {path: value})


@contextlib.contextmanager
def ward(folder: Path, services: str = NAT) -> Iterator[Ward]:
    """The hosts, up and addressed, with a file of these services."""
    with lan(*HOSTS) as net:
        yield Ward(net, folder, services)


def configured(services: str, more: str = "", head: str = HEAD) -> Config:
    """The file with one service line, as director lb1 sees it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "hactl.yaml"
        file.write_text(f"{head}services:\n  {services}\n{more}\n")
        loaded = load(str(file), "lb1")
    assert loaded.config is not None, "\n".join(map(str, loaded.faults))
    return loaded.config


def doctor_on(director: Director, *wrapper: str, listen: tuple[str, ...] = ("--offline",)) -> dict[str, Any]:
    """What the doctor says on this director's host."""
    words = (
        "env",
        f"SOCKET={director.socket}",
        f"STATE={director.state}",
        *wrapper,
        HACTL,
        "doctor",
        *listen,
    )
    net: Lan = director.net
    done = net.run(
        director.name, *words, "-c", str(director.config), "--node", director.name, "--json", check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def kinds_on(director: Director, *wrapper: str) -> set[str]:
    """The kinds of findings."""
    return {one["id"] for one in doctor_on(director, *wrapper)["findings"]}
