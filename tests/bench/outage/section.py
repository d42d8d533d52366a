"""The outages' part of the page: a chart and a table for each advert interval.

Its law: text from samples alone.
"""

from collections.abc import Iterator, Sequence

from bench.book import Document
from bench.chart import Chart, Line, Mark, svg
from bench.outage.acts import ONLY_OURS, SPLITS
from bench.outage.samples import Figures, Sample
from bench.outage.table import Row, rows
from bench.outage.targets import Promise, lease, ratio_text
from bench.section import Section, conditions, number, table, time

_HEAD = ("", "keepalived", "hactl", "ratio, 95 % sure", "two with the VIP", "connections kept", "targets")
_ABSENT = ("not played", "has none")
_SAID = """The longest time that a client got no answer when something happens to the master, asked each millisecond: median
and range of so many. Both programs play in turns on equal labs, at random moments between adverts. hactl's directors have
their channel over a second link, which keepalived has not. keepalived hands over by a lower priority and a reload; the ratio
of hactl's handover is to keepalived's orderly stop. *Two with the VIP* is the longest time that two kernels had it (hactl /
keepalived): it is watched until a little after the lease, so what keepalived leaves then stays for ever. *Connections kept*:
TCP connections that were open through the directors as routers.

Targets: the gap at most 0.3 of keepalived's where the link goes down, 1.0 where nothing arrives, 0.15 at a stop and a
handover, 50 ms where processes are killed or frozen; two with the VIP for no longer than the lease and 0.1 s; no new
connection fails at a handover, a stop, a return; as many open connections kept as with keepalived. A ratio is met where its
interval of 95 % confidence reaches it. The first row is the meter's own share, some 0.8 ms: at adverts of 10 ms that alone
is 0.15 of keepalived's gap at a stop, and hactl's 1 to 2 ms are the same as at any other interval.
Linux looks for a lease that is over up to 0.6 s late (it rounds that moment up to a whole second where this is less than a
quarter away): where a successor needs less than 0.3 s, at adverts of 10 and 30 ms, some frozen masters have their VIP for a
little longer than the lease and 0.1 s. To renew at moments that the kernel does not round was thought of and not built: by
its source they are others on each core.
"""


def outages(found: Document) -> Section:
    """All intervals."""
    samples = [Sample(**one) for one in found.of("outage")]
    text = [f"## A director fails\n\n{_SAID}\n{conditions(found.conditions)}\n"]
    pictures = {}
    for interval in sorted({one.interval for one in samples}):
        mine = [one for one in samples if one.interval == interval]
        name = f"measured-outage-{1000 * interval:.0f}.svg"
        title = f"Longest time without an answer, adverts each {words(interval)}"
        pictures[name] = svg(Chart(title, "ms", 0.5, [_line(row) for row in rows(mine)]))
        text.append(
            f"### Adverts each {words(interval)}\n\n![{title}](pictures/{name})\n\n{_sizes(mine)}\n\n{_table(mine)}"
        )
    return Section("\n".join(text), pictures)


def words(interval: float) -> str:
    """An interval as one says it."""
    return f"{interval:g} s" if interval >= 1 else f"{1000 * interval:g} ms"


def _line(row: Row) -> Line:
    return Line(row.act.text, _mark(row.ours), _mark(row.theirs) if row.theirs else None)


def _mark(found: Figures) -> Mark:
    return Mark(1000 * found.least, 1000 * found.gap, 1000 * found.most, time(found.gap))


def _table(samples: Sequence[Sample]) -> str:
    return table(_HEAD, map(_cells, rows(samples)))


def _sizes(samples: Sequence[Sample]) -> str:
    """How many samples each figure is from."""
    sizes = {one.size for row in rows(samples) for one in (row.ours, row.theirs) if one}
    return f"n = {min(sizes)} of each." if len(sizes) == 1 else f"n = {min(sizes)} to {max(sizes)} of each."


def _cells(row: Row) -> tuple[str, ...]:
    return tuple(_cell(row))


def _cell(row: Row) -> Iterator[str]:
    yield row.act.text
    yield _gap(row.theirs) if row.theirs else _ABSENT[row.act in ONLY_OURS]
    yield _gap(row.ours)
    yield ratio_text(row.ratio) if row.ratio else ""
    yield " / ".join(_overlap(row, one) for one in (row.ours, row.theirs) if one)
    yield " / ".join(f"{one.kept} of {one.held}" for one in (row.ours, row.theirs) if one and one.held)
    yield _judged(row.promises)


def _gap(found: Figures) -> str:
    p99 = "" if found.p99 is None else f", p99 {number(found.gap, found.p99)}"
    spread = f"{number(found.gap, found.least)} to {number(found.gap, found.most)}"
    return f"{time(found.gap)} ({spread}{p99})"


def _overlap(row: Row, found: Figures) -> str:
    beyond = found.overlap > lease(row.interval) + 0.1 and row.act not in SPLITS
    return "for ever" if beyond and found is row.theirs else time(found.overlap) if found.overlap else "never"


def _judged(kept: Sequence[Promise]) -> str:
    broken = [f"**not met:** {one.text}, {one.found}" for one in kept if not one.kept]
    return "; ".join(broken) or ("met" if kept else "")
