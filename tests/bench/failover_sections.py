"""The page's parts on what routers cost at rest, a thousand VIPs, and adverts beside heavy work.

Its law: text from a book's samples alone.
"""

from typing import Any

from bench.book import Document
from bench.section import Section, conditions, table, time, verdict

_REST = """Whole programs, all processes, master of all routers (adverts each 100 ms up to 16 routers, each second beyond).
Memory is PSS, where a page that several processes have counts once; RSS counts it in each.

Targets: the whole daemon at most 120 MB, its failover worker 40 MB, 3 % of a core with one router and 100 servers
checked every 2 s.
"""
_VIPS = """The adverts of a master while it renews all its leases, each third of 2 s, which keepalived has not; then its
successor, from its first act on, when the master is cut off.

Targets: no advert waits for a renewal (p99.9 at most 5 ms), and all are announced in the time that putting on the VIPs and
sending their frames take.
"""
_BURDENS = """How late a whole daemon's adverts are while it, or its host, has much else to do, and whether the VIP moved
for it, which it must not.

Target: p99.9 at most 5 ms, and no move.
"""
_MEMORY, _WORKER, _CPU = 120e6 / 2**20, 40e6 / 2**20, 0.03
_LATE = 0.005


def rest(found: Document) -> Section:
    """Memory and CPU at rest."""
    head = (
        "",
        "routers",
        "servers",
        "memory (PSS)",
        "RSS",
        "failover worker's RSS",
        "of a core",
        "targets",
    )
    rows = table(head, map(_rest, found.of("rest")))
    return Section(f"## At rest\n\n{_REST}\n{conditions(found.conditions)}\n\n{rows}", {})


def _rest(one: dict[str, Any]) -> tuple[str, ...]:
    judged = []
    if one["side"] == "hactl" and one["routers"] == 1:
        judged.append(f"memory: {verdict(one['pss'] <= _MEMORY)}")
        judged.append(f"worker: {verdict(one['failover'] <= _WORKER)}")
        if one["servers"]:
            judged.append(f"CPU: {verdict(one['cpu'] <= _CPU)}")
    worker = f"{one['failover']:.0f} MiB" if one["failover"] else ""
    return (
        one["side"],
        str(one["routers"]),
        str(one["servers"]),
        f"{one['pss']:.1f} MiB",
        f"{one['rss']:.0f} MiB",
        worker,
        f"{one['cpu']:.2%}",
        ", ".join(judged),
    )


def vips(found: Document) -> Section:
    """A thousand VIPs, renewed and taken over."""
    about = found.conditions
    to_send = about["frames"] / about["pace"]
    takeovers = {one["side"]: one for one in found.of("takeover")}
    rows = [_vips(one, takeovers[one["side"]], to_send) for one in found.of("renewals")]
    head = (
        "",
        "adverts late, p50",
        "p99",
        "p99.9",
        "worst",
        "longest gap",
        "all VIPs on",
        "all announced",
        "targets",
    )
    frames = f"{about['frames']} frames at {about['pace']} a second take {time(to_send)}.\n"
    return Section(f"## A thousand VIPs\n\n{_VIPS}\n{frames}\n{conditions(about)}\n\n{table(head, rows)}", {})


def _vips(one: dict[str, Any], taken: dict[str, Any], to_send: float) -> tuple[str, ...]:
    judged = ""
    if one["side"] == "hactl":
        in_time = taken["told"] <= taken["held"] + to_send
        judged = f"adverts: {verdict(one['0.999'] <= _LATE)}, takeover: {verdict(in_time)}"
    late = (f"{1000 * one[share]:.2f} ms" for share in ("0.5", "0.99", "0.999", "1"))
    return (one["side"], *late, time(one["gap"]), time(taken["held"]), time(taken["told"]), judged)


def burdens(found: Document) -> Section:
    """Adverts beside heavy work."""
    head = (
        "adverts each",
        "meanwhile",
        "scheduling",
        "sent",
        "p50",
        "p99",
        "p99.9",
        "worst",
        "moves",
        "target",
    )
    rows = table(head, map(_burden, found.of("burdens")))
    return Section(
        f"## Adverts beside heavy work\n\n{_BURDENS}\n{conditions(found.conditions)}\n\n{rows}", {}
    )


def _burden(one: dict[str, Any]) -> tuple[str, ...]:
    kept = one["0.999"] <= _LATE and not one["moves"]
    late = (f"{1000 * one[share]:.2f} ms" for share in ("0.5", "0.99", "0.999", "1"))
    how = "real time" if one["realtime"] else "not in real time"
    return (
        f"{1000 * one['interval']:.0f} ms",
        one["burden"],
        how,
        str(one["adverts"]),
        *late,
        str(one["moves"]),
        verdict(kept) if one["realtime"] else "",
    )
