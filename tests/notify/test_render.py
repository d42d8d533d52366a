"""What people and programs read."""

import json
from datetime import datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify import render
from notify.event import EventKind, Severity
from support.alerts import event

AT = 1_767_225_600.125


def test_a_single_event_in_full() -> None:
    """One event: what changed in the first line, then why, when and where."""
    assert render.subject([event(number=1)]) == "[web/lb1] WARNING router web: backup -> master"
    assert render.text([event(number=1, at=AT)]) == (
        "router web: backup -> master\n"
        "\n"
        "why:      no advert for 350 ms\n"
        "when:     2026-01-01 00:00:00.125 UTC\n"
        "director: lb1\n"
        "cluster:  web\n"
        "event:    router.master (warning)\n"
        "id:       event-1\n"
        "\n"
        "`hactl status` shows the present state, `hactl events` what happened before.\n"
    )


def test_a_digest_counts_first_and_lists_the_most_severe_first() -> None:
    """Several events: counts by kind, then the events with the most severe at the top."""
    events = [
        event(EventKind.SERVER_DOWN, "rs1@www", old="up", new="down", reason="connect_refused", at=AT),
        event(EventKind.SERVER_DOWN, "rs2@www", old="up", new="down", reason="connect_refused", at=AT + 1),
        event(EventKind.SERVICE_DOWN, "www", old="up", new="down", reason="no server is left", at=AT + 2),
    ]
    assert render.subject(events) == "[web/lb1] CRITICAL 3 events: 1 service.down, 2 server.down"
    assert render.text(events).split("\n")[:9] == [
        "3 events from 2026-01-01 00:00:00.125 UTC to 2026-01-01 00:00:02.125 UTC",
        "",
        "     1  service.down",
        "     2  server.down",
        "",
        "2026-01-01 00:00:02.125 UTC  critical  service www: up -> down (lb1)",
        "    no server is left",
        "2026-01-01 00:00:00.125 UTC  warning   server rs1@www: up -> down (lb1)",
        "    connect_refused",
    ]


def test_a_large_digest_stays_short() -> None:
    """Of 5,000 events at most LISTED are written out, and the number of the others is given."""
    text = render.text([event(EventKind.SERVER_DOWN, f"rs{number}") for number in range(5000)])
    assert len(text.split("\n")) < 3 * render.LISTED
    assert "and 4950 more" in text


def test_an_event_without_states_is_named_by_its_kind() -> None:
    """Where there is no new state the kind says what happened."""
    assert (
        render.headline(event(EventKind.DIRECTOR_STARTED, "lb1", old="", new="")) == "director lb1: started"
    )


@given(st.text(), st.text(), st.text())
def test_nothing_can_be_injected(subject: str, reason: str, new: str) -> None:
    """Whatever an event holds: its mail's subject is one header, its variables hold no control character,
    its log line is one line."""
    hostile = event(subject=subject, reason=reason, new=new, number=1)
    mail = EmailMessage()
    mail["Subject"] = render.subject([hostile])
    assert all(value.isprintable() for value in render.environment(hostile).values())
    assert b"\n" not in render.syslog_line(hostile, "daemon", datetime(2026, 1, 1))
    json.loads(render.cloud_events([hostile])[1])


def test_a_newline_in_a_subject_does_not_start_a_header() -> None:
    """The classic injection ends up as plain words of the subject."""
    assert render.subject([event(subject="web\r\nBcc: all@example.org")]) == (
        "[web/lb1] WARNING router web Bcc: all@example.org: backup -> master"
    )


def test_cloud_event() -> None:
    """One event in the JSON format of CloudEvents 1.0 with every attribute it requires."""
    content_type, body = render.cloud_events([event(number=1, at=AT)])
    assert content_type == "application/cloudevents+json"
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/hactl/web/lb1",
        "type": "hactl.router.master",
        "subject": "web",
        "time": "2026-01-01T00:00:00.125Z",
        "datacontenttype": "application/json",
        "data": {
            "id": "event-1",
            "kind": "router.master",
            "cluster": "web",
            "node": "lb1",
            "subject": "web",
            "old": "backup",
            "new": "master",
            "reason": "no advert for 350 ms",
            "severity": "warning",
            "at": AT,
            "time": "2026-01-01T00:00:00.125Z",
        },
    }


def test_several_cloud_events_are_a_batch() -> None:
    """Two events are a JSON array of the batch content type."""
    content_type, body = render.cloud_events([event(number=1), event(number=2)])
    assert content_type == "application/cloudevents-batch+json"
    assert [item["id"] for item in json.loads(body)] == ["event-1", "event-2"]


def test_environment() -> None:
    """The variables a program finds."""
    assert render.environment(event(number=1, at=AT)) == {
        "HACTL_EVENT": "router.master",
        "HACTL_SUBJECT": "web",
        "HACTL_OLD": "backup",
        "HACTL_NEW": "master",
        "HACTL_REASON": "no advert for 350 ms",
        "HACTL_SEVERITY": "warning",
        "HACTL_CLUSTER": "web",
        "HACTL_NODE": "lb1",
        "HACTL_TIME": "2026-01-01T00:00:00.125Z",
        "HACTL_ID": "event-1",
    }


@pytest.mark.parametrize(
    ("severity", "priority"), [(Severity.CRITICAL, 26), (Severity.WARNING, 28), (Severity.INFO, 30)]
)
def test_syslog_line(severity: Severity, priority: int) -> None:
    """Priority is facility times 8 plus severity; the day of the month is padded with a blank (RFC 3164 4.1)."""
    line = render.syslog_line(event(severity=severity), "daemon", datetime(2026, 1, 2, 3, 4, 5))
    assert line == (
        f"<{priority}>Jan  2 03:04:05 hactl: router.master router web: backup -> master: no advert for 350 ms".encode()
    )
