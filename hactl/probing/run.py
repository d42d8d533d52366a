"""Probes for a person who asks: names looked up, secrets read as root, the rest in a process without rights (edge)."""

import os
import socket
import subprocess
import sys
import time

import msgspec

from hactl.config.build.checks import check_spec, probe
from hactl.config.schema.document import Document
from hactl.probing.aim import Aim, AimError, Probed
from hactl.processes.worker_user import chosen_user
from hactl.secrets.files import contents
from hactl.secrets.names import probe_files
from hactl.workers.base import user_exists
from hactl.workers.once import Order, Told

_START = 20.0
"""Seconds that the process may take besides the probe's own time."""


def run(aim: Aim, document: Document | None, timeout: float | None = None, node: str = "") -> list[Probed]:
    """Probe this target once; a host name at each of its addresses. Raises AimError where nothing can be probed."""
    made = probe(aim.check)
    if made is None:
        raise AimError(f"checks of type {aim.type} cannot be run yet")
    secrets = contents(probe_files([made]))
    addresses, took = _addresses(aim.host)
    found = []
    for address in addresses:
        spec = check_spec(aim.check, made, address, aim.port, node=node)
        if timeout is not None:
            spec = msgspec.structs.replace(spec, timeout=timeout)
        told = _told(Order(spec, secrets, _user(document)), spec.timeout)
        if told.result is None:
            raise AimError(told.refused)
        resolved = ("resolve", took, (f"{aim.host} is {', '.join(addresses)}",))
        steps = told.steps if address == aim.host else (resolved, *_later(told, took))
        found.append(Probed(aim=aim, address=address, result=told.result, steps=steps))
    return found


def _addresses(host: str) -> tuple[list[str], float]:
    """The addresses of a name, each once, and how long that took in seconds."""
    start = time.monotonic()
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise AimError(f"the name {host} cannot be looked up: {words}") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found)), time.monotonic() - start


def _later(told: Told, seconds: float) -> tuple[tuple[str, float, tuple[str, ...]], ...]:
    return tuple((name, at + seconds, lines) for name, at, lines in told.steps)


def _user(document: Document | None) -> str:
    """Who probes: as the health workers do, where this is root. A real server need not know the directors' user."""
    if os.geteuid() != 0:
        return ""
    configured = document.health.user if document is not None else None
    return chosen_user(configured if configured is not None and user_exists(configured) else None)[0]


def _told(order: Order, timeout: float) -> Told:
    command = [sys.executable, "-I", "-m", "hactl.workers.once"]
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=timeout + _START,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AimError(f"the process that probes did not end in {timeout + _START:g} seconds") from error
    try:
        return msgspec.json.decode(done.stdout, type=Told)
    except msgspec.MsgspecError as error:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise AimError(
            f"the process that probes ended with status {done.returncode}: {last or 'no word'}"
        ) from error
