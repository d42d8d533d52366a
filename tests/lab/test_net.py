"""Namespaces are made, entered, cut and removed, and nothing stays behind."""

import contextlib
import os
import socket
import subprocess
from pathlib import Path

from hactl.lab import net
from support.netns import lan, needs_namespaces

pytestmark = needs_namespaces


def heard(sender: socket.socket, receiver: socket.socket, tries: int) -> bool:
    """True when one of ``tries`` datagrams, a tenth of a second apart, arrives."""
    receiver.settimeout(0.1)
    word = os.urandom(8)  # What an earlier asking left on its way is not heard now.
    for _ in range(tries):
        sender.sendto(word, receiver.getsockname())
        with contextlib.suppress(TimeoutError):
            if receiver.recv(100) == word:
                return True
    return False


def test_hosts_reach_each_other_until_the_cable_is_pulled() -> None:
    """A datagram arrives; with the cable out it does not; with the cable back it does again."""
    with lan("a", "b") as hosts:
        with hosts.inside("a"):
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with hosts.inside("b"):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            receiver.bind((hosts.address("b"), 7000))
        with sender, receiver:
            assert heard(sender, receiver, tries=50)
            hosts.cut("b")
            assert not heard(sender, receiver, tries=5)
            hosts.mend("b")
            assert heard(sender, receiver, tries=50)


def test_leaving_ends_processes_and_removes_the_namespaces() -> None:
    """What runs in a namespace is found by it, and is gone with it; the thread is back where it was."""
    before = Path("/proc/thread-self/ns/net").readlink()
    with lan("a") as hosts:
        sleeper = hosts.start("a", "sleep", "60", stdout=subprocess.DEVNULL)
        with hosts.inside("a"):
            assert Path("/proc/thread-self/ns/net").readlink() != before
        namespace = hosts.namespace("a")
        while sleeper.pid not in net.pids_in(namespace):
            assert sleeper.poll() is None
    assert sleeper.wait(5) == -9
    assert not (net.FOLDER / namespace).exists()
    assert Path("/proc/thread-self/ns/net").readlink() == before
