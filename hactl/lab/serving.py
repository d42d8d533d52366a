"""What real traffic through IPVS showed: balance, loss, and the kernel's table, judged.

Its law: plain values and plain functions. Times are monotonic seconds, durations seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address

import msgspec

from hactl.lab.samples import Outcome, Request


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that had to happen, what was seen of it, and whether it did."""

    name: str
    seen: str
    ok: bool


class Entry(msgspec.Struct, frozen=True, order=True):
    """One real server in the kernel's table."""

    service: str
    server: str
    forward: str
    weight: int


def address(text: str) -> str:
    """The kernel's ``0A4D0064:0050`` as ``10.77.0.100:80``; other texts (IPv6, marks) unchanged."""
    host, _, port = text.partition(":")
    return f"{IPv4Address(int(host, 16))}:{int(port, 16)}" if len(host) == 8 and port else text


def table(text: str) -> tuple[Entry, ...]:
    """The entries in the text of ``/proc/net/ip_vs``, sorted, without their counters."""
    found, service = [], ""
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in ("TCP", "UDP", "SCTP", "FWM"):
            service = address(words[1])
        elif len(words) >= 4 and words[0] == "->" and words[3].isdigit():
            found.append(Entry(service, address(words[1]), words[2], int(words[3])))
    return tuple(sorted(found))


def servers(entries: Iterable[Entry], service: str) -> tuple[str, ...]:
    """The real servers of one service that get new connections."""
    return tuple(entry.server for entry in entries if entry.service == service and entry.weight > 0)


def balanced(name: str, answers: Iterable[Request], expected: int) -> Check:
    """All requests were answered, by ``expected`` real servers, none over two requests ahead of another."""
    answers = tuple(answers)
    counts = Counter(request.by for request in answers if request.outcome is Outcome.OK)
    missing = sum(request.outcome is not Outcome.OK for request in answers)
    even = len(counts) == expected and max(counts.values()) - min(counts.values()) <= 2
    seen = ", ".join(f"{server} {count}" for server, count in sorted(counts.items())) or "no answer"
    return Check(name=name, seen=seen + (f", {missing} failed" if missing else ""), ok=even and not missing)


def lost(requests: Iterable[Request], begin: float, end: float) -> int:
    """Requests begun in that time that failed."""
    return sum(begin <= r.sent < end and r.outcome is not Outcome.OK for r in requests)


def answered(requests: Iterable[Request], server: str, begin: float, end: float) -> int:
    """Requests begun in that time that this real server answered."""
    return sum(begin <= r.sent < end and r.by == server for r in requests)


def removed(
    what: str, server: str, requests: Iterable[Request], *, failed_at: float, gone_at: float, end: float
) -> Check:
    """The server left the table, and from then on no request failed or went to it."""
    requests = tuple(requests)
    before, after = lost(requests, failed_at, gone_at), lost(requests, gone_at, end)
    seen = (
        f"{server} left after {gone_at - failed_at:.1f} s, {before} requests failed until then, {after} later"
    )
    return Check(name=what, seen=seen, ok=after == 0 and not answered(requests, server, gone_at, end))


def alerted(mails: Iterable[str], words: Iterable[str]) -> Check:
    """A mail arrived with every one of the words in one line; ``mails`` are their texts."""
    mails, wanted = tuple(mails), tuple(words)
    lines = (line.strip() for mail in mails for line in mail.splitlines())
    fitting = next((line for line in lines if all(word in line for word in wanted)), None)
    found = fitting[:100] if fitting else f"none with {' '.join(wanted)}"
    return Check(
        name="the alert at the mail server", seen=f"{len(mails)} mails: {found}", ok=fitting is not None
    )
