"""Threads of mails, their HTML, and where a webhook may not go."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.destinations import is_forbidden
from notify.event import EventKind
from notify.html import html
from notify.threads import thread
from support.alerts import event


def test_a_problem_and_its_end_are_one_thread() -> None:
    """The same subject, whatever happened to it; another subject is another thread; a digest of several is none."""
    down, up = event(EventKind.SERVER_DOWN, "rs1@www"), event(EventKind.SERVER_UP, "rs1@www")
    other = event(EventKind.SERVER_DOWN, "rs2@www")
    assert thread([down], "example.org") == thread([up], "example.org") == thread([down, up], "example.org")
    assert thread([other], "example.org") != thread([down], "example.org")
    assert thread([down, other], "example.org") is None


@given(st.text(), st.text())
def test_a_thread_is_a_sound_message_id(subject: str, cluster: str) -> None:
    """Whatever a subject contains."""
    about = thread(
        [
            event(
                subject=subject.encode("utf-8", "replace").decode(),
                cluster=cluster.encode("utf-8", "replace").decode(),
            )
        ],
        "example.org",
    )
    assert about is not None
    assert about.isascii()
    assert about.count("@") == 1


@pytest.mark.parametrize("count", [1, 2, 500])
def test_html_says_what_happened_and_no_markup_gets_in(count: int) -> None:
    """Escaped, nothing loaded, and a large digest stays short."""
    events = [event(subject=f"<b>{number}", reason="<img src=http://e.example/x>") for number in range(count)]
    text = html(events)
    assert "<b>0" not in text.replace("<td", "") or "&lt;b&gt;0" in text
    assert "<img" not in text
    assert "&lt;img" in text
    assert len(text) < 150_000


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254", "224.0.0.18", "ff02::1", "0.0.0.0",
        "::", "nonsense",
    ],
)  # fmt: skip
def test_nothing_is_posted_there(address: str) -> None:
    """Link-local, metadata, multicast, nobody."""
    assert is_forbidden(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.5", "192.168.1.1", "fd00::5", "93.184.216.34"]
)
def test_receivers_live_there(address: str) -> None:
    """Loopback, private and public networks."""
    assert is_forbidden(address) == ""


@given(st.ip_addresses())
def test_every_address_gets_an_answer(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """A word about each, never an exception."""
    assert isinstance(is_forbidden(str(address)), str)
