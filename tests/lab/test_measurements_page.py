"""The page of measurements follows from what the bench writes down, and from nothing else."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from bench import page
from bench.book import Book, conditions, read
from bench.figures import Growth, Load, Reload, Removal
from bench.mortals import Way
from bench.outage.acts import ALL, ONLY_OURS
from bench.outage.samples import Sample

ROOT = Path(__file__).parents[2]
LATE = {"p50": 0.1, "p99": 4.0, "p99.9": 9.0, "max": 12.0}


def outages() -> list[dict[str, Any]]:
    """A sample of every act from each side, at two intervals; keepalived is a hundred times slower."""
    return [
        Sample(side, interval, act, gap, 0.5, 0, 0, 10, 10, 0.2)._asdict()
        for interval in (0.01, 1.0)
        for act in ALL
        for side, gap in (("hactl", 0.003), ("keepalived", 0.3))
        if side == "hactl" or act not in ONLY_OURS
    ]


def removals(*, kernel: bool) -> list[Removal]:
    """Every setting."""
    return [
        Removal(program, way.value, kernel, 1.0, retries, again, 3, (0.5 + retries,) * 3)
        for program in ("hactl", "keepalived")
        for way in Way
        for retries, again in ((0, 1.0), (1, 1.0), (1, 0.5))
    ]


def books(folder: Path) -> None:
    """One of each part."""
    advert = {
        "interval": 0.01,
        "adverts": 6000,
        "0.5": 0.0,
        "0.99": 0.001,
        "0.999": 0.002,
        "1": 0.003,
        "gap": 0.02,
    }
    router = {"adverts": 14750, "late": 0, "routers": 250, "worst": 0.003, "master": 0.04, "backup": 0.02}
    sides = ("hactl", "keepalived")
    load = [Load(side, "tcp", 1000, 1.0, 2.0, 1.0, 999.0, 50.0, 5.0, LATE, 90.0, 30.0) for side in sides]
    content: dict[str, list[tuple[str, Any]]] = {
        "outage": [("outage", one) for one in outages()],
        "adverts": [("adverts", advert | {"realtime": real, "moves": 0}) for real in (True, False)],
        "routers": [("routers", router | {"side": side}) for side in sides],
        "burdens": [("burdens", advert | {"burden": "idle", "realtime": True, "moves": 0})],
        "vips": [
            row
            for side in sides
            for row in (
                ("renewals", advert | {"side": side}),
                ("takeover", {"side": side, "waited": 0.3, "held": 0.1, "told": 1.8, "announced": 1000}),
            )
        ],
        "rest": [
            (
                "rest",
                {
                    "side": side,
                    "routers": 1,
                    "servers": 100,
                    "pss": 110.0,
                    "rss": 200.0,
                    "cpu": 0.02,
                    "failover": 26.0,
                },
            )
            for side in sides
        ],
        "removal": [("removal", one) for one in removals(kernel=False)],
        "removal-ipvs": [("removal", one) for one in removals(kernel=True)],
        "flows": [
            ("flow", {"side": side, "means": means, "act": "term", "kept": 19, "held": 20})
            for side in sides
            for means in ("sync", "hash")
        ],
        "health": [
            *(("load", one) for one in load),
            ("reload", Reload("hactl", 10_000, 10, 10, 0.8, 0.2, 0.4)),
            ("growth", Growth("hactl", "tcp", 2.0, 6.0)),
        ],
    }
    for name, samples in content.items():
        book = Book(folder / f"{name}.json", {"count": 1, "frames": 1800, "pace": 1000})
        for kind, one in samples:
            book.add(kind, one)


def test_every_part_is_on_the_page(tmp_path: Path) -> None:
    """With the conditions, judged, and with charts that are whole; old charts are gone; names of the host are nowhere."""
    books(tmp_path)
    (tmp_path / "docs/pictures").mkdir(parents=True)
    (tmp_path / "docs/pictures/measured-of-yore.svg").write_text("")
    parts = page.write(tmp_path, tmp_path / "docs/measurements.md")
    text = (tmp_path / "docs/measurements.md").read_text()
    assert set(parts) == {
        "outage", "adverts", "routers", "burdens", "vips", "rest", "flows", "removal", "removal-ipvs", "health",
    }  # fmt: skip
    assert text.count("\n## ") == len(parts)
    assert text.count(f"keepalived {conditions()['keepalived']}; count 1") == len(parts)
    assert "| 0.01 [0.01-0.01] |" in text
    assert "**not met**" in text, "as long as keepalived to a removal is not 0.7 of it"
    pictures = {path.name for path in (tmp_path / "docs/pictures").iterdir()}
    assert pictures == {
        "measured-outage-10.svg", "measured-outage-1000.svg", "measured-removal.svg", "measured-removal-ipvs.svg",
    }  # fmt: skip
    for name in pictures:
        assert f"(pictures/{name})" in text
        ElementTree.parse(tmp_path / "docs/pictures" / name)


def test_a_part_is_renewed_alone(tmp_path: Path) -> None:
    """The others stay as they were, with their charts; so does one whose samples nobody has any more."""
    books(tmp_path / "first")
    place = tmp_path / "docs/measurements.md"
    page.write(tmp_path / "first", place)
    (tmp_path / "docs/measured/removal.json").unlink()
    before = place.read_text()
    again = Book(tmp_path / "second/routers.json", {"count": 77})
    again.add(
        "routers", {"side": "hactl", "adverts": 4711, "late": 0, "worst": 0.0, "master": 0.0, "backup": 0.0}
    )
    assert len(page.write(tmp_path / "second", place)) == 10
    changed = [line for line in place.read_text().splitlines() if line not in before.splitlines()]
    assert len(changed) == 2
    assert "count 77" in changed[0]
    assert changed[1].startswith("| hactl | 4711 |")
    assert (tmp_path / "docs/pictures/measured-removal.svg").exists()


def test_the_samples_are_kept_beside_the_page(tmp_path: Path) -> None:
    """Whole, and the page leads to them; from them alone the same page comes again."""
    books(tmp_path)
    place = tmp_path / "docs/measurements.md"
    page.write(tmp_path, place)
    text = place.read_text()
    for name in page.BOOKS:
        if (tmp_path / f"{name}.json").exists():
            assert read(tmp_path / f"docs/measured/{name}.json") == read(tmp_path / f"{name}.json")
            assert f"(measured/{name}.json)" in text
    place.unlink()
    page.write(tmp_path / "nothing", place)
    assert place.read_text() == text


def test_a_book_is_whole_after_each_sample(tmp_path: Path) -> None:
    """An abort loses none of those that were written."""
    book = Book(tmp_path / "deeper" / "part.json", {"count": 2})
    for number in range(2):
        book.add("kind", {"number": number})
        found = read(tmp_path / "deeper" / "part.json")
        assert found.of("kind") == [{"number": n} for n in range(number + 1)]
        assert found.conditions["count"] == 2


@pytest.mark.parametrize("name", ["docs/measurements.md", "docs/pictures/measured-outage-100.svg"])
def test_the_page_that_is_kept_is_one_of_these(name: str) -> None:
    """It stands in docs/ with its charts."""
    assert (ROOT / name).exists()
