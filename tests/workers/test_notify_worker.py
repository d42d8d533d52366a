"""The notify worker as a process of its own: alerts, history, privileges, and death in the middle."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hactl.processes.ipc import Link, connect
from hactl.processes.messages import (
    AllowPrograms,
    ChannelReport,
    Commit,
    Discard,
    Emit,
    FromWorker,
    HistoryAnswer,
    HistoryQuery,
    Note,
    Prepared,
    PrepareNotify,
    Stop,
)
from hactl.processes.parts import Part, words
from notify.event import EventKind, Severity
from notify.spec import ChannelSpec, EmailSpec, ExecSpec, NotifySpec, WebhookSpec
from support.alerts import event, hook, until
from support.mail import mail_server
from support.processes import children

ROOT = Path(__file__).parents[2]
USER = "nobody" if os.geteuid() == 0 else ""
WHO = USER or pwd.getpwuid(os.geteuid()).pw_name
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing identity needs root")


class Worker:
    """A running worker and what it said."""

    def __init__(self, state: Path, parts: Iterable[Part] = Part) -> None:
        ours, theirs = socket.socketpair()
        self._allow, allowed = socket.socketpair()
        self.door, way = socket.socketpair()
        with theirs, allowed, way:
            command = [sys.executable, "-m", "hactl.workers.notify", "--fd", str(theirs.fileno())]
            self.process = subprocess.Popen(
                [
                    *(*command, "--allowed", str(allowed.fileno()), "--door", str(way.fileno())),
                    *("--user", USER, "--state-dir", str(state), *words(parts)),
                ],
                pass_fds=[theirs.fileno(), allowed.fileno(), way.fileno()],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        self._sock = ours
        self.said: list[Any] = []
        self.lost: list[str] = []
        self.link: Link[Any] = Link(FromWorker, self.said.append, self.lost.append)
        self.helper: Link[Any] = Link(type(None))
        self._generation = 0

    async def connect(self) -> None:
        """Join the links."""
        await connect(self.helper, self._allow)
        await connect(self.link, self._sock)

    def of(self, kind: type) -> list[Any]:
        """Messages of one kind."""
        return [message for message in self.said if isinstance(message, kind)]

    async def configure(self, *channels: ChannelSpec, secrets: dict[str, str] | None = None) -> None:
        """Prepare and commit a generation."""
        self._generation += 1
        spec = NotifySpec(channels=channels)
        self.link.send(PrepareNotify(self._generation, spec, "lb1", "web", secrets or {}))
        await until(lambda: Prepared(self._generation) in self.said)
        self.helper.send(AllowPrograms(spec.programs))
        self.link.send(Commit(self._generation))

    async def history(self, **fields: Any) -> list[tuple[int, Any]]:
        """Ask for history."""
        number = len(self.of(HistoryAnswer)) + 1
        self.link.send(HistoryQuery(number, **fields))
        await until(lambda: any(answer.id == number for answer in self.of(HistoryAnswer)))
        return list(self.of(HistoryAnswer)[-1].events)

    async def end(self) -> int:
        """Stop it in order; its exit status."""
        self.link.send(Stop("test"))
        await until(lambda: self.process.poll() is not None)
        return self.process.returncode

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.link.close()


@pytest.fixture
def state() -> Iterator[Path]:
    """A state directory that the worker's user can reach."""
    directory = Path(tempfile.mkdtemp(prefix="hactl-state-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


Start = Callable[[], Any]


@pytest.fixture
async def start(state: Path) -> AsyncIterator[Start]:
    """Starts workers on one state directory; all are gone afterwards."""
    workers: list[Worker] = []

    async def starter() -> Worker:
        worker = Worker(state)
        workers.append(worker)
        await worker.connect()
        return worker

    yield starter
    for worker in workers:
        if worker.process.poll() is None:
            worker.kill()
        worker.link.close()
        worker.door.close()
        worker.helper.close()
    await asyncio.sleep(0)


def webhook(url: str, name: str = "chat", **fields: Any) -> ChannelSpec:
    """A webhook channel."""
    return ChannelSpec(name=name, delivery=WebhookSpec(url=url), digest=0.2, **fields)


async def test_one_event_reaches_mail_webhook_and_program(start: Start, state: Path) -> None:
    """One event goes to all three kinds of channel, into the history and the reports."""
    told = state / "told"
    told.mkdir()
    told.chmod(0o777)
    script = state / "on-event"
    script.write_text(
        f'#!/bin/sh\necho "$HACTL_EVENT $HACTL_SUBJECT $(id -un)" > {told}/env\ncat > {told}/stdin\n'
    )
    script.chmod(0o755)
    with mail_server() as mails:
        async with hook() as receiver:
            worker = await start()
            await worker.configure(
                webhook(receiver.url),
                ChannelSpec(name="local", delivery=ExecSpec(command=(str(script),), user=WHO)),
                ChannelSpec(
                    name="ops",
                    delivery=EmailSpec(
                        to=("ops@example.org",),
                        sender="hactl@example.org",
                        server=f"smtp://127.0.0.1:{mails.port}",
                    ),
                ),
            )
            worker.link.send(Emit(event(number=1)))
            await until(lambda: receiver.requests and mails.mails and (told / "stdin").exists())
            await until(
                lambda: (
                    {report.name for report in worker.of(ChannelReport) if report.delivered == 1}
                    == {"chat", "local", "ops"}
                )
            )
            assert [found.id for _, found in await worker.history()] == ["event-1"]
            assert await worker.end() == 0
    assert (told / "env").read_text() == f"router.master web {WHO}\n"
    assert json.loads((told / "stdin").read_text())["reason"] == "no advert for 350 ms"
    assert mails.mails[0]["Subject"] == "[web/lb1] WARNING router web: backup -> master"


async def test_an_alert_outlives_kill_9(start: Start) -> None:
    """Killed while the receiver refuses it, the worker's successor delivers the alert, under its old id, once."""
    async with hook() as receiver:
        receiver.status = 503
        first = await start()
        await first.configure(webhook(receiver.url))
        first.link.send(Emit(event(number=1)))
        await until(lambda: len(receiver.requests) == 1)
        first.kill()
        receiver.status = 204
        second = await start()
        await second.configure(webhook(receiver.url))
        await until(lambda: len(receiver.requests) == 2)
        second.link.send(Emit(event(number=1)))
        second.link.send(Emit(event(number=2, subject="other")))
        await until(lambda: len(receiver.requests) == 3)
        delivered = [json.loads(body)["id"] for _, body in receiver.requests]
        assert delivered == ["event-1", "event-1", "event-2"]
        assert [found.id for _, found in await second.history()] == ["event-1", "event-2"]
        assert await second.end() == 0


async def test_what_is_emitted_just_before_the_stop_is_delivered(start: Start) -> None:
    """An event and a stop in one breath: the alert is out before the worker has ended, digest or not."""
    async with hook() as receiver:
        worker = await start()
        await worker.configure(
            ChannelSpec(name="chat", delivery=WebhookSpec(url=receiver.url), digest=3600.0)
        )
        worker.link.send(Emit(event(EventKind.DIRECTOR_STARTED, "lb1", severity=Severity.WARNING)))
        await until(lambda: len(receiver.requests) == 1)
        worker.link.send(Emit(event(EventKind.DIRECTOR_STOPPED, "lb1", severity=Severity.WARNING)))
        assert await worker.end() == 0
        assert len(receiver.requests) == 2


async def test_a_stop_does_not_wait_for_a_hanging_receiver(start: Start) -> None:
    """With a receiver that never answers the worker ends within seconds, and the alert stays in the spool."""
    async with hook() as receiver:
        receiver.delay = 60.0
        worker = await start()
        await worker.configure(webhook(receiver.url))
        worker.link.send(Emit(event(number=1)))
        await until(lambda: len(receiver.requests) == 1)
        assert await worker.end() == 0
        receiver.delay = 0.0
        successor = await start()
        await successor.configure(webhook(receiver.url))
        await until(lambda: len(receiver.requests) == 2)


async def test_5000_events_are_one_mail(start: Start) -> None:
    """A burst of 5,000 events is one mail that counts them, and all are in the history."""
    with mail_server() as mails:
        worker = await start()
        delivery = EmailSpec(
            to=("ops@example.org",), sender="hactl@example.org", server=f"smtp://127.0.0.1:{mails.port}"
        )
        await worker.configure(ChannelSpec(name="ops", delivery=delivery, digest=10.0))
        for number in range(5000):
            worker.link.send(Emit(event(EventKind.SERVER_DOWN, f"rs{number}", number=number)))
        await until(lambda: any(report.delivered == 5000 for report in worker.of(ChannelReport)), 30.0)
        assert [mail["Subject"] for mail in mails.mails] == [
            "[web/lb1] WARNING 5000 events: 5000 server.down"
        ]
        rows = await worker.history(after=4990)
        assert [row for row, _ in rows] == list(range(4991, 5001))
        newest = await worker.history(limit=2, last=True)
        assert [found.id for _, found in newest] == ["event-4998", "event-4999"]


async def test_a_discarded_generation_changes_nothing(start: Start) -> None:
    """Prepared, discarded, then committed all the same: the former channels go on."""
    async with hook() as receiver, hook() as other:
        worker = await start()
        await worker.configure(webhook(receiver.url))
        worker.link.send(PrepareNotify(9, NotifySpec(channels=(webhook(other.url),)), "lb1", "web", {}))
        worker.link.send(Discard(9))
        worker.link.send(Commit(9))
        worker.link.send(Emit(event()))
        await until(lambda: len(receiver.requests) == 1)
        assert other.requests == []


async def test_a_damaged_history_is_moved_aside_and_said(start: Start, state: Path) -> None:
    """A file of rubbish in the history's place is kept under another name, and the worker works."""
    (state / "history").mkdir()
    (state / "history" / "events.db").write_bytes(b"rubbish" * 1000)
    async with hook() as receiver:
        worker = await start()
        await worker.configure(webhook(receiver.url))
        worker.link.send(Emit(event(number=1)))
        await until(lambda: len(receiver.requests) == 1)
        assert [found.id for _, found in await worker.history()] == ["event-1"]
        assert any("damaged" in message.text for message in worker.of(Note))
        assert len(list((state / "history").glob("events.db.broken-*Z"))) == 1


@as_root
async def test_the_worker_and_its_helper_hold_no_more_rights_than_they_need(start: Start) -> None:
    """Worker: own user, no capability. Helper: own user, the right to change identity and to kill, no more."""
    worker = await start()
    await worker.configure()
    pid = worker.process.pid
    helpers = children(pid)
    assert len(helpers) == 1
    ours = _status(pid)
    await until(lambda: _status(helpers[0])["NoNewPrivs"] == "1")
    helper = _status(helpers[0])
    nobody = str(_uid(USER))
    assert ours["Uid"].split() == [nobody] * 4
    assert ours["Groups"].split() == []
    assert [int(ours[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")] == [0] * 5
    assert ours["NoNewPrivs"] == "1"
    assert helper["Uid"].split() == [nobody] * 4
    assert [int(helper[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")] == [
        1 << 5 | 1 << 6 | 1 << 7
    ] * 3
    worker.kill()
    await until(lambda: not Path(f"/proc/{helpers[0]}").exists() or _status(helpers[0])["State"][0] == "Z")


@as_root
async def test_a_state_directory_closed_to_the_worker_serves_all_the_same(start: Start, state: Path) -> None:
    """With a state directory that only root may enter, history and spool are on disk and outlive kill -9."""
    os.chmod(state, 0o700)
    async with hook() as receiver:
        receiver.status = 503
        first = await start()
        await first.configure(webhook(receiver.url))
        first.link.send(Emit(event(number=1)))
        await until(lambda: len(receiver.requests) == 1)
        first.kill()
        receiver.status = 204
        second = await start()
        await second.configure(webhook(receiver.url))
        await until(lambda: len(receiver.requests) == 2)
        assert [found.id for _, found in await second.history()] == ["event-1"]
        assert second.of(Note) == []
        assert await second.end() == 0


@as_root
async def test_the_history_belongs_to_the_workers_user_even_after_another_one(
    start: Start, state: Path
) -> None:
    """Files left by another user are given to this one; a link in their place is not followed."""
    directory = state / "history"
    directory.mkdir()
    outside = state / "outside"
    outside.write_text("mine")
    (directory / "link").symlink_to(outside)
    os.link(outside, directory / "second-name")
    worker = await start()
    await worker.configure()
    await worker.history()
    assert directory.stat().st_uid == _uid(USER)
    assert directory.stat().st_mode & 0o777 == 0o750
    assert (directory / "events.db").stat().st_mode & 0o777 == 0o640
    assert outside.stat().st_uid == 0


def _status(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid
