"""Holding what was claimed by hand: writes, announces, listens to the kernel and to signals.

Performs the steps that `hactl.claims.claim_hold` decides. The law: dying at any line leaves a leased address to the kernel's
clock, and whatever else ends the process takes it off.
"""

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Callable, Sequence

from failover import arp, ndp
from failover.frames import FrameQueue
from failover.kernel import AddressWriter, EventSocket, picture
from failover.kernel_job import Job
from failover.place import Place
from failover.spec import AnnounceSpec
from failover.wire import BY_HAND, Link
from hactl.claims.claim import Claim, Lost, Refused, Released, Report, Taken, Wish
from hactl.claims.claim_hold import Announce, GiveUp, Hold, Step, Write

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Tell = Callable[[Report], None]


async def hold(wish: Wish, link: Link, tell: Tell) -> bool:
    """Take, then hold until a signal, the loss of all, or (without a lease) the end of the burst.

    True when none was lost. Raises Refused when nothing was taken; OSError from the kernel.
    """
    announce = AnnounceSpec(refresh=wish.refresh if wish.lease else 0.0)
    held = Hold(wish.claims, wish.lease, announce)
    with contextlib.closing(_Hand(link, announce, tell)) as hand:
        await hand.take(held)
        try:
            await hand.turn(held)
            tell(Taken(interface=link.name, addresses=tuple(map(str, held.claims)), lease=wish.lease or None))
            await hand.keep(held)
        finally:
            if wish.lease:
                await hand.remove(held.claims)
    if wish.lease and held.claims:
        tell(Released(interface=link.name, addresses=tuple(map(str, held.claims))))
    return not held.lost


async def submit(
    writer: AddressWriter, places: tuple[Place, ...], lifetime: int | None, void_after: float
) -> Job:
    """Give the writer a job and wait for its end; it must deliver by calling `done` in this loop."""
    done: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
    writer.submit(Job("by hand", places, lifetime, void_after, done.set_result, mark=BY_HAND))
    job = await done
    writer.finished(job)
    return job


class _Hand:
    """The sockets of one takeover, and what is done with them."""

    def __init__(self, link: Link, announce: AnnounceSpec, tell: Tell) -> None:
        self._loop = asyncio.get_running_loop()
        self._link = link
        self._tell = tell
        self._stopped = False
        self._woken = asyncio.Event()
        self._frames = FrameQueue(link.name, announce.pace)
        self._events = EventSocket()
        self._host = picture()
        self._writer = AddressWriter(lambda job: self._loop.call_soon_threadsafe(job.done, job))
        self._loop.add_reader(self._events.fileno(), self._woken.set)
        for number in _ENDINGS:
            self._loop.add_signal_handler(number, self._stop)

    def close(self) -> None:
        """Close everything; addresses stay as they are."""
        self._loop.remove_reader(self._events.fileno())
        self._writer.close()
        self._frames.close()
        self._events.close()

    def _stop(self) -> None:
        self._stopped = True
        self._woken.set()

    async def take(self, held: Hold) -> None:
        """The first write. Raises Refused or PermissionError, with nothing left of it."""
        began = self._loop.time()
        job = await self._write(held.begin(began))
        self._drain()
        # Not by events: of a new IPv6 address the kernel tells some time after it has acknowledged it.
        self._host = picture()
        if job.error or job.voided:
            await self.remove(held.claims)
            raise _failure(job, held.claims, self._link.name)
        held.written(began)
        held.announce_anew(began)

    async def keep(self, held: Hold) -> None:
        """Perform the hold's steps until its end or a signal."""
        while not self._stopped and not held.finished:
            await self._wait(held.deadline())
            await self.turn(held)

    async def turn(self, held: Hold) -> None:
        """Perform what is due now."""
        link_up = self._look(held)
        there = [claim for claim in held.claims if self._is_there(claim)]
        for step in held.step(self._loop.time(), there, link_up):
            await self._perform(step, held)

    async def remove(self, claims: Sequence[Claim]) -> None:
        """Take off what is there by our hand; somebody else's address in its place stays."""
        self._drain()
        places = tuple(self._place(claim) for claim in claims if self._is_there(claim))
        if places:
            await submit(self._writer, places, None, float("inf"))

    def _look(self, held: Hold) -> bool:
        """Take in what happened on the host; whether the link is up. One that changed gets a new burst."""
        before = self._host.links.get(self._link.index)
        self._drain()
        link = self._host.links.get(self._link.index)
        if link is not None and link.up and link != before:
            held.announce_anew(self._loop.time())
        return link is not None and link.up

    def _drain(self) -> None:
        events = self._events.read()
        if events is None:
            self._host = picture()
            return
        for event in events:
            self._host.apply(event)

    async def _wait(self, deadline: float | None) -> None:
        """Sleep until something happens, or the deadline (monotonic seconds)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._woken.wait()
        self._woken.clear()

    async def _perform(self, step: Step, held: Hold) -> None:
        match step:
            case Write():
                began = self._loop.time()
                job = await self._write(step)
                if job.voided:
                    held.voided()
                elif not job.error:
                    held.written(began)
            case Announce(claims):
                for claim in claims:
                    self._announce(claim, held)
            case GiveUp(claims, reason):
                await self.remove(claims)
                for claim in claims:
                    self._tell(Lost(interface=self._link.name, address=str(claim), reason=reason))

    async def _write(self, step: Write) -> Job:
        places = tuple(map(self._place, step.claims))
        return await submit(self._writer, places, step.lifetime, step.void_after)

    def _announce(self, claim: Claim, held: Hold) -> None:
        mac = self._host.links[self._link.index].mac
        frames = (ndp.unsolicited(claim.packed, mac),) if claim.ipv6 else arp.gratuitous(claim.packed, mac)
        # Asked at each sending: between the step and the frame this process may have stood still.
        self._frames.add(frames, lambda: self._is_there(claim) and held.leased(self._loop.time()))

    def _place(self, claim: Claim) -> Place:
        return Place(self._link.index, claim.packed, claim.prefix)

    def _is_there(self, claim: Claim) -> bool:
        return self._host.holds(self._place(claim))


def _failure(job: Job, claims: Sequence[Claim], interface: str) -> Exception:
    """What a first write that failed becomes."""
    if job.voided:
        return Refused("the kernel took too long to put the addresses on")
    if job.error == errno.EACCES and any(claim.ipv6 for claim in claims):
        return Refused(f"IPv6 is switched off on {interface}")
    return OSError(job.error, os.strerror(job.error))
