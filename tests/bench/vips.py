"""`PYTHONPATH=tests python -m bench.vips`: 1,000 VIPs, renewed and taken over; hactl and then keepalived."""

import argparse
from pathlib import Path

from bench.book import FOLDER, Book

from hactl.lab import guest
from support.many_vips import (
    FOUR,
    FRAMES,
    INTERVAL,
    LEASE,
    PACE,
    SIX,
    TO_SEND,
    Pair,
    hactl_pair,
    keepalived_pair,
    measure,
)

_SHARES = (0.5, 0.99, 0.999, 1.0)
_SIDES: dict[str, Pair] = {"hactl": hactl_pair, "keepalived": keepalived_pair}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.vips", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of renewals")
    parser.add_argument("--json", type=Path, default=FOLDER / "vips.json")
    asked = parser.parse_args()
    about = {"seconds": asked.seconds, "IPv4": FOUR, "IPv6": SIX, "interval": INTERVAL, "lease": LEASE}
    book = Book(asked.json, about | {"frames": FRAMES, "pace": PACE})
    print(
        f"{FOUR} VIPs of IPv4 and {SIX} of IPv6, adverts every {INTERVAL * 1000:.0f} ms, a lease of {LEASE} s"
    )
    print(f"(keepalived has no leases); {FRAMES} frames at {PACE} a second take {TO_SEND:.2f} s")
    print("            adverts late, ms                        takeover of all, s after its first act")
    print("            p50      p99    p99.9      max      gap  begun after  all held  all announced")
    for side, pair in _SIDES.items():
        with guest.raising_signals():
            renewed, taken = measure(pair, asked.seconds)
        late = [renewed.late[min(len(renewed.late) - 1, int(share * len(renewed.late)))] for share in _SHARES]
        times = "".join(f"{1000 * one:9.2f}" for one in (*late, renewed.gap))
        print(
            f"{side:<10}{times}{taken.waited:12.2f}{taken.held:11.2f}{taken.told:11.2f} ({taken.announced})",
            flush=True,
        )
        quantiles = {f"{share:g}": one for share, one in zip(_SHARES, late, strict=True)}
        book.add("renewals", {"side": side, "adverts": len(renewed.late), **quantiles, "gap": renewed.gap})
        book.add("takeover", {"side": side, **taken._asdict()})


if __name__ == "__main__":
    main()
