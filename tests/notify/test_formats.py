"""What the common chat and paging systems are sent: their forms, and that an event's text stays text there."""

import json
from typing import Any

import pytest

from notify.event import Event, EventKind
from notify.formats import Format, Message, message
from notify.render import cloud_events
from support.alerts import event

HOSTILE = "<!channel> <@U1> @everyone [x](http://e.example) *b* & <users/all>\r\nX: y"


def body(form: Format, *events: Event) -> Any:
    """The JSON that is sent."""
    return json.loads(message(form, events).body)


def test_cloudevents_is_what_it_was() -> None:
    """The default form."""
    one = event()
    content_type, data = cloud_events([one])
    assert message(Format.CLOUDEVENTS, [one]) == Message(content_type=content_type, body=data)


def test_slack() -> None:
    """One line with the reason under it; nothing in it becomes a mention, a link or markup."""
    sent = body(Format.SLACK, event(EventKind.SERVER_DOWN, "rs1@www", old="up", new="down", reason=HOSTILE))
    first, second = sent["text"].split("\n")
    assert first == "🔶 server rs1@www: up -&gt; down [web/lb1]"
    assert "<" not in second
    assert second.startswith("&lt;!channel&gt;")
    assert (sent["mrkdwn"], sent["link_names"]) == (False, False)


def test_discord_mentions_nobody_and_fits() -> None:
    """Mentions are off; a long digest is cut at Discord's limit."""
    sent = body(Format.DISCORD, *(event(reason="x" * 300) for _ in range(50)))
    assert sent["allowed_mentions"] == {"parse": []}
    assert len(sent["content"]) == 2000


def test_teams_is_a_card() -> None:
    """The worst severity colours it; Markdown is escaped."""
    sent = body(Format.TEAMS, event(EventKind.SERVICE_DOWN, "www", reason=HOSTILE), event())
    card = sent["attachments"][0]["content"]
    assert (card["type"], card["body"][0]["color"]) == ("AdaptiveCard", "attention")
    assert r"\[x\]\(http" in card["body"][1]["text"]


def test_google_chat_mentions_nobody() -> None:
    """<users/all> is broken up."""
    assert "<users/all>" not in body(Format.GOOGLE_CHAT, event(reason=HOSTILE))["text"]


def test_ntfy_has_priority_and_plain_headers() -> None:
    """Headers hold ASCII on one line, whatever the event holds."""
    said = message(Format.NTFY, [event(EventKind.SERVICE_DOWN, "www\r\nX: é", reason=HOSTILE)])
    assert said.headers["Priority"] == "urgent"
    assert all(value.isascii() and value.isprintable() for value in said.headers.values())


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        (EventKind.SERVER_DOWN, "trigger"),
        (EventKind.SERVER_UP, "resolve"),
        (EventKind.ROUTER_FAULT, "trigger"),
        (EventKind.ROUTER_BACKUP, "resolve"),
        (EventKind.NOTIFY_FAILED, "trigger"),
    ],
)
def test_pagerduty_opens_and_resolves_by_subject(kind: EventKind, action: str) -> None:
    """A problem and its end have one key, so the incident closes by itself."""
    sent = json.loads(message(Format.PAGERDUTY, [event(kind, "x")], "the-key").body)
    assert (sent["event_action"], sent["routing_key"]) == (action, "the-key")
    assert sent["dedup_key"] == f"hactl/web/{kind.value.partition('.')[0]}/x"
    assert sent["payload"]["severity"] in ("info", "warning", "critical")


@pytest.mark.parametrize("form", [form for form in Format if not form.alone])
def test_many_events_are_one_readable_message(form: Format) -> None:
    """5,000 events: the most severe first, the others counted, and not megabytes."""
    if form is Format.CLOUDEVENTS:
        return
    events = [event(EventKind.SERVER_DOWN, f"rs{number}@www") for number in range(5000)]
    said = message(form, [*events, event(EventKind.SERVICE_DOWN, "www", reason="no server is healthy")])
    text = said.body.decode()
    assert len(text) < 10_000
    assert "no server is healthy" in text
    assert "4981 more" in text or form is Format.DISCORD


def test_every_form_says_what_it_is_for() -> None:
    """For people who choose one."""
    assert all(form.text for form in Format)
