"""Shows a record to a browser: the page and the report by day and by night, and the screen of `hactl top`."""

import asyncio
import re
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, sync_playwright

from hactl.cli.top import Top
from notify.event import Event, EventKind, Severity
from screenshots.story import Record
from support.fake_page import fake_page

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb")
WIDTH = 1180
TERMINAL = (132, 24)
SCHEMES = ("light", "dark")
SHOWN_EVERY = 1.05
"""Seconds between two statuses on the page, which takes no more than one a second."""
PNG = b"\x89PNG\r\n\x1a\n"


def take(folder: Path, into: Path) -> Iterator[Path]:
    """All pictures, one after another; gives each file."""
    record = msgspec.json.decode((folder / "record.json").read_bytes(), type=Record)
    program = shutil.which("chromium")
    assert program is not None, "etc/setup test installs chromium"
    screen = asyncio.run(top(record))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield from page(browser, record, into)
        for scheme in SCHEMES:
            yield shot(browser, (folder / "report.html").as_uri(), into / f"report-{scheme}.png", scheme)
        (folder / "top.svg").write_text(screen)
        yield shot(browser, (folder / "top.svg").as_uri(), into / "top.png", "dark", element="svg")
        browser.close()


def page(browser: Browser, record: Record, into: Path) -> Iterator[Path]:
    """The page, after it has watched the whole record."""
    with fake_page() as served:
        served.commands.snapshot = record.statuses[0][1]
        served.commands.history = [(row["row"], event(row)) for row in record.events]
        address = f"http://127.0.0.1:{served.port}/"
        tabs = {scheme: browser.new_context(color_scheme=scheme, viewport={"width": WIDTH, "height": 800}).new_page()
                for scheme in SCHEMES}  # fmt: skip
        for tab in tabs.values():
            tab.goto(address)
        for _, status in record.statuses[1:]:
            served.commands.snapshot = status
            time.sleep(SHOWN_EVERY)
        for scheme, tab in tabs.items():
            yield kept(tab.screenshot(full_page=True), into / f"page-{scheme}.png")
        phone = tabs["light"]
        phone.set_viewport_size({"width": 390, "height": 844})
        yield kept(phone.screenshot(), into / "page-phone.png")


def event(row: dict[str, Any]) -> Event:
    """A row of the history as the store gives it."""
    fields = {name: row[name] for name in ("id", "cluster", "node", "subject", "old", "new", "reason")}
    at = (
        msgspec.convert(row["at"], float, strict=False)
        if not isinstance(row["at"], str)
        else moment(row["at"])
    )
    return Event(kind=EventKind(row["kind"]), severity=Severity(row["severity"]), at=at, **fields)


def moment(text: str) -> float:
    """Wall-clock seconds of a time as the API writes it."""
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


async def top(record: Record) -> str:
    """The screen as SVG, after two statuses some seconds apart; its fonts are the machine's."""
    shown = [record.statuses[-5], record.statuses[-1]]

    class Recorded:
        def get(self, _: str) -> dict[str, Any]:
            return shown[0][1] if app._now is None else shown[1][1]

    app = Top(
        Recorded(), 3600.0, lambda: shown[0][0] if app._before is None and app._now is None else shown[1][0]
    )
    async with app.run_test(size=TERMINAL) as pilot:
        await pilot.pause(0.5)
        app.look()
        await pilot.pause(0.5)
        svg = app.export_screenshot(title="hactl top")
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def shot(browser: Browser, address: str, file: Path, scheme: Any, element: str = "") -> Path:
    """A picture of a file, or of one element of it."""
    tab = browser.new_context(color_scheme=scheme, viewport={"width": WIDTH, "height": 600}).new_page()
    tab.goto(address)
    picture = tab.locator(element).screenshot() if element else tab.screenshot(full_page=True)
    tab.context.close()
    return kept(picture, file)


def kept(picture: bytes, file: Path) -> Path:
    """The PNG packed as tightly as zlib can, without what is not needed to see it."""
    pieces, data, at = [], b"", len(PNG)
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        if kind == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            pieces.append(chunk(kind, picture[at + 8 : at + 8 + length]))
        at += 12 + length
    packed = zlib.compress(zlib.decompress(data), 9)
    file.write_bytes(PNG + b"".join(pieces) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return file


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
