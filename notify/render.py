"""Events as people and programs read them: mail, CloudEvents, environment variables, a line for the system
log.

The law: whatever an event contains, a header, a line or a variable made here holds no control character.
Times are shown in UTC, because two directors and the person woken may live in three zones.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from notify.event import Event, EventKind, Severity

LISTED = 50
"""Events written out in one mail; the others are only counted."""
SUBJECT_LENGTH = 180

SYSLOG_SEVERITY = {Severity.CRITICAL: 2, Severity.WARNING: 4, Severity.INFO: 6}
"""RFC 5424 table 2."""
_FACILITIES = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock"),
    *(f"local{number}" for number in range(8)),
)
SYSLOG_FACILITY = {name: number for number, name in enumerate(_FACILITIES)}
"""RFC 5424 table 1."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def plain(text: str) -> str:
    """The text on one line: each run of control characters and blanks becomes one blank."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def headline(event: Event) -> str:
    """One event in a few words: "router web: backup -> master"."""
    what = f"{event.kind.partition('.')[0]} {event.subject}".strip()
    new = event.new or event.kind.partition(".")[2]
    change = f"{event.old} -> {new}" if event.old else new
    return plain(f"{what}: {change}")


def subject(events: Sequence[Event]) -> str:
    """Subject line of a mail about these events, at most SUBJECT_LENGTH characters."""
    worst = max((event.severity for event in events), key=lambda severity: severity.rank)
    origin = f"[{events[0].cluster}/{_nodes(events)}] {worst.value.upper()}"
    if len(events) == 1:
        return plain(f"{origin} {headline(events[0])}")[:SUBJECT_LENGTH]
    counts = ", ".join(f"{number} {kind}" for kind, number in _counts(events))
    return plain(f"{origin} {len(events)} events: {counts}")[:SUBJECT_LENGTH]


def text(events: Sequence[Event]) -> str:
    """Body of a mail: one event in full, or the counts by kind and then the events, the most severe first."""
    if len(events) == 1:
        return _one(events[0])
    first, last = min(event.at for event in events), max(event.at for event in events)
    lines = [f"{len(events)} events from {when(first)} to {when(last)}", ""]
    lines += [f"{number:6}  {kind}" for kind, number in _counts(events)]
    lines.append("")
    ranked = sorted(events, key=lambda event: (-event.severity.rank, event.at))
    for event in ranked[:LISTED]:
        lines.append(f"{when(event.at)}  {event.severity.value:8}  {headline(event)} ({plain(event.node)})")
        if event.reason:
            lines.append(f"    {plain(event.reason)}")
    if len(ranked) > LISTED:
        lines += ["", f"and {len(ranked) - LISTED} more; `hactl events` shows them all."]
    return "\n".join([*lines, "", _FOOT, ""])


_FOOT = "`hactl status` shows the present state, `hactl events` what happened before."


def _one(event: Event) -> str:
    rows = [
        ("why", event.reason or "no reason was given"),
        ("when", when(event.at)),
        ("director", event.node),
        ("cluster", event.cluster),
        ("event", f"{event.kind.value} ({event.severity.value})"),
        ("id", event.id),
    ]
    lines = [headline(event), "", *(f"{name + ':':10}{plain(value)}" for name, value in rows)]
    return "\n".join([*lines, "", _FOOT, ""])


def _nodes(events: Sequence[Event]) -> str:
    return ",".join(sorted({event.node for event in events}))


def _counts(events: Sequence[Event]) -> list[tuple[str, int]]:
    """Kinds with their numbers, the most severe and then the most frequent first."""
    numbers = Counter(event.kind for event in events)
    return [
        (kind.value, number)
        for kind, number in sorted(
            numbers.items(), key=lambda item: (-item[0].severity.rank, -item[1], item[0].value)
        )
    ]


def when(at: float) -> str:
    """Wall-clock seconds as a person reads them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def timestamp(at: float) -> str:
    """Wall-clock seconds by RFC 3339."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cloud_event(event: Event) -> dict[str, Any]:
    """One event in the JSON format of CloudEvents 1.0."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/hactl/{event.cluster}/{event.node}",
        "type": f"hactl.{event.kind.value}",
        "subject": event.subject or event.node,
        "time": timestamp(event.at),
        "datacontenttype": "application/json",
        "data": record(event),
    }


def cloud_events(events: Sequence[Event]) -> tuple[str, bytes]:
    """Content type and body of a webhook: a single event in structured mode, several as a batch."""
    if len(events) == 1:
        return "application/cloudevents+json", msgspec.json.encode(cloud_event(events[0]))
    return "application/cloudevents-batch+json", msgspec.json.encode([cloud_event(event) for event in events])


def record(event: Event) -> dict[str, Any]:
    """An event as a flat mapping, with its time in words beside the seconds."""
    fields: dict[str, Any] = msgspec.to_builtins(event)
    return {**fields, "time": timestamp(event.at)}


def environment(event: Event) -> dict[str, str]:
    """The variables an operator's program finds: HACTL_EVENT, HACTL_SUBJECT, HACTL_OLD, HACTL_NEW, ..."""
    values = {
        "EVENT": event.kind.value,
        "SUBJECT": event.subject,
        "OLD": event.old,
        "NEW": event.new,
        "REASON": event.reason,
        "SEVERITY": event.severity.value,
        "CLUSTER": event.cluster,
        "NODE": event.node,
        "TIME": timestamp(event.at),
        "ID": event.id,
    }
    return {f"HACTL_{name}": plain(value) for name, value in values.items()}


def syslog_line(event: Event, facility: str, local: datetime) -> bytes:
    """One datagram for the local system log (RFC 3164 section 4.1). `local` is the event's time on this
    host's clock."""
    priority = SYSLOG_FACILITY[facility] * 8 + SYSLOG_SEVERITY[event.severity]
    stamp = f"{_MONTHS[local.month - 1]} {local.day:2} {local:%H:%M:%S}"
    reason = f": {plain(event.reason)}" if event.reason else ""
    return f"<{priority}>{stamp} hactl: {event.kind.value} {headline(event)}{reason}".encode()[:1024]


def is_about_alerts(events: Sequence[Event]) -> bool:
    """Whether these events only say that alerts failed: their own loss is then no further news."""
    return all(event.kind is EventKind.NOTIFY_FAILED for event in events)
