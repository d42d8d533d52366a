"""A running lab: its namespaces, real servers, mail server and directors' daemons, and the ways to hurt them.

Its law: every process is started in a namespace of the lab's and ends with it. What a failure means is judged
elsewhere.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hactl.control.client import Client, DeclinedError, UnreachableError
from hactl.lab import files, net
from hactl.lab.topology import Node, Plan, Role

FAILOVER_WORKER = b"hactl.workers.failover"


class LabError(Exception):
    """The lab cannot be built or does not come up; the text is for a person."""


class Cluster:
    """One lab. ``up`` builds it without daemons; ``down`` is the record's (see records)."""

    def __init__(self, plan: Plan, folder: Path, adverts: str = files.ADVERTS) -> None:
        self.plan = plan
        self.adverts = adverts
        self.folder = folder
        self.config = folder / "hactl.yaml"
        self.key = folder / "peer.key"
        self.mails = folder / "mails.jsonl"
        self._running: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    def up(self) -> None:
        """Builds the namespaces and starts real servers and mail server."""
        net.build(self.plan)
        self.config.write_text(files.hactl(self.plan, self.adverts))
        self.key.write_text(f"{secrets.token_hex(16)}\n")
        self.key.chmod(0o600)
        servers = self.plan.of(Role.SERVER)
        if servers:
            self._start_sink()
        key = self.folder / "host_key"
        if servers and not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        for node in servers:
            self.start_nginx(node.name)
            self._start_sshd(node, key.read_bytes())

    def start(
        self, node: str, what: str, command: Sequence[str], **environment: str
    ) -> subprocess.Popen[bytes]:
        """Starts a program on a node, its output in a log file of the lab's folder."""
        folder = self.folder / node
        folder.mkdir(exist_ok=True)
        with (folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                net.command(self.plan.namespace(node), command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        self._running[node, what] = process
        return process

    def start_nginx(self, node: str) -> None:
        """Starts a real server's web server."""
        folder = self.folder / node
        folder.mkdir(exist_ok=True)
        config = folder / "nginx.conf"
        config.write_text(files.nginx(self.plan.node(node), str(folder)))
        self.start(node, "nginx", ["/usr/sbin/nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)])

    def _start_sshd(self, node: Node, key: bytes) -> None:
        folder = self.folder / node.name / "sshd"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sshd_config").write_text(files.sshd())
        (folder / "host_key").write_bytes(key)
        (folder / "host_key").chmod(0o600)
        self.start(node.name, "sshd", [*files.SSHD_COMMAND, str(folder)])

    def _start_sink(self) -> None:
        client = self.plan.of(Role.CLIENT)[0]
        self.mails.touch()
        module = [sys.executable, "-m", "hactl.lab.sink"]
        self.start(client.name, "sink", [*module, client.lan, str(files.SINK_PORT), str(self.mails)])

    def check_daemon(self, director: str) -> None:
        """LabError with the end of its log when the director's daemon has ended by itself."""
        status = self.process(director, "hactl").poll()
        if status is not None:
            raise LabError(
                f"the daemon on {director} ended with status {status}\n{self.log(director, 'hactl')}"
            )

    def socket(self, director: str) -> Path:
        """Path of a director's control socket."""
        return self.folder / director / "hactl.sock"

    def environment(self, director: str) -> dict[str, str]:
        """The variables that a director's daemon and commands need."""
        return {
            files.STATE_VARIABLE: str(self.folder / director / "state"),
            files.SOCKET_VARIABLE: str(self.socket(director)),
            files.KEY_VARIABLE: str(self.key),
            "HACTL_SOCKET": str(self.socket(director)),
            "HACTL_CONFIG": str(self.config),
        }

    def start_daemon(self, director: str) -> None:
        """Starts ``hactl run`` on a director."""
        (self.folder / director / "state").mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "hactl", "run", "-c", str(self.config), "--node", director]
        self.start(director, "hactl", command, **self.environment(director))

    def command(self, director: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a hactl command on a director to its end."""
        words = (sys.executable, "-m", "hactl", *words)
        return subprocess.run(
            net.command(self.plan.namespace(director), words),
            env={**os.environ, **self.environment(director)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def status(self, director: str) -> dict[str, Any] | None:
        """The director's status; None while its daemon does not answer."""
        try:
            return Client(str(self.socket(director)), timeout=5.0).get("status")
        except (UnreachableError, DeclinedError):
            return None

    def process(self, node: str, what: str) -> subprocess.Popen[bytes]:
        """A program that was started here; KeyError otherwise."""
        return self._running[node, what]

    def kill(self, node: str, what: str, number: int = signal.SIGKILL) -> None:
        """Sends a signal to a program's first process, and waits until it is gone where the signal kills."""
        process = self.process(node, what)
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()

    def signal_director(self, director: str, number: int) -> list[int]:
        """Sends a signal to every process on a director: supervisor, workers, helpers."""
        return net.signal_all(self.plan.namespace(director), number)

    def failover_worker(self, director: str) -> int:
        """Process id of the director's failover worker; LabError when there is none."""
        supervisor = self.process(director, "hactl").pid
        for pid in net.pids_in(self.plan.namespace(director)):
            if pid != supervisor and FAILOVER_WORKER in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise LabError(f"no failover worker runs on {director}")

    def received(self) -> list[dict[str, Any]]:
        """The mails that arrived so far."""
        lines = self.mails.read_text().splitlines() if self.mails.exists() else []
        return [json.loads(line) for line in lines]

    def log(self, node: str, what: str, lines: int = 15) -> str:
        """The end of a program's log."""
        path = self.folder / node / f"{what}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def wait_for(what: str, condition: Callable[[], bool], limit: float, every: float = 0.1) -> float:
    """Waits until ``condition`` holds and returns how long that took; LabError after ``limit`` seconds."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > limit:
            raise LabError(f"{what}: not within {limit:g} s")
        time.sleep(every)
    return time.monotonic() - begin
