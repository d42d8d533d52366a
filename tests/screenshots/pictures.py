"""Shows a record to a browser: the page and the report by day and by night, and the screen of `hactl top`."""

import asyncio
import base64
import re
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from playwright.sync_api import Browser, FloatRect, sync_playwright
from screenshots.story import Record

from hactl.cli.top import Top
from notify.event import Event, EventKind, Severity
from support.fake_page import fake_page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--force-color-profile=srgb",
    "--disable-lcd-text",
)
WIDTH = 1180
TERMINAL = (132, 24)
FOLDED = ("dr", "tun", "ssh")
"""Services of which the page's picture shows one line only."""
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SETTLED = 1.5
"""Seconds until the page, which takes one status a second, has drawn the last."""
FEW_COLOURS = """async encoded => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + encoded)).blob());
    const {width, height} = image, canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const pixels = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer), often = new Map();
    for (const pixel of pixels) often.set(pixel, (often.get(pixel) || 0) + 1);
    const parts = pixel => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255, pixel >>> 24];
    const ordered = [...often].sort((a, b) => b[1] - a[1]).map(([pixel]) => pixel);
    const kept = ordered.slice(0, 256), place = new Map();
    kept.forEach((pixel, at) => place.set(pixel, at));
    const shades = kept.map(parts), far = (a, b) => a.reduce((sum, part, at) => sum + (part - b[at]) ** 2, 0);
    for (const pixel of ordered.slice(256)) {
        const own = parts(pixel); let best = 0, least = Infinity;
        shades.forEach((shade, at) => { const away = far(own, shade); if (away < least) { least = away; best = at; } });
        place.set(pixel, best);
    }
    const places = Uint8Array.from(pixels, pixel => place.get(pixel));
    let text = "";
    for (let at = 0; at < places.length; at += 32768)
        text += String.fromCharCode(...places.subarray(at, at + 32768));
    return {width, height, colours: shades.flat(), places: btoa(text)};
}"""
"""Gives the picture's size, its colours (four numbers each), and for each point the place of its colour."""
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
        width = round(float(screen.partition('viewBox="0 0 ')[2].partition(" ")[0]))
        (folder / "top.html").write_text(f"<!doctype html><body style='margin: 0'>{screen}")
        yield shot(browser, (folder / "top.html").as_uri(), into / "top.png", "dark", width)
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
            if record.wall:
                tab.clock.install(time=record.wall)
            tab.goto(address)
        began = time.monotonic() - record.statuses[0][0]
        for at, status in record.statuses[1:]:
            time.sleep(max(0.0, began + at - time.monotonic()))
            served.commands.snapshot = status
        time.sleep(SETTLED)
        for scheme, tab in tabs.items():
            for folded in FOLDED:
                tab.locator("summary", has=tab.get_by_text(folded, exact=True)).first.click()
            tab.evaluate("window.scrollTo(0, 0)")
            events = tab.locator("#events").bounding_box()
            assert events is not None
            seen: FloatRect = {"x": 0, "y": 0, "width": WIDTH, "height": events["y"] + events["height"] + 20}
            yield kept(browser, tab.screenshot(full_page=True, clip=seen), into / f"page-{scheme}.png")
        phone = tabs["light"]
        phone.set_viewport_size({"width": 390, "height": 844})
        yield kept(browser, phone.screenshot(), into / "page-phone.png")


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
    shown = [record.statuses[-4], record.statuses[-1]]

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


def shot(
    browser: Browser, address: str, file: Path, scheme: Literal["light", "dark"], width: int = WIDTH
) -> Path:
    """A picture of a whole page."""
    tab = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 200}).new_page()
    tab.goto(address)
    kept(browser, tab.screenshot(full_page=True, omit_background=True), file)
    tab.context.close()
    return file


def kept(browser: Browser, picture: bytes, file: Path) -> Path:
    """The picture in at most 256 colours, which screens of text do not need more of, packed tightly."""
    tab = browser.new_page()
    found = tab.evaluate(FEW_COLOURS, base64.b64encode(picture).decode())
    tab.close()
    width, height = found["width"], found["height"]
    places = base64.b64decode(found["places"])
    lines = b"".join(b"\0" + places[at : at + width] for at in range(0, width * height, width))
    colours = bytes(found["colours"])
    opaque = b"".join(colours[at : at + 3] for at in range(0, len(colours), 4))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    pieces = (
        (b"IHDR", head), (b"PLTE", opaque), (b"tRNS", colours[3::4]), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""),
    )  # fmt: skip
    file.write_bytes(PNG + b"".join(chunk(kind, data) for kind, data in pieces))
    return file


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
