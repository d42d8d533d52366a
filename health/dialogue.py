"""What a probe over a byte stream says, apart from how it is carried.

Its law: a dialogue is told what arrived and answers with what to send or how the probe ended. It reads no clock
and touches no socket, so every protocol is tested with plain bytes.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

from health.result import End
from health.spec import TlsSpec


class ProbeError(ValueError):
    """A spec that no probe can be made from, such as an expression that does not compile."""


class Dialogue(Protocol):
    """One conversation with one server, used once."""

    awaits_answer: bool
    """False: the probe has passed as soon as everything was sent."""

    def begin(self) -> bytes:
        """What to send first; may be empty."""

    def receive(self, data: bytes) -> "bytes | End | Plan":
        """Take what arrived: more to send (empty: wait for more), the end, or a conversation to go on with."""

    def eof(self) -> "End | Plan":
        """The server will send no more."""


class Plan(NamedTuple):
    """One conversation to be had: where, whether inside TLS and under which name, and what is said.

    Without a dialogue the probe passes as soon as it is connected. `address` may have an IPv6 zone (`%eth0`).
    """

    address: str
    port: int
    tls: TlsSpec | None = None
    server_name: str = ""
    dialogue: Callable[[], Dialogue] | None = None


Search = Callable[[re.Pattern[bytes], bytes], bool | None]
"""Looks for an expression in received bytes; None when that took too long."""


class Kit(NamedTuple):
    """What plans are made with: the name this program calls itself, and a search that cannot run away."""

    agent: str
    search: Search


def expression(text: str) -> re.Pattern[bytes]:
    """Compile an operator's expression for received bytes. Raises ProbeError."""
    try:
        return re.compile(text.encode(), re.MULTILINE)
    except re.error as error:
        raise ProbeError(f"the regular expression {text!r} is wrong: {error}") from error


def without_zone(address: str) -> str:
    """An address as it is named to others: without the IPv6 zone, which means something on this host only."""
    return address.partition("%")[0]
