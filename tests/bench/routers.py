"""`PYTHONPATH=tests python -m bench.routers`: 250 routers of one interface, hactl and then keepalived."""

import argparse
from collections.abc import Callable
from pathlib import Path

from bench.book import FOLDER, Book

from hactl.lab import guest
from support.many_routers import COUNT, INTERVAL, LATE, Figures, measure_hactl, measure_keepalived

_MEASURES: dict[str, Callable[[float], Figures]] = {
    "hactl": measure_hactl,
    "keepalived": measure_keepalived,
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="bench.routers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each")
    parser.add_argument("--json", type=Path, default=FOLDER / "routers.json")
    asked = parser.parse_args()
    book = Book(asked.json, {"seconds": asked.seconds, "routers": COUNT, "interval": INTERVAL})
    print(f"{COUNT} routers on one interface, adverts every {INTERVAL:.0f} s, {asked.seconds:.0f} s:")
    for who, measure in _MEASURES.items():
        with guest.raising_signals():
            found = measure(asked.seconds)
        print(f"  {found.line(who)}", flush=True)
        late = {"late": sum(one > LATE for one in found.late), "worst": found.late[-1]}
        cpu = dict(zip(("master", "backup"), found.cpu, strict=True))
        book.add(
            "routers", {"side": who, "adverts": len(found.late), "routers": found.routers, **late, **cpu}
        )


if __name__ == "__main__":
    main()
