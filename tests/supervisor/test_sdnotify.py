"""What systemd is told."""

import os
import socket
from pathlib import Path

import pytest

from hactl.supervisor.sdnotify import Systemd


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready, reloading, stopping and the watchdog reach the socket; children do not inherit the address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        systemd = Systemd()
        assert "NOTIFY_SOCKET" not in os.environ
        assert systemd.watchdog == 10.0
        systemd.ready("3 routers")
        systemd.alive()
        systemd.stopping()
        said = [manager.recv(1000).decode() for _ in range(3)]
    assert said == ["READY=1\nSTATUS=3 routers", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Systemd().ready("x")
