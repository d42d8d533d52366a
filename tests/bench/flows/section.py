"""The page's part on connections through IPVS.

Its law: text from samples alone.
"""

from collections.abc import Iterator, Sequence

from bench.book import Document
from bench.flows.sides import Means
from bench.outage.acts import Act
from bench.section import Section, conditions, table, verdict

_SAID = """Of so many TCP connections through IPVS (direct routing) so many went on when their director failed. Either
the kernels tell each other of them (`sync`, keepalived's `lvs_sync_daemon`), or both directors choose the same server
(`mh`, `sloppy_tcp`). Measured in the lab kernel, so only the shares count. Target: no smaller a share than keepalived's.
"""


def flows(found: Document) -> Section:
    """Every act, by each means."""
    rows = table(("", "known by", "keepalived", "hactl", "target"), _rows(found.of("flow")))
    return Section(f"## Connections through IPVS\n\n{_SAID}\n{conditions(found.conditions)}\n\n{rows}", {})


def _rows(samples: Sequence[dict[str, object]]) -> Iterator[tuple[str, ...]]:
    for means in Means:
        for act in Act:
            sides = {}
            for side in ("keepalived", "hactl"):
                mine = [
                    one for one in samples if (one["side"], one["means"], one["act"]) == (side, means, act)
                ]
                sides[side] = [sum(int(str(one[name])) for one in mine) for name in ("kept", "held")]
            (kept, held), (rivals, of) = sides["hactl"], sides["keepalived"]
            if held:
                judged = verdict(kept * of >= rivals * held) if of else ""
                theirs = f"{rivals} of {of}" if of else "not played"
                yield act.text, means.text, theirs, f"{kept} of {held}", judged
