"""Standing in for a dead failover worker: release, renew what it held, and give it up when a successor is heard.

Used by the supervisor, and only while the worker's process is dead. The law is the worker's own: never a VIP without a
holder while a daemon lives, never longer on two directors than it takes to hear the other, and nothing that may have
lapsed is renewed: that would bring back an address which somebody else has by now. So whoever is deaf, out of descriptors or
without the key, renews nothing until he hears.
"""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from failover.guards import Guard
from failover.holding import RELEASE_OFFSETS, SETTLE
from failover.ip import Received
from failover.packet import RELEASE, Advert, Drop, decode
from failover.reception import judge_held
from failover.report import Held
from failover.seals import restored
from failover.trailer_clock import Moment
from failover.transport import AdvertSocket

_NETLINK_ROUTE = 0


class Keeper:
    """Holds for each router what its worker held. `say` takes a line for the log (router, text).

    `last_sign` is the last moment (monotonic seconds) at which the worker was certainly alive; `secrets` are the contents of
    key files by path.
    """

    def __init__(
        self,
        held: Iterable[Held],
        last_sign: float,
        say: Callable[[str, str], None],
        secrets: Mapping[str, str],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._say = say
        self._held = {one.router: one for one in held}
        self._guards = {one.router: _guard(one, secrets) for one in self._held.values()}
        self._sockets: dict[str, AdvertSocket] = {}
        self._timers: dict[str, list[asyncio.TimerHandle]] = {}
        self._drops: dict[str, Counter[str]] = {router: Counter() for router in self._held}
        for one in list(self._held.values()):
            self._begin(one, last_sign)

    @property
    def held(self) -> tuple[Held, ...]:
        """What was not given up."""
        return tuple(self._held.values())

    def close(self) -> None:
        """The worker lives again: it inherits what is held."""
        for router in list(self._held):
            self._end(router)

    def _begin(self, held: Held, last_sign: float) -> None:
        """Release at once; renew a little later, for a renewal that is not yet due leaves time to hear a successor."""
        if isinstance(fault := self._guards[held.router], str):
            self._say(held.router, f"cannot be released: {fault}")
        elif why := self._open(held):
            self._say(held.router, f"cannot be released, and no successor be heard: {why}")
        if held.every:
            self._renew_in(held.every / 2, held.router, last_sign + held.every)

    def _open(self, held: Held) -> str:
        """Listen, and release; why that cannot be done, empty when it is."""
        if isinstance(fault := self._guards[held.router], str):
            return fault
        try:
            sock = AdvertSocket(held.family, held.interface, held.index)
        except OSError as error:
            return error.strerror or str(error)
        self._sockets[held.router] = sock
        self._loop.add_reader(sock.fileno(), self._listen, held.router)
        if held.packets:
            self._timers.setdefault(held.router, []).extend(
                self._loop.call_later(offset, self._release, held.router) for offset in RELEASE_OFFSETS
            )
        return ""

    def _renew_in(self, seconds: float, router: str, due: float) -> None:
        timer = self._loop.call_later(seconds, self._renew, router, due)
        self._timers.setdefault(router, []).append(timer)

    def _release(self, router: str) -> None:
        guard = self._guards[router]
        if not isinstance(guard, Guard):
            return
        for packet in self._held[router].packets:
            with contextlib.suppress(OSError):
                message = guard.close(packet.message, packet.source, packet.destination, self._moment())
                self._sockets[router].send(message, packet.source, packet.destination, packet.ttl, packet.mac)

    def _renew(self, router: str, due: float) -> None:
        """Renew what was to be renewed at `due`, unless the lease, three periods long, may be over."""
        self._listen(router)
        held = self._held.get(router)
        if held is None:
            return
        now = self._loop.time()
        if now - due > 2 * held.every:
            self._say(router, "the addresses of the dead worker have lapsed")
            self._end(router)
            return
        if router not in self._sockets:
            self._renew_in(held.every / (8 if self._open(held) else 2), router, due)
            return
        self._write(held.renew)
        self._renew_in(held.every, router, now + held.every)

    def _listen(self, router: str) -> None:
        sock = self._sockets.get(router)
        for received in sock.drain() if sock is not None else ():
            if self._is_successor(router, received):
                self._say(router, "a successor was heard; the addresses of the dead worker are given up")
                self._silence(router)
                self._timers[router] = [self._loop.call_later(SETTLE, self._drop, router)]
                return

    def _is_successor(self, router: str, received: Received | Drop) -> bool:
        """Whether this is another master's advert; what is dropped is counted, save what another router has to judge."""
        heard: Advert | Drop = (
            judge_held(self._held[router], received, self._guards[router], self._moment())
            if isinstance(received, Received)
            else received
        )
        if isinstance(heard, Advert):
            return heard.priority != RELEASE
        if heard is not Drop.UNKNOWN_VRID:
            self._drops[router][heard.value] += 1
        return False

    def _moment(self) -> Moment:
        return Moment(self._loop.time(), time.time())

    def _drop(self, router: str) -> None:
        self._write(self._held[router].drop)
        self._end(router)

    def _write(self, batch: bytes) -> None:
        """Send a batch; its answers are read away, a failure shows as a lease that runs out."""
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, kind, _NETLINK_ROUTE) as netlink:
            netlink.send(batch)
            while netlink.recv(1 << 17):
                continue

    def _end(self, router: str) -> None:
        self._silence(router)
        del self._held[router]
        if drops := self._drops[router]:
            counts = ", ".join(f"{number} {reason}" for reason, number in sorted(drops.items()))
            self._say(router, f"adverts dropped while the worker was dead: {counts}")

    def _silence(self, router: str) -> None:
        """Send and hear nothing more for this router."""
        for timer in self._timers.pop(router, []):
            timer.cancel()
        sock = self._sockets.pop(router, None)
        if sock is not None:
            self._loop.remove_reader(sock.fileno())
            sock.close()


def _guard(held: Held, secrets: Mapping[str, str]) -> Guard | str | None:
    """What protects the router's adverts; in words why that cannot be had; None where it is not known."""
    if held.sealing is not None:
        seals = restored(held.sealing, secrets)
        return seals if isinstance(seals, str) else Guard(seals=seals)
    ours = (decode(packet.message, packet.source, packet.destination) for packet in held.packets)
    return next((Guard(own.password) for own in ours if isinstance(own, Advert)), None)
