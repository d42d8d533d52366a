"""What was seen during one story, and the figures computed from it.

Its law: plain values and plain arithmetic; all times are monotonic seconds of one clock, durations are
seconds.
"""

from __future__ import annotations

import enum

import msgspec


class Outcome(enum.StrEnum):
    """How a client's request ended."""

    OK = "ok"
    REFUSED = "refused"
    RESET = "reset"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """One datagram to the VIP; ``by`` answered it ("" when nobody did), after ``took``."""

    sent: float
    by: str = ""
    took: float = 0.0


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One TCP connection to the VIP, answered by ``by``, or failed."""

    sent: float
    took: float
    outcome: Outcome
    by: str = ""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A node's kernel got (``held``) or lost the VIP at that moment."""

    at: float
    node: str
    held: bool


class Announcement(msgspec.Struct, frozen=True, array_like=True):
    """The client heard a gratuitous ARP frame for the VIP with this hardware address."""

    at: float
    hardware: str


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """Everything seen between ``begin`` and ``end``; ``first`` held the VIP at the begin."""

    begin: float
    end: float
    first: tuple[str, ...]
    probes: tuple[Probe, ...] = ()
    requests: tuple[Request, ...] = ()
    claims: tuple[Claim, ...] = ()
    announcements: tuple[Announcement, ...] = ()


def longest_gap(probes: tuple[Probe, ...]) -> float:
    """The longest time that the client waited in vain.

    Lost probes count from the last answered one before them to the next answered one after, at the ends from
    the first or up to the last probe; a probe answered late counts with its delay.
    """
    longest, last, lost = 0.0, probes[0].sent if probes else 0.0, False
    for probe in probes:
        if probe.by:
            longest = max(longest, probe.took, probe.sent - last if lost else 0.0)
            last, lost = probe.sent, False
        else:
            lost = True
    return max(longest, probes[-1].sent - last) if lost else longest


class Span(msgspec.Struct, frozen=True):
    """Who held the VIP from ``begin`` to ``end``."""

    begin: float
    end: float
    holders: frozenset[str]


def spans(recording: Recording) -> tuple[Span, ...]:
    """The recording's time, cut wherever the set of holders changed."""
    found: list[Span] = []
    holders, begin = frozenset(recording.first), recording.begin
    for claim in sorted(recording.claims, key=lambda claim: claim.at):
        after = holders | {claim.node} if claim.held else holders - {claim.node}
        if after != holders:
            found.append(Span(begin, claim.at, holders))
            holders, begin = after, claim.at
    return (*found, Span(begin, recording.end, holders))


def held_by_two(recording: Recording) -> float:
    """The longest unbroken time that more than one node held the VIP."""
    longest, current = 0.0, 0.0
    for span in spans(recording):
        current = current + span.end - span.begin if len(span.holders) > 1 else 0.0
        longest = max(longest, current)
    return longest


def held_by_none(recording: Recording) -> float:
    """The longest unbroken time that no node held the VIP."""
    return max((span.end - span.begin for span in spans(recording) if not span.holders), default=0.0)


def holders(recording: Recording) -> tuple[str, ...]:
    """The holders one after another, as "lb1", "lb1+lb2", "nobody"."""
    return tuple("+".join(sorted(span.holders)) or "nobody" for span in spans(recording))


def failed(requests: tuple[Request, ...]) -> tuple[Request, ...]:
    """The requests that did not end well."""
    return tuple(request for request in requests if request.outcome is not Outcome.OK)


def announced(recording: Recording, after: float) -> float | None:
    """When the client first heard the VIP announced after a moment by another node than before; None: never.

    "Another": a hardware address that no frame before ``after`` carried, or any frame when there was none
    before.
    """
    before = {frame.hardware for frame in recording.announcements if frame.at <= after}
    later = (f.at for f in recording.announcements if f.at > after and f.hardware not in before)
    return min(later, default=None)
