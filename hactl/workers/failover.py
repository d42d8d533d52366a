"""The failover worker: elections, VIPs, their leases and announcements, in a process of its own.

The law: nothing else runs here, and little is imported. When the supervisor dies this process releases, keeps the VIPs
renewed until a successor was heard, and only then goes; told to stop meanwhile it goes at once and leaves them on their
lease for the daemon that comes after it.
"""

import asyncio
import contextlib
import errno
import fcntl
import gc
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from failover.fence_words import FenceEnded, LastMaster
from failover.kernel import can_mark
from failover.manager import Manager
from failover.moves import State
from failover.peer.report import PeerReport
from failover.peering import Peering
from failover.priority import Known
from failover.report import Emptied, Remark, Report
from failover.spec import FailoverSpec, Standby
from hactl.processes.messages import (
    Commit,
    Discard,
    Handover,
    HoldBack,
    Judged,
    NoteLevel,
    Prepared,
    PrepareFailover,
    Resume,
    SharePayload,
    StandAside,
    Stop,
    ToWorker,
)
from hactl.workers import base, realtime
from hactl.workers.pulse import Pulse

SAY_SILENT_AFTER = 10.0
RELEASE_SILENT_AFTER = 30.0
_FOREVER = 10 * 365 * 86400.0
_ORPHAN_GOES_WITHIN = 3.0
_LOOK_EVERY = 0.05
_LOOK_AT_SUPERVISOR = 1.0
_LOCK = "hhqqi"
"""struct flock: type, whence, start, length, process."""


class FailoverHandler:
    """The inside of the failover worker."""

    def __init__(self, send: base.Send, *, realtime: bool) -> None:
        self._send = send
        self._manager = Manager(self._tell, moved=self._moved, realtime=realtime)
        self._peering = Peering(self._manager, self._tell)
        self._handing = self._peering.handing
        self._prepared: dict[int, PrepareFailover] = {}
        self._done = asyncio.Event()
        self._heard = time.monotonic()
        self._orphan = self._stopping = False
        self._silence = SAY_SILENT_AFTER
        self._released: set[str] = set()

    def receive(self, message: ToWorker) -> None:
        """Take one message; never waits. What the network said before goes first: we may have stood still."""
        self._hear_supervisor()
        self._manager.before_timer()
        match message:
            case PrepareFailover(generation, spec):
                refusal = _refusal(spec)
                if refusal is None:
                    self._prepared[generation] = message
                self._send(Prepared(generation, refusal))
            case Commit(generation) if generation in self._prepared and not self._stopping:
                self._commit(self._prepared[generation])
                self._prepared.clear()
            case SharePayload(version, data):
                self._peering.share(version, data)
            case Discard(generation):
                self._prepared.pop(generation, None)
            case Handover(router, hold):
                self._handing.give(router, hold=hold)
            case HoldBack(router, until, master):
                self._manager.orders.hold_back(router, until, master)
            case Judged(verdicts, settled, permits):
                known = {judgement.id: judgement for judgement in verdicts}
                self._manager.judge(Known(known, settled, permits))
            case StandAside(standby):
                self._stand_aside(standby)
            case FenceEnded() | LastMaster():
                self._manager.orders.fence(message)
            case Resume(router):
                self._manager.orders.resume(router)
            case Stop():
                self._stop()

    def _stand_aside(self, standby: Standby) -> None:
        """Hand over first, then with the lowest priority; nothing is held back from who comes then."""
        if standby is not Standby.OFF:
            self._handing.give(None, hold=0.0)
        self._manager.orders.set_standby(standby)
        self._moved()

    def _commit(self, prepared: PrepareFailover) -> None:
        self._manager.apply(prepared.spec, prepared.secrets)
        self._peering.apply(prepared.spec.channel, prepared.peer_keys)
        self._moved()

    def _moved(self) -> None:
        """A router's state moved, or a second has passed."""
        self._peering.stand(ending=self._stopping or self._orphan)
        self._peering.report()

    def lost(self, reason: str) -> None:
        """The supervisor died: release, and stay until a successor was heard."""
        if self._done.is_set():
            return
        self._orphan = True
        self._handing.give(None, hold=_FOREVER, forever=True)
        _say(f"supervisor lost ({reason}); releasing")
        self._leave_when_released()

    async def run(self) -> None:
        """Serve until stopped and empty."""
        asyncio.get_running_loop().set_exception_handler(self._fault)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch_supervisor())
            await self._done.wait()
            watch.cancel()
        self._peering.close()
        self._manager.close()

    def _stop(self) -> None:
        self._stopping = True
        self._moved()
        if self._orphan:
            self._done.set()
        else:
            chosen = self._handing.choose(None)
            self._manager.stop(named=chosen)
            self._handing.ask(chosen)

    def _fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A fault of the program: a router may stand still now. Go at once, the next worker inherits the VIPs."""
        fault = context.get("exception")
        text = f"{context['message']}: {type(fault).__name__}: {fault}"
        base.note(self._send, NoteLevel.ERROR, "fault of hactl; the worker ends", why=text)
        self._done.set()

    def _tell(self, report: Report | PeerReport) -> None:
        match report:
            case Emptied():
                self._done.set()
            case Remark(router, text, warning):
                level = NoteLevel.WARNING if warning else NoteLevel.INFO
                base.note(self._send, level, text, router=router)
            case _:
                self._send(report)
        if self._orphan:
            self._leave_when_released()

    def _leave_when_released(self) -> None:
        if self._manager.has_let_go():
            self._done.set()

    async def _watch_supervisor(self) -> None:
        """A supervisor that is alive but stands still cannot renew or reload: after a while others must serve."""
        before = time.monotonic()
        while True:
            await asyncio.sleep(_LOOK_AT_SUPERVISOR)
            now = time.monotonic()
            if now - before > 2 * _LOOK_AT_SUPERVISOR:
                # It was this process that stood still, perhaps with all others: count the silence from now.
                self._heard = now
            elif not self._orphan and now - self._heard > self._silence:
                self._supervisor_silent(now - self._heard)
            before = now

    def _supervisor_silent(self, silent: float) -> None:
        _say(f"no supervisor heard for {silent:.0f} s")
        if silent > RELEASE_SILENT_AFTER:
            self._released |= {r.spec.name for r in self._manager.routers() if r.state is State.MASTER}
            self._handing.give(None, hold=_FOREVER)
        self._silence += RELEASE_SILENT_AFTER - SAY_SILENT_AFTER

    def _hear_supervisor(self) -> None:
        """It is there (again): what was given up for its silence may be taken again."""
        self._heard = time.monotonic()
        self._silence = SAY_SILENT_AFTER
        released, self._released = self._released, set()
        for router in released:
            self._manager.orders.resume(router)


def _say(text: str) -> None:
    """A line for the log when there may be nobody to send it to; never fails."""
    with contextlib.suppress(OSError):
        os.write(2, f"hactl failover worker: {text}\n".encode())


def _refusal(spec: FailoverSpec) -> str | None:
    """What this version cannot run safely; facts of the host are no reason."""
    if spec.routers and not can_mark():
        return "this kernel is older than 5.18 and cannot mark addresses, so hactl could not tell its own from others"
    return None


def replace_orphan(lock: Path) -> int:
    """Take the lock that one failover worker of this state directory holds; an orphan that holds it is told to go.

    The kernel knows the holder, so nothing is written and no other process is ever meant. Returns the descriptor that
    keeps the lock. Raises OSError when the orphan does not go or there can be no such file.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + _ORPHAN_GOES_WITHIN
    while not _locked(descriptor):
        late = time.monotonic() > deadline
        if holder := _holder(descriptor):
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder, signal.SIGKILL if late else signal.SIGTERM)
        if time.monotonic() > deadline + _ORPHAN_GOES_WITHIN:
            raise OSError(errno.EBUSY, "another failover worker does not end", str(lock))
        time.sleep(_LOOK_EVERY)
    return descriptor


def _locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(descriptor: int) -> int:
    """The process that holds the lock (fcntl(2), F_GETLK), 0 for none."""
    asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, process = struct.unpack(_LOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return 0 if kind == fcntl.F_UNLCK else int(process)


def main() -> None:
    """Entry point: `python -I -m hactl.workers.failover --fd N --user NAME --lock PATH`."""
    options = base.options(sys.argv[1:])
    remarks = _alone(Path(options.lock)) if options.lock else ""
    kept = (base.CAP_NET_ADMIN, base.CAP_NET_RAW, *realtime.raise_limits())
    refused = realtime.become_realtime()
    remarks = "; ".join(filter(None, (remarks, refused)))
    base.drop_privileges(options.user, kept)
    gc.collect()
    gc.freeze()

    asyncio.run(_serve(options.fd, remarks))


async def _serve(fd: int, remarks: str) -> None:
    """Serve the supervisor on its socket, with these remarks for the log."""
    real, pulses = realtime.is_realtime(), contextlib.ExitStack()

    def build(send: base.Send) -> FailoverHandler:
        if remarks:
            base.note(send, NoteLevel.WARNING, remarks)
        pulses.callback(Pulse(send, realtime=real).close)
        return FailoverHandler(send, realtime=real)

    with pulses:
        await base.serve(fd, build)


def _alone(lock: Path) -> str:
    """See that no other failover worker works here. A disk that refuses is no reason not to serve: it is said."""
    try:
        replace_orphan(lock)
    except OSError as error:
        if error.errno == errno.EBUSY:
            _say("another failover worker does not end")
            sys.exit(1)
        return (
            f"{lock} cannot be used ({error.strerror}); a worker left over from a former daemon is not ended"
        )
    return ""


if __name__ == "__main__":
    main()
