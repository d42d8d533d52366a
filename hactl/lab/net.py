"""Network namespaces: made, entered, cut and removed.

Its law: only namespaces named by the caller are touched; a thread that enters one comes back from it.
Processes are costly in a guest, so one ``ip -batch`` does the work of many commands.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from hactl.lab.topology import SWITCH, Plan, node_batch, port, root_batch, switch_batch, switches

FOLDER: Final = Path("/run/netns")
CLONE_NEWNET: Final = 0x40000000
STATES: Final = {"disabled": "0", "forwarding": "3"}

_libc = ctypes.CDLL(None, use_errno=True)


class NetError(Exception):
    """A namespace could not be made or changed; the text names the step."""


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This thread's new sockets, switches and processes are the namespace's; never across an ``await``."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(FOLDER / namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(target)
        finally:
            os.close(target)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)


def ip_batch(lines: Iterable[str], namespace: str | None = None) -> None:
    """Runs ``ip`` commands (without the word "ip") in one process; NetError with the first complaint."""
    where = ["-n", namespace] if namespace else []
    done = subprocess.run(
        ["ip", *where, "-batch", "-"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NetError(f"ip in {namespace or 'the root namespace'}: {done.stderr.strip()}")


def write_switches(namespace: str, wanted: dict[str, str]) -> None:
    """Sets kernel switches of a namespace, by path below ``/proc/sys/net``; an unknown one is an error."""
    with inside(namespace):
        for path, value in wanted.items():
            Path("/proc/sys/net", path).write_text(value)


def command(namespace: str, arguments: Sequence[str]) -> list[str]:
    """The command that runs ``arguments`` in a namespace; it becomes that program, under the same id."""
    return ["ip", "netns", "exec", namespace, *arguments]


def pids_in(namespace: str) -> list[int]:
    """Processes whose network is this namespace, oldest first; none when it does not exist."""
    try:
        wanted = (FOLDER / namespace).stat()
    except FileNotFoundError:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                net = (entry / "ns/net").stat()
                if (net.st_dev, net.st_ino) == (wanted.st_dev, wanted.st_ino):
                    found.append(int(entry.name))
    return sorted(found)


def signal_all(namespace: str, number: int) -> list[int]:
    """Sends a signal to every process in a namespace, and says to which.

    They are frozen before they are killed, so that none outlives another long enough to act on its death.
    """
    pids = pids_in(namespace)
    for each in (signal.SIGSTOP, number) if number == signal.SIGKILL else (number,):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, each)
    return pids


def remove(namespaces: Iterable[str]) -> None:
    """Ends what runs in the namespaces and removes them; one that is gone already is no error."""
    there = [name for name in namespaces if (FOLDER / name).exists()]
    for name in there:
        limit = time.monotonic() + 5.0
        while signal_all(name, signal.SIGKILL) and time.monotonic() < limit:
            time.sleep(0.02)
    if there:
        ip_batch(f"netns delete {name}" for name in there)


def build(plan: Plan) -> None:
    """Makes the whole lab; after an error nothing of it is left."""
    try:
        ip_batch(root_batch(plan))
        ip_batch(switch_batch(plan), plan.namespace(SWITCH))
        for node in plan.nodes:
            write_switches(plan.namespace(node.name), switches(node))
            ip_batch(node_batch(node), plan.namespace(node.name))
    except BaseException:
        remove(plan.namespaces)
        raise


def cut(plan: Plan, node: str, lan: str = "lan") -> None:
    """Pulls a node's cable: both its ends lose the carrier."""
    ip_batch([f"link set dev {port(lan, node)} down"], plan.namespace(SWITCH))


def mend(plan: Plan, node: str, lan: str = "lan") -> None:
    """Puts a pulled cable back."""
    ip_batch([f"link set dev {port(lan, node)} up"], plan.namespace(SWITCH))


def block(plan: Plan, node: str, blocked: bool, lan: str = "lan") -> None:
    """Silences a node's port of the switch without a change of carrier, or lets it speak again."""
    state = "disabled" if blocked else "forwarding"
    with inside(plan.namespace(SWITCH)):
        subprocess.run(["bridge", "link", "set", "dev", port(lan, node), "state", STATES[state]], check=True)
