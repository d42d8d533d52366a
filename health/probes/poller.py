"""Readiness of the probes' sockets: one epoll of our own, hung into the event loop as a single descriptor.

Its law: a socket is watched edge-triggered for everything at once, so a probe costs one call to epoll in its life
and no transport, handle or timer of the loop.
"""

import asyncio
import select
from typing import Protocol

WRITABLE = select.EPOLLOUT
BROKEN = select.EPOLLERR | select.EPOLLHUP
FINISHED = select.EPOLLRDHUP
ENDED = select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP
READABLE = select.EPOLLIN | ENDED
_ALL = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_EVENTS_A_TURN = 256
"""Events served before the loop gets to turn again."""


class Watched(Protocol):
    """What is told of its socket."""

    def ready(self, mask: int) -> None:
        """The socket became ready, as epoll's bits. Must not raise."""


class Poller:
    """Watches sockets for one event loop. A watched object is never ended from within another's `ready`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        loop.add_reader(self._epoll.fileno(), self.poll)

    def watch(self, descriptor: int, watched: Watched) -> None:
        """Tell `watched` of this socket until it is forgotten."""
        self._epoll.register(descriptor, _ALL)
        self._watched[descriptor] = watched

    def again(self, descriptor: int) -> None:
        """Tell once more of a watched socket from which not all was taken."""
        self._epoll.modify(descriptor, _ALL)

    def forget(self, descriptor: int) -> None:
        """The socket is about to be closed, which takes it out of the kernel's set as well."""
        self._watched.pop(descriptor, None)

    def poll(self) -> int:
        """Serve what is ready now, up to one turn's events; how many there were. Called by the loop."""
        events = self._epoll.poll(0, _EVENTS_A_TURN)
        for descriptor, mask in events:
            watched = self._watched.get(descriptor)
            if watched is not None:
                watched.ready(mask)
        return len(events)

    def drain(self) -> None:
        """Serve all that is ready now, as must be done before a deadline is judged."""
        while self.poll() == _EVENTS_A_TURN:
            pass

    def close(self) -> None:
        """Watch nothing any more."""
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
