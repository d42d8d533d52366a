"""A mail about events as HTML, beside the plain text that says the same; core.

The law: whatever an event contains is escaped; nothing is loaded from anywhere, so that reading a mail tells nobody.
"""

from collections.abc import Sequence
from html import escape

from notify import render
from notify.event import Event, Severity

LISTED = 200
"""Events written out; the others are counted."""
_COLOUR = {Severity.CRITICAL: "#b3261e", Severity.WARNING: "#8a5200", Severity.INFO: "#4b5763"}
_TABLE = 'style="border-collapse:collapse;font:14px sans-serif"'
_CELL = 'style="padding:4px 12px 4px 0;vertical-align:top"'
_SOFT = 'style="padding:4px 12px 4px 0;vertical-align:top;color:#5b6875"'


def html(events: Sequence[Event]) -> str:
    """The body of the mail's HTML part."""
    ranked = sorted(events, key=lambda event: (-event.severity.rank, event.at))
    head = _one(ranked[0]) if len(ranked) == 1 else _many(ranked)
    foot = '<p style="font:13px sans-serif;color:#5b6875"><code>hactl status</code> shows the present state, '
    foot += "<code>hactl events</code> what happened before.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"></head><body>{head}{foot}</body></html>'
    )


def _title(text: str, severity: Severity) -> str:
    style = f"font:bold 17px sans-serif;border-left:4px solid {_COLOUR[severity]};padding-left:10px"
    return f'<h1 style="{style}">{escape(text)}</h1>'


def _one(event: Event) -> str:
    rows = (
        ("why", event.reason or "no reason was given"),
        ("when", render.when(event.at)),
        ("director", event.node),
        ("cluster", event.cluster),
        ("event", f"{event.kind.value} ({event.severity.value})"),
    )
    cells = "".join(
        f"<tr><td {_SOFT}>{name}</td><td {_CELL}>{escape(render.plain(text))}</td></tr>"
        for name, text in rows
    )
    return f"{_title(render.headline(event), event.severity)}<table {_TABLE}>{cells}</table>"


def _many(events: Sequence[Event]) -> str:
    rows = "".join(
        f"<tr><td {_SOFT}>{render.when(event.at)}</td>"
        f'<td style="padding:4px 12px 4px 0;color:{_COLOUR[event.severity]};font-weight:bold">{event.severity.value}</td>'
        f"<td {_CELL}><b>{escape(render.headline(event))}</b> ({escape(render.plain(event.node))})<br>"
        f'<span style="color:#5b6875">{escape(render.plain(event.reason))}</span></td></tr>'
        for event in events[:LISTED]
    )
    more = (
        f"<p>and {len(events) - LISTED} more; <code>hactl events</code> shows them all.</p>"
        if len(events) > LISTED
        else ""
    )
    return f"{_title(render.subject(events), events[0].severity)}<table {_TABLE}>{rows}</table>{more}"
