"""The page in a real Chromium: what is seen, what operators do, and that thousands of servers do not slow it down."""

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from hactl.control.commands import AckRequest, Action, HandoverRequest, OverrideRequest
from support.fake_daemon import event
from support.fake_page import TOKEN, FakePage

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMELESS = """[...document.querySelectorAll('button, select, input')]
    .filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels && e.labels.length)).map(e => e.outerHTML)"""
LONGEST = """window.longest = 0; window.last = performance.now(); setInterval(() => {
    const now = performance.now(); window.longest = Math.max(window.longest, now - window.last); window.last = now;
}, 10)"""
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests here."""
    program = shutil.which("chromium")
    assert program is not None, "etc/setup test installs chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def seen(browser: Browser, page: FakePage) -> Iterator[Page]:
    """It, opened; nothing may be complained of in the console, and nothing be asked of another host."""
    complaints: list[str] = []
    asked: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    tab = browser.new_page()
    tab.on("console", hear)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"http://127.0.0.1:{page.port}/")
    expect(tab.locator("#link")).to_have_text("live")
    yield tab
    tab.close()
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {f"127.0.0.1:{page.port}"}


def changed(page: FakePage) -> dict[str, Any]:
    """A copy of the present snapshot, to be altered."""
    copy: dict[str, Any] = json.loads(json.dumps(page.commands.snapshot))
    return copy


def test_what_an_operator_sees_at_a_glance(seen: Page) -> None:
    """What is wrong, who holds what, which server is out and why."""
    expect(seen.locator("#verdict")).to_contain_text("service www: degraded, 2 of 4 servers in service")
    expect(seen.locator("#directors .card").nth(0)).to_contain_text("holds web")
    expect(seen.get_by_role("table", name="Servers of www").locator("tr", has_text="rs3")).to_contain_text(
        "page: connection refused"
    )
    expect(seen.locator("#events li").nth(0)).to_contain_text("server.down rs3@www")
    expect(seen).to_have_title("△ web · hactl")


def test_a_change_is_seen_without_a_reload(page: FakePage, seen: Page) -> None:
    """Health, verdict and events follow; a row that stays is the same element."""
    row = seen.get_by_role("table", name="Servers of www").locator("tr", has_text="rs3")
    row.evaluate("row => { row.dataset.mark = 'same'; }")
    snapshot = changed(page)
    snapshot["services"]["www"]["servers"]["rs3"] |= {
        "health": "up",
        "reason": "ok",
        "active": True,
        "weight": 1,
    }
    page.commands.snapshot = snapshot
    page.call(lambda: page.server.emit(event(9)))
    expect(row.locator(".pill")).to_have_text("up")
    assert row.evaluate("row => row.dataset.mark") == "same"
    expect(seen.locator("#events li").nth(0)).to_contain_text("rs9@www")


def test_text_is_text(page: FakePage, seen: Page) -> None:
    """What a probed server says is shown and never becomes markup."""
    snapshot = changed(page)
    snapshot["services"]["www"]["servers"]["rs1"]["reason"] = "<img src=x onerror=document.title='owned'>"
    page.commands.snapshot = snapshot
    cell = seen.get_by_role("table", name="Servers of www").locator("tr", has_text="rs1").locator(".why")
    expect(cell).to_have_text("<img src=x onerror=document.title='owned'>")
    expect(seen).to_have_title("△ web · hactl")


def test_an_operator_drains_and_hands_over(page: FakePage, seen: Page) -> None:
    """With the token there are buttons; each asks once more, and what is done is told."""
    assert seen.get_by_role("button", name="Drain rs1 in www").count() == 0
    seen.get_by_role("button", name="Operate…").click()
    seen.get_by_label("Token").fill(TOKEN)
    seen.get_by_role("button", name="Use it").click()
    seen.get_by_role("button", name="Drain rs1 in www").click()
    seen.get_by_label("For").select_option("3600")
    seen.get_by_label("Reason").fill("new disk")
    seen.locator("#act-ok").click()
    expect(seen.locator("#toast")).to_contain_text("Drain rs1 in www: done.")
    seen.get_by_role("button", name="Hand over").click()
    seen.locator("#act-ok").click()
    expect(seen.locator("#toast")).to_contain_text("web: lb2 is master")
    drain, handover = (asked for asked, _ in page.commands.asked)
    assert drain == OverrideRequest(
        action=Action.DRAIN, server="rs1", service="www", for_seconds=3600, reason="new disk"
    )
    assert handover == HandoverRequest(router="web")


def test_who_knows_of_what_is_wrong(page: FakePage, seen: Page) -> None:
    """A problem that nobody knows of comes first; an operator acknowledges it there, and with its end it is gone."""
    section = seen.locator("section", has=seen.locator("#problems"))
    expect(section).to_be_hidden()
    problem = {
        "topic": "server",
        "event": "server.down",
        "severity": "warning",
        "since": "2026-11-26T12:00:00.000Z",
    }
    expect(seen.locator("#verdict")).to_contain_text("service www")
    known = {"by": "alice", "at": "2026-11-26T12:01:00.000Z", "reason": "disk ordered", "target": "rs7"}
    snapshot = changed(page)
    snapshot["problems"] = {
        "server rs7@www": {**problem, "subject": "rs7@www", "reason": "closed", "acknowledged": known},
        "server rs3@www": {**problem, "subject": "rs3@www", "reason": "refused", "acknowledged": None},
    }
    snapshot["problem_counts"] = {"open": 5, "acknowledged": 1}
    snapshot["problems"]["service www"] = {
        **problem,
        "subject": "www",
        "reason": "1 of 4",
        "acknowledged": known,
    }
    page.commands.snapshot = snapshot
    rows = section.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(seen.locator("#verdict")).not_to_contain_text("service www")
    expect(rows.nth(0)).to_contain_text("nobody yet")
    expect(rows.nth(1)).to_contain_text("by alice: disk ordered")
    expect(section).to_contain_text("and 2 more")
    seen.get_by_role("button", name="Operate…").click()
    seen.get_by_label("Token").fill(TOKEN)
    seen.get_by_role("button", name="Use it").click()
    rows.nth(0).get_by_role("button", name="Acknowledge").click()
    seen.get_by_label("Reason").fill("on it")
    seen.locator("#act-ok").click()
    expect(seen.locator("#toast")).to_contain_text("Acknowledge server rs3@www: done.")
    rows.nth(1).get_by_role("button", name="Take back").click()
    seen.locator("#act-ok").click()
    expect(seen.locator("#toast")).to_contain_text("Take back what was said of rs7: done.")
    assert [asked for asked, _ in page.commands.asked] == [
        AckRequest(subjects=("rs3@www",), reason="on it"),
        AckRequest(subjects=("rs7",), undo=True),
    ]
    seen.set_viewport_size({"width": 360, "height": 800})
    assert seen.evaluate("document.documentElement.scrollWidth") <= 360
    page.commands.snapshot = changed(page) | {"problems": {}}
    expect(section).to_be_hidden()


def test_a_wrong_token_is_forgotten(page: FakePage, seen: Page) -> None:
    """It says so, and the buttons go."""
    seen.get_by_role("button", name="Operate…").click()
    seen.get_by_label("Token").fill("wrong")
    seen.get_by_role("button", name="Use it").click()
    seen.get_by_role("button", name="Standby").click()
    seen.locator("#act-ok").click()
    expect(seen.locator("#toast")).to_have_text("this is not the token; role operate is needed")
    expect(seen.get_by_role("button", name="Standby")).to_have_count(0)
    assert page.commands.asked == []


def test_a_lost_daemon_is_seen(page: FakePage, seen: Page) -> None:
    """What is shown is then called old; when the daemon is back, so is the page."""
    port = page.port
    page.call(lambda: page.door.want(None))
    page.call(lambda: [t.close() for t in [c.transport for c in connections(page)] if t is not None])
    expect(seen.locator("#link")).to_contain_text("old")
    page.call(lambda: page.door.want(f"127.0.0.1:{port}"))
    expect(seen.locator("#link")).to_have_text("live")


def connections(page: FakePage) -> list[Any]:
    """The open connections of the server."""
    runner = page.server.runner
    assert runner is not None
    assert runner.server is not None
    return list(runner.server.connections)


def test_every_control_has_a_name_and_the_page_a_language(seen: Page) -> None:
    """What a screen reader needs, and the keyboard: names, a language, headings in order, a way past the header."""
    assert seen.evaluate("document.documentElement.lang") == "en"
    assert seen.evaluate(NAMELESS) == []
    levels = seen.evaluate(
        "[...document.querySelectorAll('main h2, main h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 2
    seen.keyboard.press("Tab")
    assert seen.evaluate("document.activeElement.textContent") == "Skip to the services"


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_phone(page: FakePage, seen: Page, width: int) -> None:
    """Nothing makes the page wider than the screen."""
    seen.set_viewport_size({"width": width, "height": 800})
    assert seen.evaluate("document.documentElement.scrollWidth") <= width


def test_five_thousand_servers_fail_and_the_page_answers(page: FakePage, seen: Page) -> None:
    """All at once: the verdict follows, and the browser's thread is never away for long."""
    snapshot = changed(page)
    server = snapshot["services"]["www"]["servers"]["rs1"]
    servers = {
        f"s{number}": {**server, "address": f"10.1.{number // 250}.{number % 250}"} for number in range(5000)
    }
    snapshot["services"]["www"] |= {
        "servers": servers,
        "state": "up",
        "reason": "5000 of 5000 servers in service",
    }
    page.commands.snapshot = snapshot
    expect(seen.locator("#service-list details").nth(0)).to_contain_text("5000 of 5000 in service")
    seen.evaluate(LONGEST)
    down = {name: {**s, "health": "down", "active": False, "weight": 0} for name, s in servers.items()}
    failed = changed(page)
    failed["services"]["www"] |= {"servers": down, "state": "down", "reason": "no server is healthy"}
    began = time.monotonic()
    page.commands.snapshot = failed
    expect(seen.locator("#verdict")).to_contain_text("no server is healthy")
    assert time.monotonic() - began < 15
    longest = seen.evaluate("window.longest")
    assert longest < 5000, f"the page stood still for {longest:.0f} ms"
