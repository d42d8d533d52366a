"""`PYTHONPATH=tests python -m bench.page`: docs/measurements.md and its charts from what the bench has written.

A part that was not measured is not on the page. Nothing is written by hand there.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import failover_sections, scale_section, sections
from bench.book import FOLDER, Document, read
from bench.flows.section import flows
from bench.outage.section import outages
from bench.section import Section

PAGE = Path("docs/measurements.md")
BOOKS: Mapping[str, Callable[[Document], Section]] = {
    "outage": outages,
    "flows": flows,
    "removal": sections.removals,
    "removal-ipvs": sections.removals,
    "adverts": sections.adverts,
    "routers": sections.routers,
    "burdens": failover_sections.burdens,
    "vips": failover_sections.vips,
    "rest": failover_sections.rest,
    "health": sections.checks,
    "sharing": scale_section.sharing,
    "scale": scale_section.table,
}
_HEAD = """# Measurements

<!-- Written by `make bench-page` from build/bench/*.json: change the bench, not this page. -->

hactl beside keepalived, on the same machine in the same run, on equal labs of network namespaces. Everybody can measure it
again: `make bench` (less than half an hour) or `make bench-full` (everything, a day), then `make bench-page`. What the
figures mean for a choice between the two: [compared with keepalived](keepalived.md). Hardware has cables and drivers
besides; the programs' share is what is compared here.
"""


def write(books: Path, page: Path) -> list[str]:
    """Makes the page and its pictures; the names of the parts that are on it."""
    found = {
        name: make(read(path)) for name, make in BOOKS.items() if (path := books / f"{name}.json").exists()
    }
    folder = page.parent / "pictures"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("measured-*.svg"):
        old.unlink()
    for section in found.values():
        for name, picture in section.pictures.items():
            (folder / name).write_text(picture)
    page.write_text("\n".join((_HEAD, *(section.text for section in found.values()))))
    return list(found)


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(prog="bench.page", description=__doc__)
    parser.add_argument("--books", type=Path, default=FOLDER)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    if not any(asked.books.glob("*.json")):
        parser.error(f"nothing was measured yet: {asked.books} is where `make bench` writes")
    print(f"{asked.page}: {', '.join(write(asked.books, asked.page))}")


if __name__ == "__main__":
    main()
