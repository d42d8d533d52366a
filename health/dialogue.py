"""What a probe says, apart from how it is carried: over a byte stream, or in datagrams.

Its law: a dialogue is told what arrived and answers with what to send or how the probe ended. It reads no clock
and touches no socket, so every protocol is tested with plain bytes.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from health.result import End
from health.spec import TlsSpec


class ProbeError(ValueError):
    """A spec that no probe can be made from, such as an expression that does not compile."""


class Dialogue(Protocol):
    """One conversation with one server, used once."""

    awaits_answer: bool
    """False: the probe has passed as soon as everything was sent."""

    def begin(self) -> "Answer":
        """What to send first, which may be empty; or the end, where nothing can be said."""

    def receive(self, data: bytes) -> "Answer":
        """Take what arrived: more to send (empty: wait for more), the end, or how to go on."""

    def eof(self) -> "End | Plan":
        """The server will send no more."""


class DatagramDialogue(Protocol):
    """One exchange of datagrams with one server, used once."""

    def begin(self) -> bytes | End:
        """The first datagram; or the end, where nothing can be said."""

    def receive(self, data: bytes) -> "bytes | End | Plan":
        """Take one datagram: another to send (empty: this one decides nothing), the end, or how to go on."""

    def silence(self) -> End:
        """The deadline has come without a refusal: what that means."""


class StartTls(NamedTuple):
    """Go on inside TLS on the same connection. `before` is still said in the clear; `secured` tells how to begin once
    TLS stands."""

    tls: TlsSpec
    server_name: str
    before: bytes = b""
    secured: Callable[[], "Answer"] = bytes


class Farewell(NamedTuple):
    """The probe is decided; what is said to take leave, so that the server has nothing to complain of."""

    send: bytes
    end: End


class Plan(msgspec.Struct, frozen=True):
    """One conversation to be had: where, whether inside TLS and under which name, and what is said.

    Without a dialogue the probe passes as soon as it is connected. `address` may have an IPv6 zone (`%eth0`).
    """

    address: str
    port: int
    tls: TlsSpec | None = None
    server_name: str = ""
    dialogue: Callable[[], Dialogue] | None = None


class DatagramPlan(NamedTuple):
    """One exchange of datagrams to be had: where, and what is said. `address` may have an IPv6 zone."""

    address: str
    port: int
    dialogue: Callable[[], DatagramDialogue]


class PingPlan(NamedTuple):
    """One echo to be had from an address, which may have an IPv6 zone."""

    address: str


class Ran(NamedTuple):
    """How a program ended. `end` is that by its exit status, 0 being a pass.

    `status` is None where it did not end by itself; `output` is the beginning of what it wrote.
    """

    end: End
    status: int | None = None
    output: bytes = b""


class ProgramPlan(NamedTuple):
    """A program to be run for at most `within` seconds, what stands in its environment, and what its end means."""

    command: tuple[str, ...]
    user: str
    environment: tuple[tuple[str, str], ...]
    within: float
    judge: Callable[[Ran], End]


class CallPlan(NamedTuple):
    """The same of a program that is called with several hosts, of which this one is meant.

    `gather`: seconds to wait for the others.
    """

    command: tuple[str, ...]
    user: str
    environment: tuple[tuple[str, str], ...]
    within: float
    host: str
    gather: float


class LocalPlan(NamedTuple):
    """Something of this director to be looked at: `name` is for people, `look` may be held up by the kernel."""

    name: str
    look: Callable[[], End]


AnyPlan = Plan | DatagramPlan | PingPlan | ProgramPlan | CallPlan | LocalPlan
Answer = bytes | End | Plan | StartTls | Farewell
"""What a dialogue wants after it was told something."""

Search = Callable[[re.Pattern[bytes], bytes], bool | None]
"""Looks for an expression in received bytes; None when that took too long."""


class Kit(NamedTuple):
    """What plans are made with: the names of this program and of this host, a search that cannot run away, `random`,
    which gives so many bytes that nobody can guess, and `secret`, the present content of a secret file by its path."""

    agent: str
    host: str
    search: Search
    random: Callable[[int], bytes]
    secret: Callable[[str], str | None]


def expression(text: str) -> re.Pattern[bytes]:
    """Compile an operator's expression for received bytes. Raises ProbeError."""
    try:
        return re.compile(text.encode(), re.MULTILINE)
    except re.error as error:
        raise ProbeError(f"the regular expression {text!r} is wrong: {error}") from error


def server_name(tls: TlsSpec | None, address: str) -> str:
    """The name asked for in TLS, and verified."""
    return (tls.name if tls is not None else None) or without_zone(address)


def without_zone(address: str) -> str:
    """An address as it is named to others: without the IPv6 zone, which means something on this host only."""
    return address.partition("%")[0]
