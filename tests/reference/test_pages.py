"""The reference: nothing is missing from it, and both of its forms are sound."""

import subprocess
from pathlib import Path

import pytest

from failover.moves import Cause
from hactl.cli import cli
from hactl.config.load import json_schema
from hactl.reference.__main__ import main, pages
from hactl.reference.page import Entry, Page, Section, manual, markdown
from health.result import Reason
from notify.event import EventKind


def page(title: str) -> Page:
    """One of the pages."""
    return next(page for page in pages() if page.title == title)


def terms(found: Page) -> set[str]:
    """All its terms."""
    return {entry.term for section in found.sections for entry in section.entries}


def test_every_key_is_there_with_a_text() -> None:
    """Each property of each object of the schema, under the path by which an operator reaches it."""
    schema = json_schema()
    wanted = {
        *schema["properties"],
        *(key for one in schema["$defs"].values() for key in one.get("properties", {})),
    }
    found = page("Configuration")
    assert terms(found) == wanted
    titles = [section.title for section in found.sections]
    assert "routers.NAME" in titles
    assert "checks.NAME (type: http)" in titles
    assert {"checks.NAME", "notify.NAME"} <= set(titles), "what all kinds share stands once"
    assert len(titles) == len(set(titles)) == len(schema["$defs"]) + 3
    assert [e.term for s in found.sections for e in s.entries if not e.text] == []


def test_every_event_and_reason_is_there_with_a_text() -> None:
    """The closed lists, whole."""
    assert {kind.value for kind in EventKind} <= terms(page("Events"))
    assert {one.value for one in (*Reason, *Cause)} <= terms(page("Reasons"))
    assert all(e.text for title in ("Events", "Reasons") for s in page(title).sections for e in s.entries)


def test_every_verb_is_there() -> None:
    """With its usage."""
    titles = [section.title for section in page("Commands").sections]
    for verb in cli.commands if cli.commands else ["run", "status", "drain"]:
        assert any(title.startswith(f"hactl {verb}") for title in titles), verb


@pytest.mark.parametrize("form", ["man", "markdown"])
def test_what_is_written(form: str, tmp_path: Path) -> None:
    """One file a page; man(1)'s own formatter has nothing to complain of."""
    main(form, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == len(pages())
    for file in files if form == "man" else []:
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", str(file)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_odd_texts_stay_texts() -> None:
    """No line of a text begins a request of troff's, no mark of Markdown's acts."""
    odd = Page(
        title="T", name="t", number=7, short="s",
        sections=(Section("S", ".so /etc/passwd", (Entry("'x", "|", r"\fBbold\fR *b* <i>"),)),),
    )  # fmt: skip
    lines = manual(odd, "0", "2026-01-01").splitlines()
    assert not any(line.startswith((".so", "'x")) for line in lines)
    assert r"\efBbold\efR" in lines[-1]
    assert r"\*b\* \<i\>" in markdown(odd)
