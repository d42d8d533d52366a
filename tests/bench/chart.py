"""Charts as SVG: two programs' figures beside each other, one line for each thing that was measured.

Its law: text from numbers. The scale is logarithmic, for what is compared lies between a millisecond and seconds; so
figures are dots with their ranges, not bars. Colours suit light pages and dark ones.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _LEFT, _RIGHT, _TOP, _LINE = 900, 270, 40, 64, 36
_STYLE = """<style>
  .paper{fill:#ffffff;stroke:#d4dae2} .grid{stroke:#dfe4ea} .ours{fill:#2563a8;stroke:#2563a8}
  .theirs{fill:#c77414;stroke:#c77414}
  text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1c2733;stroke:none}
  .s{font-size:12px;fill:#4d5b6a}
  .t{font-weight:600;font-size:15px}
  @media (prefers-color-scheme:dark){
  .paper{fill:#161b22;stroke:#323b46} .grid{stroke:#2c343e} .ours{fill:#62a3ea;stroke:#62a3ea}
  .theirs{fill:#e9a04b;stroke:#e9a04b}
  text{fill:#e6edf3} .s{fill:#9aa7b4}}
</style>"""


class Mark(NamedTuple):
    """A figure with its range, in the chart's unit, and how it is written."""

    least: float
    middle: float
    most: float
    text: str


class Line(NamedTuple):
    """One thing that was measured, of both programs or of one."""

    label: str
    ours: Mark | None
    theirs: Mark | None


class Chart(NamedTuple):
    """`unit` is written at the scale, `lowest` is where it begins: figures below stand there."""

    title: str
    unit: str
    lowest: float
    lines: Sequence[Line]


def svg(chart: Chart) -> str:
    """The whole picture."""
    height = _TOP + _LINE * len(chart.lines) + 40
    return "\n".join((*_head(chart, height), *_grid(chart, height), *_body(chart), "</svg>", ""))


def _head(chart: Chart, height: int) -> Iterator[str]:
    title = escape(chart.title)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{title}">'
    )
    yield f"<title>{title}</title>"
    yield _STYLE
    yield f'<rect class="paper" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="6"/>'
    yield f'<text class="t" x="18" y="28">{title}</text>'
    for x, kind, name in ((_WIDTH - 210, "ours", "hactl"), (_WIDTH - 120, "theirs", "keepalived")):
        yield f'<circle class="{kind}" cx="{x}" cy="24" r="5"/><text x="{x + 12}" y="28">{name}</text>'


def _highest(chart: Chart) -> float:
    marks = [mark.most for line in chart.lines for mark in (line.ours, line.theirs) if mark]
    return max(10 * chart.lowest, *(2.5 * most for most in marks))


def _place(chart: Chart, value: float) -> float:
    """Where a value stands, from left to right."""
    share = math.log(max(value, chart.lowest) / chart.lowest) / math.log(_highest(chart) / chart.lowest)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _grid(chart: Chart, height: int) -> Iterator[str]:
    first, last = math.ceil(math.log10(chart.lowest)), math.floor(math.log10(_highest(chart)))
    for value in (10.0**power for power in range(first, last + 1)):
        x = _place(chart, value)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 14}" y2="{height - 32}"/>'
        yield f'<text class="s" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{value:g} {escape(chart.unit)}</text>'


def _body(chart: Chart) -> Iterator[str]:
    for number, line in enumerate(chart.lines):
        y = _TOP + _LINE * number + 10
        yield f'<text x="18" y="{y + 4}">{escape(line.label)}</text>'
        for kind, mark, at in (("ours", line.ours, y - 7), ("theirs", line.theirs, y + 8)):
            if mark:
                yield from _mark(chart, kind, mark, at)


def _mark(chart: Chart, kind: str, mark: Mark, y: int) -> Iterator[str]:
    least, middle, most = (_place(chart, value) for value in mark[:3])
    yield f'<line class="{kind}" x1="{least:.1f}" x2="{most:.1f}" y1="{y}" y2="{y}" stroke-width="3" stroke-opacity="0.45"/>'
    yield f'<circle class="{kind}" cx="{middle:.1f}" cy="{y}" r="4.5"/>'
    yield f'<text class="s" x="{most + 9:.1f}" y="{y + 4}">{escape(mark.text)}</text>'
