"""A report as one HTML file that can be mailed: charts as inline SVG, nothing loaded from anywhere."""

from datetime import UTC, datetime
from html import escape

from hactl.cli.report_view import Report, share
from hactl.cli.text import clock, span
from hactl.history.availability import Line, Span

_WIDTH, _HEIGHT = 1000, 22
_THIN = 1.5
"""Pixels that even the shortest downtime is wide."""
_TICKS = 6
_STYLE = """
:root{--ground:#f6f7f9;--panel:#fff;--ink:#17212b;--soft:#5b6875;--line:#d9dfe5;--up:#5cb585;--degraded:#e8a93c;--down:#d0453c;--idle:#e3e8ed}
@media(prefers-color-scheme:dark){:root{--ground:#10161c;--panel:#18212a;--ink:#e5ebf1;--soft:#9dabb8;--line:#2c3843;--up:#3d8f62;--degraded:#c98c25;--down:#e0605a;--idle:#26313b}}
body{margin:0 auto;max-width:1180px;padding:20px;background:var(--ground);color:var(--ink);
font:15px/1.45 system-ui,sans-serif}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}p{color:var(--soft);margin:4px 0}
.panel{background:var(--panel);border:1px solid var(--line);border-radius:8px;overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:6px 12px;
border-top:1px solid var(--line);white-space:nowrap}
thead th{border-top:0;color:var(--soft);font-size:13px}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.why{white-space:normal;color:var(--soft)}td.bar{width:55%;min-width:260px}svg{display:block;width:100%;height:22px}
.up{fill:var(--up)}.degraded{fill:var(--degraded)}.down{fill:var(--down)}.idle{fill:var(--idle)}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin:0 4px 0 14px;vertical-align:-1px}
.axis{display:flex;justify-content:space-between;color:var(--soft);font-size:12px}
@media print{body{background:#fff}}
"""
_LEGEND = "".join(
    f'<i style="background:var(--{name})"></i>{text}'
    for name, text in (("up", "up"), ("degraded", "degraded"), ("down", "down"), ("idle", "not watched"))
)


def page(report: Report) -> str:
    """The whole page. Whatever came from outside is escaped."""
    title = escape(f"{report.cluster}: availability")
    seen = f"As {escape(report.node)} saw it from {clock(report.since)} to {clock(report.until)}."
    body = [
        f"<h1>{title}</h1>",
        f"<p>{seen} The time in which its daemon did not run is not watched and counts neither way.</p>",
        f'<p class="key">{_LEGEND}</p>',
        _overview(report) if report.lines else "<p>Nothing is known of that time.</p>",
        _downtimes(report),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{_STYLE}</style>'
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _overview(report: Report) -> str:
    rows = "\n".join(_row(line, report) for line in report.lines)
    heading = (
        "<tr><th>What</th><th>Name</th><th class=n>Available</th><th class=n>Downtimes</th><th class=n>Down</th>"
        f"<th><div class=axis>{_axis(report)}</div></th></tr>"
    )
    return f'<div class="panel"><table><thead>{heading}</thead><tbody>\n{rows}\n</tbody></table></div>'


def _axis(report: Report) -> str:
    step = (report.until - report.since) / (_TICKS - 1)
    length = report.until - report.since
    form = "%d %b" if length > 2 * 86400 else "%H:%M" if length > 900 else "%H:%M:%S"
    moments = (report.since + number * step for number in range(_TICKS))
    return "".join(
        f"<span>{datetime.fromtimestamp(at, UTC).astimezone().strftime(form)}</span>" for at in moments
    )


def _row(line: Line, report: Report) -> str:
    down = span(line.seconds("down")) if line.downtimes else "-"
    return (
        f"<tr><td>{line.subject.value}</td><td><b>{escape(line.name)}</b></td><td class=n>{share(line.available)}</td>"
        f"<td class=n>{len(line.downtimes)}</td><td class=n>{down}</td><td class=bar>{_bar(line, report)}</td></tr>"
    )


def _bar(line: Line, report: Report) -> str:
    """The time as a bar; what was not watched shows the ground. Downtimes are drawn last, and never too thin to see."""
    ordered = sorted(line.spans, key=lambda one: ("up", "degraded", "down").index(one.state))
    parts = "".join(_part(one, report) for one in ordered)
    label = escape(f"{line.name}: {share(line.available)} available, {len(line.downtimes)} downtimes")
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{label}">'
        f'<rect class="idle" width="{_WIDTH}" height="{_HEIGHT}"/>{parts}</svg>'
    )


def _part(one: Span, report: Report) -> str:
    scale = _WIDTH / (report.until - report.since)
    left, width = (one.start - report.since) * scale, max(one.length * scale, _THIN)
    words = escape(
        f"{one.state} from {clock(one.start)} for {span(one.length)}"
        + (f": {one.reason}" if one.reason else "")
    )
    return f'<rect class="{one.state}" x="{left:.2f}" width="{width:.2f}" height="{_HEIGHT}"><title>{words}</title></rect>'


def _downtimes(report: Report) -> str:
    every = sorted(
        ((down, line) for line in report.lines for down in line.downtimes), key=lambda one: -one[0].start
    )
    if not every:
        return "<h2>Downtimes</h2><p>Nothing was down.</p>"
    rows = "\n".join(_downtime(down, line, report) for down, line in every)
    heading = "<tr><th>From</th><th class=n>For</th><th>What</th><th>Why</th></tr>"
    return f'<h2>Downtimes</h2><div class="panel"><table><thead>{heading}</thead><tbody>\n{rows}\n</tbody></table></div>'


def _downtime(down: Span, line: Line, report: Report) -> str:
    length = span(down.length) + (", still" if down.end == report.until else "")
    return (
        f"<tr><td>{clock(down.start)}</td><td class=n>{length}</td>"
        f"<td>{line.subject.value} <b>{escape(line.name)}</b></td><td class=why>{escape(down.reason)}</td></tr>"
    )
