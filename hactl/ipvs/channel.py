"""A generic netlink socket for asyncio: requests in batches, dumps in slices.

The law: at most one exchange at a time; whatever ends an exchange early closes the socket, so that no late
answer is ever taken for another's; after each batch and each slice of a dump the loop gets its turn.
"""

import asyncio
import contextlib
import errno
import itertools
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from hactl.ipvs import netlink as nl
from hactl.ipvs.errors import TRANSIENT, IpvsError, IpvsForbidden, IpvsLost, IpvsMissing
from hactl.ipvs.netlink import Acknowledgement, WireError
from hactl.ipvs.wire import Body

_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 << 20
_RECEIVE_SIZE = 1 << 16
_BATCH = 64
_SLICE = 1 << 14
_DUMP_TRIES = 5


class Channel:
    """One socket to one family. Errors of the socket itself are raised as IpvsError; refusals are values."""

    def __init__(self, family: str, *, timeout: float = 10.0) -> None:
        self._family_name = family
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._family = 0
        self._sequence = random.getrandbits(31)
        self._turn = asyncio.Lock()
        self._received = 0

    async def batch(self, units: Iterable[Sequence[Body]]) -> list[Acknowledgement]:
        """Performs the units in order and returns one answer for each: the first refusal in it, or errno 0.

        The requests of one unit reach the kernel in one piece.
        """
        answers: list[Acknowledgement] = []
        waiting = iter(units)
        while some := list(itertools.islice(waiting, _BATCH)):
            async with self._turn, self._exchange() as link:
                answers.extend(await self._batch(link, some))
        return answers

    async def ask(self, body: Body) -> bytes:
        """The payload of the one answer to a question."""
        async with self._turn, self._exchange() as link:
            replies: list[bytes] = []
            number = self._next()
            link.send(nl.request(self._family, nl.ACKNOWLEDGE, number, *body))
            answer = await self._collect(link, number, replies.append)
            self._check(answer)
            if not replies:
                raise IpvsLost("the kernel acknowledged a question about IPVS without answering it")
            return replies[0]

    async def dump(self, body: Body, take: Callable[[bytes], None], restart: Callable[[], None]) -> None:
        """Hands each payload of a dump to `take`; `restart` says that it begins again and what came is void."""
        for _ in range(_DUMP_TRIES):
            restart()
            async with self._turn, self._exchange() as link:
                number = self._next()
                link.send(nl.request(self._family, nl.DUMP, number, *body))
                interrupted = _Flag()
                self._check(await self._collect(link, number, take, interrupted))
            if not interrupted.raised:
                return
        raise IpvsLost("the IPVS table changed each time while it was being read")

    def close(self) -> None:
        """Closes the socket; the next use opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @contextlib.asynccontextmanager
    async def _exchange(self) -> AsyncIterator[socket.socket]:
        """An open socket for one exchange, closed by whatever ends it early."""
        try:
            async with asyncio.timeout(self._timeout):
                yield self._socket or await self._open()
        except TimeoutError:
            self.close()
            raise IpvsLost(f"the kernel did not answer about IPVS within {self._timeout:g} s") from None
        except OSError as error:
            self.close()
            raise IpvsLost(f"the netlink socket failed: {error.strerror}") from error
        except WireError as error:
            self.close()
            raise IpvsLost(f"the kernel's answer about IPVS cannot be read: {error}") from error
        except BaseException:
            self.close()
            raise

    async def _open(self) -> socket.socket:
        """A socket with the family's number resolved; asking for it loads the module where that is possible."""
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, nl.GENERIC)
        self._socket = link
        link.setblocking(False)
        link.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        link.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        with contextlib.suppress(PermissionError):
            link.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        link.bind((0, 0))
        number = self._next()
        link.send(nl.family_request(number, self._family_name))
        replies: list[bytes] = []
        answer = await self._collect(link, number, replies.append)
        if answer.errno or not replies:
            raise IpvsMissing("the running kernel has no IPVS; load it with: modprobe ip_vs")
        self._family = nl.family_number(replies[0])
        return link

    async def _batch(self, link: socket.socket, units: Sequence[Sequence[Body]]) -> list[Acknowledgement]:
        """Each refusal is told, but only the last request asks for its answer: then all before it are done."""
        await asyncio.sleep(0)
        requests = [(position, body) for position, unit in enumerate(units) for body in unit]
        owners: dict[int, int] = {}
        parts, last = [], 0
        for asked, (position, body) in enumerate(requests, 1):
            last = self._next()
            owners[last] = position
            flags = nl.ACKNOWLEDGE if asked == len(requests) else 0
            parts.append(nl.request(self._family, flags, last, *body))
        link.send(b"".join(parts))
        answers = [Acknowledgement(0, "")] * len(units)
        while last in owners:
            for message in nl.messages(await self._receive(link)):
                position = owners.pop(message.sequence, -1) if message.kind == nl.ERROR else -1
                if position >= 0:
                    answer = nl.acknowledgement(message)
                    self._check_permission(answer)
                    answers[position] = answers[position] if answers[position].errno else answer
        return answers

    async def _collect(
        self,
        link: socket.socket,
        number: int,
        take: Callable[[bytes], None],
        interrupted: "_Flag | None" = None,
    ) -> Acknowledgement:
        """Hands the payloads of one answer to `take` until it is complete, and returns how it ended."""
        while True:
            for message in nl.messages(await self._receive(link)):
                if message.sequence != number:
                    continue
                if message.flags & nl.DUMP_INTERRUPTED and interrupted is not None:
                    interrupted.raised = True
                if message.kind in (nl.ERROR, nl.DONE):
                    return nl.acknowledgement(message)
                if message.kind == nl.OVERRUN:
                    raise IpvsLost("the kernel lost part of its answer about IPVS")
                take(message.payload)

    async def _receive(self, link: socket.socket) -> bytes:
        """One datagram; when much was received in one go the loop gets its turn first."""
        if self._received >= _SLICE:
            self._received = 0
            await asyncio.sleep(0)
        try:
            datagram = link.recv(_RECEIVE_SIZE)
        except BlockingIOError:
            datagram = await asyncio.get_running_loop().sock_recv(link, _RECEIVE_SIZE)
        self._received += len(datagram)
        return datagram

    def _check(self, answer: Acknowledgement) -> None:
        """Raises for a question that the kernel refuses to answer."""
        self._check_permission(answer)
        if answer.errno == errno.ENOENT:
            raise IpvsMissing("the kernel's IPVS was unloaded; load it with: modprobe ip_vs")
        if answer.errno:
            words = f" ({answer.text})" if answer.text else ""
            kind = IpvsLost if answer.errno in TRANSIENT else IpvsError
            raise kind(f"the kernel refuses to tell about IPVS: {os.strerror(answer.errno)}{words}")

    @staticmethod
    def _check_permission(answer: Acknowledgement) -> None:
        if answer.errno == errno.EPERM:
            raise IpvsForbidden("this process may not use the kernel's IPVS: it needs CAP_NET_ADMIN")

    def _next(self) -> int:
        self._sequence = (self._sequence + 1) & 0x7FFFFFFF
        return self._sequence


class _Flag:
    """Whether a dump was interrupted by a change of the table."""

    raised = False
