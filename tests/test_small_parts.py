"""Back-off, small files, events' severities, the log, systemd's socket, the link's first moments."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from failover.moves import Cause, State
from failover.priority import Seen, Word
from failover.report import Alarm, Renewal, RouterReport
from failover.spec import TrackKind
from hactl import store
from hactl.events import of_alarm, of_router, of_tracked
from hactl.processes.backoff import LONGEST, STEADY, Backoff
from hactl.processes.ipc import LIMIT, Framer, Link, LinkError, connect
from hactl.processes.messages import Beat, FromFailover, FromHealth, FromNotify, FromWorker
from hactl.status.picture import Clock, wall_text
from hactl.supervisor.sdnotify import Systemd
from notify.event import EventKind, Severity
from support.alerts import until


def test_backoff() -> None:
    """None, then doubling from a second to a minute; forgotten after a steady life."""
    waits, backoff = [], Backoff()
    for _ in range(9):
        waits.append(backoff.wait)
        backoff = backoff.longer()
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST]
    assert backoff.after_life(STEADY - 1) == backoff
    assert backoff.after_life(STEADY) == Backoff()


def test_replace_is_whole(tmp_path: Path) -> None:
    """A file is replaced, its rights are the owner's alone, and no draft is left."""
    file = tmp_path / "f"
    store.replace(file, b"one")
    store.replace(file, b"two")
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["f"]


def test_load(tmp_path: Path) -> None:
    """A missing file is empty, a broken one is set aside with a sentence, one that cannot be read is a sentence."""
    file = tmp_path / "f"
    assert store.load(file, int, 0) == (0, "")
    file.write_bytes(b"7")
    assert store.load(file, int, 0) == (7, "")
    file.write_bytes(b"seven")
    value, text = store.load(file, int, 0)
    assert value == 0
    assert f"moved to {file}.broken" in text
    file.mkdir()
    assert store.load(file, int, 0) == (0, f"{file} cannot be read: Is a directory")


def test_trouble(tmp_path: Path) -> None:
    """A directory that can be written is no trouble; one that is not there is, in words."""
    assert store.trouble(tmp_path) == ""
    assert os.listdir(tmp_path) == []
    assert "No such file or directory" in store.trouble(tmp_path / "gone")


def report(state: State, cause: Cause, old: State | None) -> RouterReport:
    """A report with what matters here."""
    return RouterReport(
        router="web", state=state, cause=cause, reason="why", since=0.0, priority=100, base_priority=100, master="",
        transitions=1, drops={}, lateness=0.0, renewal=0.0, neighbours={}, lease=2, holding=(), old=old,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "cause", "old", "kind", "severity"),
    [
        (State.BACKUP, Cause.STARTED, State.INIT, EventKind.ROUTER_BACKUP, Severity.INFO),
        (State.MASTER, Cause.MASTER_SILENT, State.BACKUP, EventKind.ROUTER_MASTER, Severity.WARNING),
        (State.FAULT, Cause.FAULT_FOUND, State.MASTER, EventKind.ROUTER_FAULT, Severity.CRITICAL),
    ],
)
def test_router_events(state: State, cause: Cause, old: State, kind: EventKind, severity: Severity) -> None:
    """A change is an event with the severity of its kind; starting to listen is routine."""
    found = of_router(report(state, cause, old))
    assert found is not None
    assert (found.kind, found.severity, found.old, found.new) == (kind, severity, old.value, state.value)


def test_no_change_is_no_event() -> None:
    """A regular report, and the end of a router, are no events."""
    assert of_router(report(State.MASTER, Cause.MASTER_SILENT, None)) is None
    assert of_router(report(State.INIT, Cause.STOPPED, State.MASTER)) is None


def test_alarms_are_events() -> None:
    """Refused adverts are the router's, a clock that was set is the director's; somebody is told of both."""
    refused = of_alarm(Alarm("web", "adverts of 10.99.0.2 are dropped"), "lb1")
    clock = of_alarm(Alarm("", "the clock of this host was set back by 3600 s"), "lb1")
    assert (refused.kind, refused.subject) == (EventKind.ROUTER_REFUSED, "web")
    assert (clock.kind, clock.subject) == (EventKind.DIRECTOR_CLOCK, "lb1")
    assert clock.reason == "the clock of this host was set back by 3600 s"
    assert {refused.severity, clock.severity} == {Severity.WARNING}


def seen(word: Word, reason: str = "") -> tuple[Seen, ...]:
    """One tracked script."""
    return (Seen(name="script disk", kind=TrackKind.SCRIPT, word=word, reason=reason, weight=0),)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (Word.UP, Word.DOWN, EventKind.TRACK_DOWN),
        (Word.DOWN, Word.UP, EventKind.TRACK_UP),
        (Word.UNKNOWN, Word.DOWN, EventKind.TRACK_DOWN),
        (None, Word.DOWN, EventKind.TRACK_DOWN),
        (Word.UNKNOWN, Word.UP, None),
        (None, Word.UP, None),
        (Word.UP, Word.UP, None),
        (Word.DOWN, Word.UNKNOWN, None),
    ],
)
def test_events_of_tracked_objects(old: Word | None, new: Word, kind: EventKind | None) -> None:
    """Each change is told once; that something is well at first is no news, nor that it is unknown after a reload."""
    base = report(State.BACKUP, Cause.STARTED, None)
    before = None if old is None else msgspec.structs.replace(base, track=seen(old))
    found = list(of_tracked(before, msgspec.structs.replace(base, track=seen(new, "full"))))
    assert [(e.kind, e.subject, e.reason) for e in found] == (
        [(kind, "script disk@web", "full")] if kind else []
    )


def test_framer_refuses_what_is_too_long() -> None:
    """A length beyond the limit ends the link before anything of it is kept."""
    with pytest.raises(LinkError):
        Framer().feed((LIMIT + 1).to_bytes(4, "big"))


def test_framer_puts_pieces_together() -> None:
    """Frames come out whole however the bytes arrive."""
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in (b"", b"a", b"bcd"))
    framer = Framer()
    assert [frame for byte in stream for frame in framer.feed(bytes([byte]))] == [b"", b"a", b"bcd"]


async def test_link_keeps_what_is_sent_before_it_is_connected() -> None:
    """A worker's first notes are said while its link is being made; they arrive, in order."""
    ends = socket.socketpair()
    heard: list[Beat] = []
    arrived = asyncio.Event()

    def hear(message: Beat) -> None:
        heard.append(message)
        if len(heard) == 3:
            arrived.set()

    early: Link[Beat] = Link(FromWorker)
    early.send(Beat(1.0))
    early.send(Beat(2.0))
    other = await connect(Link[Beat](FromWorker, hear), ends[0])
    await connect(early, ends[1])
    early.send(Beat(3.0))
    await asyncio.wait_for(arrived.wait(), 5.0)
    assert heard == [Beat(1.0), Beat(2.0), Beat(3.0)]
    early.close()
    other.close()
    await asyncio.sleep(0)
    early.send(Beat(4.0))


@pytest.mark.parametrize("says", [FromHealth, FromNotify], ids=["health", "notify"])
def test_unprivileged_workers_cannot_speak_of_addresses(says: object) -> None:
    """Bytes that the supervisor would write as root are taken from the failover worker only."""
    message = msgspec.msgpack.encode(Renewal(()))
    assert msgspec.msgpack.decode(message, type=FromFailover) == Renewal(())
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(message, type=says)


async def test_link_ends_at_what_is_no_message() -> None:
    """The reason is told, and later messages go nowhere."""
    ours, theirs = socket.socketpair()
    lost: list[str] = []
    link = await connect(Link[Beat](FromWorker, on_lost=lost.append), ours)
    with theirs:
        theirs.sendall((3).to_bytes(4, "big") + b"\xff\xff\xff")
        await until(lambda: lost)
    assert lost[0].startswith("not understood:")
    link.send(Beat(1.0))


def test_log_goes_on_without_a_reader() -> None:
    """A line to a pipe that nobody reads is lost; the program goes on."""
    program = (
        "import structlog; from hactl import log; log.configure()\n"
        "say = structlog.get_logger()\n"
        "for _ in range(3): say.warning('x')\n"
        "print('on')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        check=True,
        timeout=30,
    )
    os.close(writer)
    assert done.stdout == "on\n"


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready, reloading, stopping and the watchdog reach the socket; children do not inherit the address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        systemd = Systemd()
        assert "NOTIFY_SOCKET" not in os.environ
        assert systemd.watchdog == 10.0
        systemd.ready("3 routers")
        systemd.alive()
        systemd.stopping()
        said = [manager.recv(1000).decode() for _ in range(3)]
    assert said == ["READY=1\nSTATUS=3 routers", "WATCHDOG=1", "STOPPING=1"]


def test_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Systemd().ready("x")


def test_an_instant_keeps_its_words() -> None:
    """Both clocks are never read at quite the same instant, and are slewed: what was shown once stays as it was."""
    clock = Clock(100.0, 1_700_000_000.0)
    shown = clock.text(42.0)
    for wobble in (-0.05, -0.0004, 0.0, 0.0007, 0.05):
        assert clock.at(160.0, 1_700_000_160.0 + wobble).text(42.0) == shown


def test_a_clock_that_was_set_is_followed() -> None:
    """After an hour's step what is shown agrees with the other clocks of the room."""
    clock = Clock(100.0, 1_700_000_000.0).at(160.0, 1_700_000_160.0 - 3600)
    assert clock.text(160.0) == wall_text(1_700_000_160.0 - 3600)
