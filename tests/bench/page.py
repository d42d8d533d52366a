"""`PYTHONPATH=tests python -m bench.page`: docs/measurements.md and its charts from what the bench has written.

Owns how the page is put together. The law: nothing is written by hand there. A part that was measured here takes its old
one's place, and its samples are kept beside the page; every other part stays as it is, with the conditions of its own day.
"""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from bench import failover_sections, scale_section, sections
from bench.book import FOLDER, Document, read
from bench.flows.section import flows
from bench.outage.section import outages
from bench.section import Section

PAGE = Path("docs/measurements.md")
KEPT = "measured"
"""The folder beside the page that keeps the samples."""
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
_MARK = "<!-- part {} -->"
"""Before each part, so that it can be renewed alone."""
_HEAD = """# Measurements

<!-- Written by `make bench-page` from build/bench/*.json: change the bench, not this page. -->

hactl beside keepalived, on the same machine in the same run, on equal labs of network namespaces. Everybody can measure it
again: `make bench` (less than half an hour) or `make bench-full` (everything, a day), then `make bench-page`, which renews
the parts that were measured and leaves the others, each with its day and its conditions. What the figures mean for a choice
between the two: [compared with keepalived](keepalived.md). Hardware has cables and drivers besides; the programs' share is
what is compared here.
"""


def write(books: Path, page: Path) -> list[str]:
    """Makes the page and its pictures; the names of the parts that are on it."""
    pictures = page.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    parts = _parts(page.read_text()) if page.exists() else {}
    for name, document in _measured(books, page.parent / KEPT):
        section = BOOKS[name](document)
        parts[name] = f"{section.text}\n[The samples]({KEPT}/{name}.json).\n"
        for file, picture in section.pictures.items():
            (pictures / file).write_text(picture)
    shown = [name for name in BOOKS if name in parts]
    text = "\n".join((_HEAD, *(f"{_MARK.format(name)}\n\n{parts[name]}" for name in shown)))
    page.write_text(text)
    for old in pictures.glob("measured-*.svg"):
        if f"({pictures.name}/{old.name})" not in text:
            old.unlink()
    return shown


def _measured(books: Path, kept: Path) -> Iterator[tuple[str, Document]]:
    """The parts whose samples there are: of here, which are kept from now on, or else those that were kept."""
    kept.mkdir(exist_ok=True)
    for name in BOOKS:
        here, there = books / f"{name}.json", kept / f"{name}.json"
        if here.exists():
            there.write_bytes(msgspec.json.encode(read(here)) + b"\n")
        if there.exists():
            yield name, read(there)


def _parts(text: str) -> dict[str, str]:
    """The page's parts by name, as they stand there."""
    _, *found = re.split(_MARK.format(r"(\S+)") + r"\n+", text)
    return {name: f"{body.rstrip()}\n" for name, body in zip(found[::2], found[1::2], strict=True)}


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(prog="bench.page", description=__doc__)
    parser.add_argument("--books", type=Path, default=FOLDER)
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    if not any(asked.books.glob("*.json")) and not any((asked.page.parent / KEPT).glob("*.json")):
        parser.error(f"nothing was measured yet: {asked.books} is where `make bench` writes")
    print(f"{asked.page}: {', '.join(write(asked.books, asked.page))}")


if __name__ == "__main__":
    main()
