"""The kernel's side of addresses: writes in a thread of their own, events in the loop.

Owns the two rtnetlink sockets. The law: a write that took longer than it was good for is undone before anything else,
because by then another director may hold the address; and nothing here decides what to write.
"""

import contextlib
import errno
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable

from failover import link_wire, ways, wire
from failover.buffers import enlarge
from failover.host import Host
from failover.kernel_job import Job
from failover.place import Bearer, Bearing, Place
from failover.ways import Way

_NETLINK_ROUTE = 0
_SOL_NETLINK, _EXT_ACK, _GET_STRICT_CHK = 270, 11, 12
_GROUPS = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR."""
_EVENT_BUFFER = 4 << 20
_EVENTS_AT_MOST = 1 << 14
"""Messages read in one turn: more than that buffer holds. What a storm adds meanwhile waits for the next turn."""
_READ = 1 << 17
_CHUNK = 100
"""Addresses written in one go, so that a drop never waits behind a thousand renewals."""
_WRITER_PRIORITY = 10
_ANSWER_WITHIN = 2.0
_GUARD = 0.25
"""Seconds that a guarded job may outlast its time until the process dies: enough to undo it."""
_HARMLESS_WITHOUT_WAY = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.ENETUNREACH, errno.EINVAL)
_HARMLESS_ON_DELETE = (errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENXIO)


def write_error(job: Job) -> str:
    """What went wrong, in words; empty for nothing."""
    errors = (("addresses", job.error), ("routes and rules", job.way_error))
    return "; ".join(f"{what}: {os.strerror(error)}" for what, error in errors if error)


class AddressWriter:
    """The thread that writes addresses. Results reach the loop through `deliver`, in the order of the jobs."""

    def __init__(self, deliver: Callable[[Job], object], *, realtime: bool = False) -> None:
        self._deliver = deliver
        self._realtime = realtime
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting: list[Job] = []
        self._socket = open_route(0)
        self._socket.settimeout(_ANSWER_WITHIN)
        self._sequence = 0
        self._thread = threading.Thread(target=self._run, name="addresses", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job. A drop makes the router's earlier jobs that still wait meaningless."""
        if job.lifetime is None:
            for earlier in self._waiting:
                if earlier.owner is job.owner and earlier.lifetime is not None:
                    earlier.cancelled = True
        self._waiting.append(job)
        self._jobs.put(job)

    def finished(self, job: Job) -> None:
        """The loop has taken the job's result."""
        self._waiting.remove(job)

    def close(self) -> None:
        """End after the jobs that wait."""
        self._jobs.put(None)
        self._thread.join(timeout=_ANSWER_WITHIN)
        self._socket.close()

    def _run(self) -> None:
        if self._realtime:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_WRITER_PRIORITY))
        while (job := self._jobs.get()) is not None:
            started = time.monotonic()
            self._perform(job)
            job.took = time.monotonic() - started
            self._deliver(job)

    def _perform(self, job: Job) -> None:
        """Do it. A guarded job's process dies when it outlasts its time: one that stood still between its look at the clock
        and the kernel would put on what somebody else has by then. The signal is there before it goes on."""
        if not job.guarded:
            self._do(job)
            return
        left = job.void_after - time.monotonic() + _GUARD
        signal.setitimer(signal.ITIMER_REAL, max(left, _GUARD))
        self._do(job)
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _do(self, job: Job) -> None:
        if job.lifetime is None:
            self._way(ways.take, job.ways, _HARMLESS_WITHOUT_WAY)
        if not (job.cancelled or time.monotonic() > job.void_after):
            job.error = self._bear(job.bearers)
        if job.lifetime is None:
            job.error = self._delete(job.places) or job.error
            return
        for start in range(0, len(job.places), _CHUNK):
            if job.cancelled or time.monotonic() > job.void_after:
                break
            job.error = self._put(job.places[start : start + _CHUNK], job.lifetime, job.mark) or job.error
        if not job.cancelled and time.monotonic() > job.void_after:
            job.voided = True
            self._bear(tuple(Bearer(bearer.index, Bearing.DOWN) for bearer in job.bearers))
            self._delete(job.places)
        elif not job.cancelled:
            job.way_error = self._way(ways.put, job.ways, (errno.EEXIST,))

    def _way(
        self, make: Callable[[int, Way], bytes], there: tuple[Way, ...], harmless: tuple[int, ...]
    ) -> int:
        if not there:
            return 0
        return self._exchange([make(self._next(), way) for way in there], harmless)

    def _bear(self, bearers: tuple[Bearer, ...]) -> int:
        if not bearers:
            return 0
        requests = [link_wire.bear(self._next(), bearer) for bearer in bearers]
        return self._exchange(requests, (errno.ENODEV,))

    def _put(self, places: tuple[Place, ...], lifetime: int, mark: int) -> int:
        requests = [
            wire.put_address(self._next(), p.index, p.address, p.prefix, lifetime, p.label, mark)
            for p in places
        ]
        return self._exchange(requests, ())

    def _delete(self, places: tuple[Place, ...]) -> int:
        error = 0
        for start in range(0, len(places), _CHUNK):
            chunk = places[start : start + _CHUNK]
            requests = [wire.delete_address(self._next(), p.index, p.address, p.prefix) for p in chunk]
            error = self._exchange(requests, _HARMLESS_ON_DELETE) or error
        return error

    def _next(self) -> int:
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        return self._sequence

    def _exchange(self, requests: list[bytes], harmless: tuple[int, ...]) -> int:
        """Send and gather every answer; the last errno that is not harmless, 0 for none."""
        error = 0
        try:
            self._socket.send(b"".join(requests))
            last = self._sequence
            while True:
                for answer in wire.read(self._socket.recv(_READ)):
                    if not isinstance(answer, wire.Answer):
                        continue
                    if answer.errno and answer.errno not in harmless:
                        error = answer.errno
                    if answer.sequence == last:
                        return error
        except OSError as failure:
            return failure.errno or errno.ETIMEDOUT


class EventSocket:
    """Events about interfaces and addresses. After an overrun they count from where the queue was empty again: until then
    the kernel drops what is new without another word, and what still waits is older than the picture that mends it."""

    def __init__(self) -> None:
        self._lost = False
        self._socket = open_route(_GROUPS)
        enlarge(self._socket, _EVENT_BUFFER)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def read(self) -> list[wire.Link | wire.Address] | None:
        """The events that have arrived; None when some were lost, so that the picture must be made anew."""
        events: list[wire.Link | wire.Address] = []
        for _ in range(_EVENTS_AT_MOST):
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                lost, self._lost = self._lost, False
                return None if lost else events
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                self._lost = True
                continue
            if not self._lost:
                events += [e for e in wire.read(data) if not isinstance(e, wire.Answer)]
        return None if self._lost else events


def picture() -> Host:
    """Interfaces and addresses as they are now, from two dumps of their own socket. Raises OSError."""
    host = Host()
    with contextlib.closing(open_route(0)) as sock:
        sock.settimeout(_ANSWER_WITHIN)
        for sequence, request in enumerate((wire.dump_links, wire.dump_addresses), 1):
            while not _dump(sock, request(sequence), sequence, host):
                continue
    return host


def _dump(sock: socket.socket, request: bytes, sequence: int, host: Host) -> bool:
    """Perform one dump into the picture; False when the kernel says that it changed meanwhile."""
    sock.send(request)
    while True:
        for value in wire.read(sock.recv(_READ)):
            if not isinstance(value, wire.Answer):
                host.apply(value)
            elif value.sequence == sequence:
                if value.errno:
                    raise OSError(value.errno, os.strerror(value.errno))
                return not value.interrupted


def open_route(groups: int = 0, *, strict: bool = False) -> socket.socket:
    """A socket to rtnetlink, joined to these groups. `strict`: a dump brings only what its header asks for."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
    sock.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
    if strict:
        sock.setsockopt(_SOL_NETLINK, _GET_STRICT_CHK, 1)
    sock.bind((0, groups))
    return sock


def can_mark(release: str = os.uname().release) -> bool:
    """Whether this kernel keeps IFA_PROTO, by which our addresses are told from an operator's (5.18)."""
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int("".join(c for c in minor if c.isdigit()) or 0)) >= (5, 18)
