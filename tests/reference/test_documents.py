"""README and docs/: what they show and name is there: commands, events, files, headings, pictures, rooms."""

import copy
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from failover.wire import BY_HAND, OURS
from hactl.cli import cli
from hactl.config.load import load
from hactl.config.schema.routers import Router
from hactl.realserver.model import MARK
from hactl.reference.__main__ import pages
from hactl.reference.page import markdown
from notify.event import EventKind
from support.walk import blocks

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```sh[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.MULTILINE | re.DOTALL
REFERENCE: dict[str, str | Path] = {f"{page.title.lower()}.md": markdown(page) for page in pages()}
REFERENCE["example.md"] = ROOT / "etc" / "hactl.yaml"
KINDS = {kind.value for kind in EventKind}
FAMILIES = {kind.partition(".")[0] for kind in KINDS}


def commands(document: Path) -> Iterator[str]:
    """Every hactl command of its shell blocks."""
    for block in BLOCK.findall(document.read_text()):
        for line in block.splitlines():
            for part in re.split(r"&&|\|\||;", line.partition(" #")[0]):
                if part.strip().startswith("hactl "):
                    yield part.strip()


def parse(words: list[str]) -> None:
    """Parse as the command line would, and do nothing. Raises click.UsageError."""
    group: click.Command = cli
    context: click.Context | None = None
    while isinstance(group, click.Group):
        inner = group.make_context("hactl", words, parent=context)
        _, found, words = group.resolve_command(inner, [*inner._protected_args, *inner.args])
        assert found is not None
        group, context = found, inner
    group.make_context("hactl", words, parent=context)


def test_the_marks_of_addresses_are_written_as_ip_address_shows_them() -> None:
    """It shows a number without a name in hexadecimal (iproute2 6.4, rtnl_addrprot_n2a); Debian 12's shows none."""
    for name, marks in (
        ("operation", (OURS, MARK, BY_HAND)),
        ("failover", (OURS,)),
        ("real-servers", (MARK,)),
    ):
        lines = [
            line for line in (ROOT / "docs" / f"{name}.md").read_text().splitlines() if "proto 0x" in line
        ]
        assert [f"`proto {mark:#x}`" in line for line in lines for mark in marks] == [True] * len(marks)


KEEPALIVED_HAS_NONE = {"lease", "lease_alone", "checksum", "takeover", "fence"}
"""Keys of a router for which keepalived has no words."""


def test_whoever_moves_from_keepalived_finds_every_key_of_a_router() -> None:
    """Its words have an equal here as soon as there is one, and none of these is called missing."""
    table = (
        (ROOT / "docs" / "migration.md").read_text().partition("## keepalived.conf")[2].partition("\n## ")[0]
    )
    here = " ".join(line.rpartition("| `")[2] for line in table.splitlines() if "no equal" not in line)
    assert [
        key for key in Router.model_fields.keys() - KEEPALIVED_HAS_NONE if not re.search(rf"\b{key}\b", here)
    ] == []


@pytest.mark.parametrize(("name", "line"), [(d.name, line) for d in DOCUMENTS for line in commands(d)])
def test_a_command_is_taken(name: str, line: str) -> None:
    """Its verb, options and arguments are there."""
    parse(shlex.split(line)[1:])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_events_and_links_are_there(document: Path) -> None:
    """A word in the form of an event is one, and a link to a file of ours leads to it, and to a heading that it has."""
    text = document.read_text()
    named = set(re.findall(r"`(\w+\.[a-z_]+)`", text))
    assert {word for word in named if word.partition(".")[0] in FAMILIES and "_file" not in word} <= KINDS | {
        "peer.links",
        "service.md",
    }
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if target.startswith("http"):
            continue
        place = document.parent / target if target else document
        page = REFERENCE[place.name] if target.startswith("reference/") else place
        assert page if isinstance(page, str) else page.exists(), target
        assert not anchor or place.suffix != ".md" or anchor in anchors(page), f"{target}#{anchor}"


def anchors(page: str | Path) -> set[str]:
    """The anchor of each heading, as GitHub and the pages' own builder make it."""
    text = re.sub(r"^```.*?^```", "", page if isinstance(page, str) else page.read_text(), flags=FENCED)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def test_the_pages_list_every_document() -> None:
    """What mkdocs.yml lists is there, and all of it."""
    listed = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    ours = {document.name for document in DOCUMENTS if document.name != "README.md"}
    assert listed == ours | {f"reference/{name}" for name in REFERENCE}


def test_pictures_are_small_and_used() -> None:
    """Below 150 kB each, and every one is shown somewhere."""
    text = "".join(document.read_text() for document in DOCUMENTS)
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size < 150_000, picture
        assert picture.name in text or picture.name == "favicon.svg", picture


def test_every_room_is_named() -> None:
    """The table of rooms names each package of the program, and nothing else."""
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## Rooms")[2]
    named = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([\w/]+)/`", line.split("|")[1])
    }
    rooms = {str(init.parent.relative_to(ROOT)) for init in (ROOT / "hactl").glob("*/__init__.py")}
    assert named == rooms | {"health", "failover", "notify", "etc", "tests"}


def test_the_walked_pages_are_walked_whole() -> None:
    """Each block of commands names its hosts, so that the walk (tests/ipvs/test_first_cluster.py) runs it."""
    for method in ("nat", "dr", "tun"):
        text = (ROOT / "docs" / f"first-cluster-{method}.md").read_text()
        assert len([b for b in blocks(text) if b.language == "sh" and b.hosts]) == text.count("```sh")


EXAMPLE = yaml.safe_load((ROOT / "etc" / "hactl.yaml").read_text())
YAML = re.compile(r"^```yaml[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def completed(part: dict[str, Any]) -> dict[str, Any]:
    """A whole file, where a document shows a part of one: the rest is the example's. Of a router parts may be shown."""
    if "cluster" in part:
        return part
    whole: dict[str, Any] = copy.deepcopy(EXAMPLE)
    for key, value in part.items():
        for name, thing in value.items() if isinstance(value, dict) else ():
            former = whole.setdefault(key, {}).get(name)
            whole[key][name] = {**former, **thing} if key == "routers" and former else thing
        if not isinstance(value, dict):
            whole[key] = value
    return whole


@pytest.mark.parametrize(
    ("name", "text"), [(d.name, block) for d in DOCUMENTS for block in YAML.findall(d.read_text())]
)
def test_a_piece_of_configuration_is_sound(name: str, text: str, tmp_path: Path) -> None:
    """As it stands there."""
    file = tmp_path / "hactl.yaml"
    file.write_text(yaml.safe_dump(completed(yaml.safe_load(text))))
    assert load(str(file)).faults == ()
