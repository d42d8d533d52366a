"""Datagrams to a log socket."""

import socket
from pathlib import Path

import pytest

from notify.channels.base import DeliveryError
from notify.channels.syslog import SyslogChannel
from notify.spec import SyslogSpec
from support.alerts import event, tools


def channel(path: Path) -> SyslogChannel:
    """A channel to this socket."""
    return SyslogChannel(SyslogSpec(facility="local0"), tools(log_socket=str(path)), 1.0)


async def test_an_event_is_one_datagram(tmp_path: Path) -> None:
    """The log daemon gets one datagram with facility and severity."""
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        assert await channel(path).deliver([event()]) == ""
        assert daemon.recv(2048).startswith(b"<132>")


async def test_a_missing_socket_is_a_failure(tmp_path: Path) -> None:
    """Without a log daemon the failure names the socket."""
    with pytest.raises(DeliveryError, match="No such file"):
        await channel(tmp_path / "log").deliver([event()])


async def test_a_full_socket_is_a_failure_and_does_not_block(tmp_path: Path) -> None:
    """A log daemon that no longer reads is a failure, not a hang."""
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        with pytest.raises(DeliveryError, match="unavailable"):
            await channel(path).deliver([event()] * 10_000)
