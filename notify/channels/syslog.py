"""Alerts to the local system log, one datagram an event (RFC 3164, as the C library's syslog() writes it)."""

import socket
from collections.abc import Sequence
from datetime import datetime

from notify import render
from notify.channels.base import DeliveryError, Tools
from notify.event import Event
from notify.spec import SyslogSpec


class SyslogChannel:
    """Writes to the log daemon's socket; one that is missing or full is a failure like any other."""

    batch = 1

    def __init__(self, spec: SyslogSpec, tools: Tools, timeout: float) -> None:
        self._spec = spec
        self._path = tools.log_socket

    async def deliver(self, events: Sequence[Event]) -> str:
        """Send the events; never blocks."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
                sock.connect(self._path)
                for event in events:
                    sock.send(
                        render.syslog_line(event, self._spec.facility, datetime.fromtimestamp(event.at))
                    )
        except OSError as error:
            raise DeliveryError(f"{self._path}: {error.strerror or error}") from error
        return ""
