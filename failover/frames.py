"""Announcement frames on their way out: paced on each interface, asked again at each send whether they still hold true.

Owns the packet sockets. `pace` is frames a second; a small burst goes out at once so that a takeover of a few VIPs
never waits. The law: what was said a moment ago is said again when nothing else waits, so that of many routers that take
over together none repeats itself before each has spoken. And whoever waits for frames to go out hears of it, also when they
were void.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable

from failover.closing import close_apart

_TICK = 0.01
_BURST = 0.05
"""Seconds' worth of frames that may go out at once."""
_LATELY = 1.0
"""Seconds for which a frame that was sent gives way to others."""
_Waiting = deque[tuple[bytes, Callable[[], bool]]]
Told = Callable[[bool], None]
"""Hears that frames have gone out or were dropped (True), or were void and nothing came in their place (False)."""


class FrameQueue:
    """Frames of one interface. Frames whose `still` says no at their turn are dropped."""

    def __init__(self, interface: str, pace: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self._socket.bind((interface, 0))
        self._news: _Waiting = deque()
        self._repeats: _Waiting = deque()
        self._told: list[Told] = []
        self._sent: dict[bytes, float] = {}
        self._pace = pace
        self._tokens = max(1.0, pace * _BURST)
        self._filled = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self.errors = 0

    def add(self, frames: Iterable[bytes], still: Callable[[], bool]) -> None:
        """Queue frames behind those of their kind that wait already: news, or repeats of what was sent lately."""
        lately = self._loop.time() - _LATELY
        for frame in frames:
            waiting = self._repeats if self._sent.get(frame, lately) > lately else self._news
            waiting.append((frame, still))
        if self._timer is None:
            self._send()

    def after(self, act: Told) -> None:
        """Call `act` with True once all that waits now has gone out or was dropped."""
        self._told.append(act)
        count = _last_of(2, self._tell(act))

        def reached() -> bool:
            count(True)
            return False

        for waiting in (self._news, self._repeats):
            waiting.append((b"", reached))
        if self._timer is None:
            self._send()

    def close(self) -> list[Told]:
        """Forget what waits; who was to be told when it is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._news.clear()
        self._repeats.clear()
        close_apart(self._socket)
        return self._told

    def _tell(self, act: Told) -> Told:
        def tell(gone_out: bool) -> None:
            self._told.remove(act)
            act(gone_out)

        return tell

    def _send(self) -> None:
        self._timer = None
        now = self._loop.time()
        most = max(1.0, self._pace * _BURST)
        self._tokens = min(most, self._tokens + (now - self._filled) * self._pace)
        self._filled = now
        while (waiting := self._news or self._repeats) and self._tokens >= 1:
            frame, still = waiting.popleft()
            if still():
                self._tokens -= 1
                self._sent[frame] = now
                self._send_one(frame)
        if self._news or self._repeats:
            self._timer = self._loop.call_later(_TICK, self._send)
        else:
            self._sent = {frame: at for frame, at in self._sent.items() if now - at < _LATELY}

    def _send_one(self, frame: bytes) -> None:
        try:
            self._socket.send(frame)
        except OSError:
            self.errors += 1


class FrameQueues:
    """The queues of all interfaces, each made when it is first needed."""

    def __init__(self) -> None:
        self._queues: dict[str, FrameQueue] = {}
        self._void: list[tuple[str, Told]] = []

    def add(self, interface: str, pace: int, frames: Iterable[bytes], still: Callable[[], bool]) -> None:
        """Queue frames on an interface. Raises OSError when it has no packet socket to give."""
        if interface not in self._queues:
            self._queues[interface] = FrameQueue(interface, pace)
        self._queues[interface].add(frames, still)

    def after(self, interfaces: Iterable[str], act: Told) -> None:
        """Call `act` once all that waits now on these interfaces has gone out or was dropped; False: some was void."""
        queues = [self._queues[interface] for interface in interfaces if interface in self._queues]
        reached = _last_of(len(queues), act)
        for queue in queues:
            queue.after(reached)
        if not queues:
            act(True)

    def forget(self, interface: str) -> None:
        """The interface changed: what waits there is void, and the next frames get another socket. `pass_on` follows."""
        queue = self._queues.pop(interface, None)
        if queue is not None:
            self._void += [(interface, act) for act in queue.close()]

    def pass_on(self) -> None:
        """Whoever waited for void frames waits for those that came in their place, or hears that none did."""
        void, self._void = self._void, []
        for interface, act in void:
            if interface in self._queues:
                self._queues[interface].after(act)
            else:
                act(False)

    def close(self) -> None:
        """Forget everything."""
        for interface in list(self._queues):
            self.forget(interface)


def _last_of(calls: int, act: Told) -> Told:
    """What calls `act` when it is itself called for the last of so many times: with True when it was each time."""
    all_of_them = True

    def count(gone_out: bool) -> None:
        nonlocal calls, all_of_them
        calls -= 1
        all_of_them = all_of_them and gone_out
        if calls == 0:
            act(all_of_them)

    return count
