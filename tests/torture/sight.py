"""What one round looked like from outside: who had the VIP, who answered for it, who advertised, what was announced.

Its law: everything here comes from the kernels' own messages and from frames at the switch's ports; no word of a daemon
is among it. Times are monotonic seconds.
"""

import ipaddress
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from torture.plan import Fault

from hactl.lab.samples import Probe
from support.recorder import Announced, Event, Frame, Sent, announced, one_advert

ASKER = bytes.fromhex("02005a00ffff")
"""Hardware address from which the campaign asks for the VIP, so that the client's own table learns nothing of it."""


class Done(NamedTuple):
    """A fault as it happened."""

    fault: Fault
    began: float
    ended: float


class Span(NamedTuple):
    """A time in which these hosts had the address."""

    begin: float
    end: float
    hosts: frozenset[str]


class Answered(NamedTuple):
    """A host's answer to the question who has the VIP."""

    at: float
    host: str


class Sight(msgspec.Struct):
    """One round. `first`: who had the VIP when it began; `stall`: how late the observer's own machine was at worst."""

    begin: float
    mended: float
    settled: float
    end: float
    first: frozenset[str]
    done: list[Done]
    events: list[Event]
    adverts: list[Sent]
    announcements: list[Announced]
    answers: list[Answered]
    probes: list[Probe] = msgspec.field(default_factory=list)
    stall: float = 0.0

    def spans(self, address: str) -> list[Span]:
        """The round cut at each change of holders."""
        holders, since, found = set(self.first), self.begin, []
        for event in self.events:
            if event.address == address and (event.host in holders) != event.there:
                found.append(Span(since, event.at, frozenset(holders)))
                (holders.add if event.there else holders.discard)(event.host)
                since = event.at
        return [*found, Span(since, self.end, frozenset(holders))]

    def lasted(self, address: str, fits: Callable[[int], bool]) -> float:
        """For how long in all the number of holders was such."""
        return sum((s.end - s.begin for s in self.spans(address) if fits(len(s.hosts))), 0.0)

    def gap(self) -> float:
        """The longest time without an answer to the client."""
        heard = [self.begin, *(probe.sent for probe in self.probes if probe.by), self.end]
        return max(after - before for before, after in itertools.pairwise(heard))

    def held(self, address: str, host: str) -> list[tuple[float, float]]:
        """When this host had the address, in pieces."""
        pieces: list[tuple[float, float]] = []
        for span in self.spans(address):
            if host in span.hosts:
                joined = pieces and pieces[-1][1] == span.begin
                pieces[-1:] = (
                    [(pieces[-1][0], span.end)] if joined else [*pieces[-1:], (span.begin, span.end)]
                )
        return pieces


def answers(frames: Iterable[Frame], address: str) -> Iterator[Answered]:
    """Answers to our own question for the address."""
    wanted = ipaddress.ip_address(address).packed
    for frame in frames:
        data = frame.data
        is_answer = data[:6] == ASKER and data[12:14] == b"\x08\x06" and data[20:22] == b"\x00\x02"
        if is_answer and data[28:32] == wanted:
            yield Answered(frame.at, frame.sender)


def question(address: str, sender: str) -> bytes:
    """An ARP request for the address, of nobody who is there."""
    packed = [ipaddress.ip_address(one).packed for one in (sender, address)]
    head = b"\xff" * 6 + ASKER + b"\x08\x06" + bytes.fromhex("0001080006040001")
    return head + ASKER + packed[0] + b"\0" * 6 + packed[1]


def adverts(frames: Iterable[Frame]) -> list[Sent]:
    """All adverts."""
    return [sent for frame in frames if (sent := one_advert(frame)) is not None]


def announcements(frames: Iterable[Frame]) -> list[Announced]:
    """All gratuitous ARP and unsolicited neighbour advertisements."""
    return [made for frame in frames if (made := announced(frame)) is not None]
