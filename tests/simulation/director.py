"""One director: the real failover worker in a process that may stand still or die, on a host with a clock and a kernel.

Owns the little of a supervisor that failover needs: it starts the worker, tells it what is tracked, carries out what an
operator orders, keeps wishes about mastership on disk, and joins them with those of the peers.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
from simulation.arbiter import Asker
from simulation.kernel import Kernel
from simulation.process import Process
from simulation.wires import AdvertSocket, LinkSockets, Wires
from simulation.world import Clock, World
from simulation.writer import Writer

from failover.instance import Instance
from failover.moves import State
from failover.packet import Advert
from failover.peer.report import PeerReport
from failover.permit import Permit
from failover.priority import Judgement
from failover.priority import Word as Verdict
from failover.report import PeerPayload, RouterReport
from failover.spec import FailoverSpec, Standby
from hactl.peers.peers import Word, word
from hactl.processes.messages import (
    Commit,
    Handover,
    Judged,
    Note,
    PrepareFailover,
    Resume,
    SharePayload,
    Stop,
    ToWorker,
)
from hactl.wishes.mastership import Mastership
from hactl.wishes.orders import orders
from hactl.wishes.overrides import Overrides
from hactl.workers.failover import FailoverHandler

KEY = "a key for the simulation, 32 characters"
QUICK = 0.003
"""Seconds that a write of addresses takes at most on a host with nothing else to do."""
_WORDS = msgspec.msgpack.Decoder(Word)


class Witness(Protocol):
    """Who watches the directors."""

    def arrived(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """An advert has reached the host of a director whose daemon lives."""

    def said(self, director: "Director", advert: Advert) -> None:
        """It sends an advert."""

    def moved(self, director: "Director", report: RouterReport) -> None:
        """The state of one of its routers changed."""

    def announced(self, director: "Director", frame: bytes) -> None:
        """It announced a VIP."""

    def held(self, director: "Director", vip: bytes, why: str) -> None:
        """Its kernel has a VIP, has it longer, or has it no more."""

    def lives(self, director: "Director") -> None:
        """Its daemon starts, ends, stands still or goes on."""


class Director:
    """`wires` and `witness` are those of the world; `spec` is of this director."""

    def __init__(
        self,
        number: int,
        spec: FailoverSpec,
        clock: Clock,
        world: World,
        wires: Wires,
        witness: Witness,
        vips: tuple[bytes, ...],
    ) -> None:
        self.number, self.name, self.spec, self.clock, self.world, self.wires = (
            number,
            spec.node,
            spec,
            clock,
            world,
            wires,
        )
        self.names = {router.vrid: router.name for router in spec.routers}
        self.kernel = Kernel(world, clock, number, self._vip_changed, vips)
        self.process: Process | None = None
        self.handler: FailoverHandler | None = None
        self.writer: Writer | None = None
        self.advert_sockets: dict[str, AdvertSocket] = {}
        self.link_sockets: LinkSockets | None = None
        self.wishes = Mastership()
        self.added = 0
        """What tracking adds to the priority."""
        self.slow = QUICK
        """How long a write of addresses takes at most, in seconds."""
        self.started_at = self.thawed_at = self.silent_since = self.died_writing_at = -math.inf
        self.stood_still = 0.0
        self.slept_on: dict[bytes, int] = {}
        """The lease of each VIP, in seconds, when its daemon went on last."""
        self.stopping = False
        self.inherited: set[bytes] = set()
        """The VIPs that its daemon found when it started."""
        self.make_asker: Callable[[Director, Callable[[], None]], Asker] | None = None
        """Makes whoever asks an arbiter, where there is one."""
        self._asker: Asker | None = None
        self._permits: dict[str, Permit] = {}
        self._witness = witness
        self._version = 0
        self._asked: dict[str, float] = {}
        """Routers that an operator wants handed over, and for how long their new master shall not be preempted."""
        self._states: dict[str, State] = {}
        self._priorities: dict[int, int] = {}

    # ---- what others ask --------------------------------------------------------------------------------------------

    @property
    def awake(self) -> bool:
        """Whether its daemon lives and does not stand still."""
        return self.process is not None and not self.process.frozen

    @property
    def alive(self) -> bool:
        """Whether its daemon lives."""
        return self.process is not None

    def instance(self, router: str) -> Instance | None:
        """One of its routers, None while its daemon is dead."""
        if self.handler is None:
            return None
        manager = self.handler._manager
        return manager._instances.get(router) or manager.find(router)

    def holds(self, vip: bytes) -> bool:
        """Whether its kernel has a VIP."""
        return self.kernel.vips[vip].expires is not None

    def write_takes(self) -> float:
        """How long a call into its kernel takes."""
        return self.world.chance.random() * self.slow

    # ---- what happens to it -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Its daemon starts and inherits what the kernel still has."""
        if self.alive:
            return
        self._tell("starts")
        self.started_at, self.stopping = self.world.now, False
        self.inherited = {vip for vip in self.kernel.vips if self.holds(vip)}
        self.process = process = Process(self.world, self.clock, self, self._ended)
        process.after_turn = self._after_turn
        process.run(self._begin)
        self._witness.lives(self)

    def crash(self, after: int = 0) -> None:
        """Its daemon is killed, after so many more effects."""
        if self.process is None:
            return
        if after:
            self.process.dies_after = float(after)
        else:
            self._tell("is killed")
            self.process.kill()

    def spare(self) -> None:
        """It is not to be killed after all."""
        if self.process is not None:
            self.process.dies_after = math.inf

    def freeze(self) -> None:
        """Its daemon stands still, its kernel goes on."""
        if self.process is not None and not self.process.frozen:
            self._tell("stands still")
            self.silent_since = self.world.now
            self.process.freeze()
            if self.writer is not None:
                self.writer.freeze()
            self._witness.lives(self)

    def thaw(self) -> None:
        """Its daemon goes on."""
        if self.process is not None and self.process.frozen:
            self._tell("goes on")
            self.stood_still = self.world.now - self.silent_since
            self.slept_on = {address: vip.lease for address, vip in self.kernel.vips.items()}
            self.thawed_at, self.silent_since = self.world.now, math.inf
            if self.writer is not None:
                self.process.on_thaw = self.writer.thaw
            self.process.thaw()
            self._witness.lives(self)

    def set_link(self, name: str, *, up: bool) -> None:
        """The carrier of one of its interfaces."""
        self._tell(f"{name} {'has a carrier again' if up else 'loses its carrier'}")
        self.kernel.set_link(name, up=up)

    def set_added(self, added: int) -> None:
        """What is tracked changes the priority."""
        self.added = added
        self.order(self._judged())

    def order(self, *messages: ToWorker) -> None:
        """The supervisor tells the worker something."""
        if self.process is not None and self.handler is not None:
            for message in messages:
                self.process.run(self.handler.receive, message)

    def hand_over(self, router: str | None, hold: float) -> None:
        """An operator hands a router over; when that is done, nobody is to preempt its new master."""
        self._tell(f"is told to hand over {router or 'all'} and hold back for {hold:g} s")
        self._asked = {
            name: hold
            for name, state in self._states.items()
            if state is State.MASTER and (router is None or router == name or self.spec.groups)
        }
        self.order(Handover(router, hold))

    def resume(self) -> None:
        """An operator ends all holding back and standing aside of this director."""
        self._tell("is told to resume")
        self.order(Resume(None))
        now = self.world.now
        self._wish(
            self.wishes.without_holds(tuple(self._states), "", now).with_standby(
                self.name, Standby.OFF, "", now
            )
        )

    def stand_aside(self, standby: Standby) -> None:
        """An operator has it stand aside."""
        self._tell(f"is told to stand aside ({standby})")
        self._wish(self.wishes.with_standby(self.name, standby, "", self.world.now))

    def stop(self) -> None:
        """An operator stops the daemon."""
        if self.alive:
            self._tell("is told to stop")
            self.stopping = True
            self.order(Stop("SIGTERM"))

    # ---- the witness -------------------------------------------------------------------------------------------------

    def arrived(self, sender: Any, advert: Advert) -> None:
        """See Seat."""
        self._witness.arrived(self, sender, advert)

    def announced(self, frame: bytes) -> None:
        """See Seat."""
        self._witness.announced(self, frame)

    def said(self, advert: Advert) -> None:
        """See Seat."""
        if self._priorities.get(advert.vrid) != advert.priority or not advert.priority:
            self._priorities[advert.vrid] = advert.priority
            self._tell(f"advertises {advert.priority}" if advert.priority else "releases")
        self._witness.said(self, advert)

    def _vip_changed(self, vip: bytes, why: str) -> None:
        if why:
            self._tell(why)
        self._witness.held(self, vip, why)

    # ---- the supervisor's part ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.handler = handler = FailoverHandler(self._hear, realtime=False)
        self._states = {}
        self._permits = {}
        if self.make_asker is not None:
            self._asker = self.make_asker(self, self._permitted)
        for order in self._orders(Mastership()):
            handler.receive(order)
        handler.receive(self._judged())
        handler.receive(PrepareFailover(1, self.spec, KEY, {}))
        handler.receive(Commit(1))
        self._share()

    def _after_turn(self) -> None:
        handler, process = self.handler, self.process
        if self.stopping and handler is not None and process is not None and handler._done.is_set():
            self._tell("has stopped")
            handler._peering.close()
            handler._manager.close()
            process.kill()

    def _ended(self) -> None:
        if self.process is not None and self.process.dies_after < 0:
            self._tell("is killed in the midst of it")
        self.process = self.handler = self._asker = None
        self.advert_sockets.clear()
        self.link_sockets = None
        self.kernel.listeners.clear()
        self._priorities.clear()
        self._states, self._asked = {}, {}
        if self.writer is not None:
            if self.writer.holds_soon:
                self.died_writing_at = self.world.now
            self.writer.die()
            self.writer = None
        if self.silent_since == math.inf or self.silent_since < self.started_at:
            self.silent_since = self.world.now
        self._witness.lives(self)

    def _judged(self) -> Judged:
        verdicts = (Judgement("priority", Verdict.UP, "", self.added),)
        return Judged(verdicts, settled=True, permits=self._permits)

    def _permitted(self) -> None:
        """Something else is allowed now, perhaps."""
        if self._asker is None or self.handler is None:
            return
        permits = self._asker.permits([router.name for router in self.spec.routers])
        if permits != self._permits:
            self._permits = permits
            self.handler.receive(self._judged())

    def _hear(self, message: Any) -> None:
        match message:
            case RouterReport():
                self._on_report(message)
            case PeerPayload(_, data):
                self._wish(self.wishes.merged(_WORDS.decode(data).mastership))
            case Note(_, text, fields):
                self._tell(f"{fields.get('router', '')} says: {text}".strip())
            case PeerReport():
                self._tell(f"{message.peer} is {message.state}")
            case _:
                return

    def _on_report(self, report: RouterReport) -> None:
        if report.old is not None:
            self._tell(f"{report.router}: {report.old} -> {report.state}: {report.reason}")
            self._priorities.clear()
            self._witness.moved(self, report)
        if self._asker is not None:
            self._asker.follow(report)
        self._states[report.router] = report.state
        if report.router in self._asked and report.state is not State.MASTER and report.master:
            hold, now = self._asked.pop(report.router), self.world.now
            masters = {report.router: report.master}
            assert self.process is not None
            self.process.call_soon(lambda: self._wish(self.wishes.with_holds(masters, now + hold, "", now)))

    def _wish(self, wishes: Mastership) -> None:
        before, self.wishes = self.wishes, wishes
        if before != wishes and self.handler is not None and self.process is not None:
            self.process.call_soon(self._act, before)

    def _act(self, before: Mastership) -> None:
        if self.handler is not None:
            for order in self._orders(before):
                self._tell(f"is told {order}")
                self.handler.receive(order)
            self._share()

    def _orders(self, before: Mastership) -> Iterable[Any]:
        return orders(before, self.wishes, self.name, self.world.now, self.clock.read(self.world.now))

    def _share(self) -> None:
        if self.spec.channel is not None and self.handler is not None:
            self._version += 1
            self.handler.receive(SharePayload(self._version, word("", Overrides(), self.wishes)))

    def _tell(self, text: str) -> None:
        self.world.tell(self.name, text)
