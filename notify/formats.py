"""What a webhook's body looks like to the common chat and paging systems; core.

The law: a format is a plain function from events to a body; what an event contains stays text and becomes no markup,
mention or link of the receiver's. Each is written after the receiver's own public description.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from notify import render
from notify.event import Event, EventKind, Severity

SHOWN = 20
"""Events written out in one chat message; the others are counted."""
_DISCORD_MOST = 2000


class Format(StrEnum):
    """The forms a webhook can have."""

    CLOUDEVENTS = "cloudevents"
    SLACK = "slack"
    DISCORD = "discord"
    TEAMS = "teams"
    GOOGLE_CHAT = "google-chat"
    NTFY = "ntfy"
    PAGERDUTY = "pagerduty"

    @property
    def text(self) -> str:
        """Which receivers take it."""
        return _TEXTS[self]

    @property
    def alone(self) -> bool:
        """Whether each event goes alone, because the receiver opens and closes incidents by it."""
        return self is Format.PAGERDUTY

    @property
    def secret_is_key(self) -> bool:
        """Whether the secret is the receiver's key, which goes into the body, rather than one to sign with."""
        return self is Format.PAGERDUTY


_TEXTS = {
    Format.CLOUDEVENTS: "CloudEvents 1.0 in JSON, one or a batch",
    Format.SLACK: "Slack, Mattermost, Rocket.Chat and others that take Slack's incoming webhooks",
    Format.DISCORD: "Discord",
    Format.TEAMS: "Microsoft Teams, by a workflow that posts cards",
    Format.GOOGLE_CHAT: "Google Chat",
    Format.NTFY: "ntfy, with priority and tags",
    Format.PAGERDUTY: "PagerDuty Events API v2: incidents are opened and resolved; secret_file holds the routing key",
}

_SIGN = {Severity.INFO: "🔹", Severity.WARNING: "🔶", Severity.CRITICAL: "🚨"}
_GOOD = frozenset(
    {
        EventKind.SERVER_UP,
        EventKind.SERVICE_UP,
        EventKind.PEER_UP,
        EventKind.TRACK_UP,
        EventKind.ROUTER_MASTER,
        EventKind.ROUTER_BACKUP,
    }
)
"""What ends a problem of its subject."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A request: its content type, further headers, and body."""

    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    body: bytes


def message(form: Format, events: Sequence[Event], key: str = "") -> Message:
    """The request about these events. `key` is the receiver's key where the format has one."""
    if form is Format.CLOUDEVENTS:
        content_type, body = render.cloud_events(events)
        return Message(content_type=content_type, body=body)
    if form is Format.NTFY:
        return _ntfy(events)
    if form is Format.PAGERDUTY:
        return Message(body=msgspec.json.encode(_pagerduty(events[0], key)))
    return Message(body=msgspec.json.encode(_CHATS[form](events)))


def lines(events: Sequence[Event]) -> list[str]:
    """A headline for one event with its reason, or for many the counts and then the most severe first."""
    if len(events) == 1:
        return _one(events[0])
    ranked = sorted(events, key=lambda event: (-event.severity.rank, event.at))
    shown = [f"{_SIGN[event.severity]} {render.headline(event)}{_why(event)}" for event in ranked[:SHOWN]]
    more = [f"and {len(ranked) - SHOWN} more"] if len(ranked) > SHOWN else []
    return [render.subject(events), *shown, *more]


def _one(event: Event) -> list[str]:
    origin = render.plain(f"{event.cluster}/{event.node}")
    return [
        f"{_SIGN[event.severity]} {render.headline(event)} [{origin}]",
        *([_reason(event)] if event.reason else []),
    ]


def _reason(event: Event) -> str:
    return render.plain(event.reason)


def _why(event: Event) -> str:
    return f" ({_reason(event)})" if event.reason else ""


def _slack(events: Sequence[Event]) -> dict[str, Any]:
    """Slack's mrkdwn makes markup of three characters only when they are not escaped."""
    text = "\n".join(lines(events)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text, "mrkdwn": False, "unfurl_links": False, "link_names": False}


def _discord(events: Sequence[Event]) -> dict[str, Any]:
    text = "\n".join(lines(events))
    if len(text) > _DISCORD_MOST:
        text = text[: _DISCORD_MOST - 1] + "…"
    return {"content": text, "allowed_mentions": {"parse": []}, "flags": 4}


def _teams(events: Sequence[Event]) -> dict[str, Any]:
    worst = max(events, key=lambda event: event.severity.rank).severity
    colour = {Severity.CRITICAL: "attention", Severity.WARNING: "warning", Severity.INFO: "default"}[worst]
    first, *rest = lines(events)
    blocks = [
        {"type": "TextBlock", "text": _unmarked(first), "weight": "bolder", "color": colour, "wrap": True}
    ]
    blocks += [
        {"type": "TextBlock", "text": _unmarked(line), "wrap": True, "spacing": "small"} for line in rest
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _unmarked(text: str) -> str:
    """The text with Markdown's marks escaped."""
    return "".join(f"\\{character}" if character in "\\*_[]()#`~>|" else character for character in text)


def _google_chat(events: Sequence[Event]) -> dict[str, Any]:
    """A word joiner after each "<" keeps <users/all> from being a mention."""
    return {"text": "\n".join(lines(events)).replace("<", "<\u2060")}


def _ntfy(events: Sequence[Event]) -> Message:
    worst = max(events, key=lambda event: event.severity.rank).severity
    priority = {Severity.CRITICAL: "urgent", Severity.WARNING: "high", Severity.INFO: "default"}[worst]
    tags = {
        Severity.CRITICAL: "rotating_light",
        Severity.WARNING: "warning",
        Severity.INFO: "information_source",
    }
    title = render.subject(events).encode("ascii", "replace").decode()
    headers = {"Title": title, "Priority": priority, "Tags": tags[worst]}
    return Message(
        content_type="text/plain; charset=utf-8", headers=headers, body="\n".join(lines(events)).encode()
    )


def _pagerduty(event: Event, key: str) -> dict[str, Any]:
    """One incident for each subject: its problem opens it, what ends the problem resolves it."""
    family = event.kind.value.partition(".")[0]
    return {
        "routing_key": key,
        "event_action": "resolve" if event.kind in _GOOD else "trigger",
        "dedup_key": f"hactl/{event.cluster}/{family}/{event.subject}"[:255],
        "client": "hactl",
        "payload": {
            "summary": "; ".join(_one(event))[:1024],
            "source": f"{event.cluster}/{event.node}",
            "severity": event.severity.value,
            "timestamp": render.timestamp(event.at),
            "component": event.subject,
            "class": event.kind.value,
            "custom_details": render.record(event),
        },
    }


_CHATS: Mapping[Format, Callable[[Sequence[Event]], dict[str, Any]]] = {
    Format.SLACK: _slack,
    Format.DISCORD: _discord,
    Format.TEAMS: _teams,
    Format.GOOGLE_CHAT: _google_chat,
}
