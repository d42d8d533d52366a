"""All routers of this director: start, reload, stop, the sockets they share, and their groups.

Owns the wiring between kernel events, packets and instances. The law: before a timer acts, every packet that has
arrived is handed over, so that a worker that slept hears the world before it speaks.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence

from failover.arrivals import Arrivals, sources
from failover.devices import Devices
from failover.election import Election
from failover.frames import FrameQueues, Told
from failover.groups import Groups
from failover.guards import Guards
from failover.host import Host
from failover.instance import Instance
from failover.kernel import AddressWriter, EventSocket, picture
from failover.kernel_job import Job
from failover.leftovers import remove_stray_ways, remove_strays
from failover.moves import State
from failover.news import News, unknown
from failover.orders import Orders
from failover.place import Place
from failover.priority import Known
from failover.reload import Change, changes
from failover.renewals import Renewals
from failover.report import Alarm, Emptied, Remark, Report
from failover.reporting import Reporting
from failover.sockets import AdvertSockets
from failover.spec import FailoverSpec, RouterSpec
from failover.surroundings import Handed
from failover.trailer_clock import Moment


class Manager:
    """The failover of one director. `tell` takes reports, `moved` hears when a router's state moved and each second;
    `realtime` says that this process is scheduled so."""

    def __init__(
        self,
        tell: Callable[[Report], None],
        *,
        moved: Callable[[], None] = lambda: None,
        realtime: bool = False,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self._spec = FailoverSpec(node="")
        self._instances: dict[str, Instance] = {}
        self._leaving: list[Instance] = []
        self._queues = FrameQueues()
        self._renewals = Renewals(self, tell)
        self._reporting = Reporting(self.routers, self._reported, self._look_around)
        self._stirred: set[str] = set()
        self.own: Mapping[str, frozenset[bytes]] = {}
        """The addresses that our adverts come from, by interface."""
        self._stopping = False
        self._moved = moved
        self.handed: Callable[[str, Handed], None] = lambda router, how: None
        """Hears how far a handover by name has come."""
        self.groups = Groups(self._instances)
        self.orders = Orders(self.groups)
        self.guards = Guards()
        self._events = EventSocket()
        self.host: Host = picture()
        self.known = Known()
        self._devices = Devices(self, self._on_events)
        self._sockets = AdvertSockets(Arrivals(self).take)
        self._writer = AddressWriter(
            lambda job: self._loop.call_soon_threadsafe(self._written, job), realtime=realtime
        )
        self._loop.add_reader(self._events.fileno(), self._on_events)

    def apply(self, spec: FailoverSpec, secrets: Mapping[str, str]) -> None:
        """Make this spec and the files' `secrets` those in force; what did not change is not touched."""
        first, plan = not self._spec.node, changes(self._spec, spec)
        self._spec = spec
        reread = self.guards.take(spec.routers, secrets, self.moment())
        if first:
            remove_strays(spec.routers, self)
            remove_stray_ways(spec.routers, self)
        for name, change in plan.items():
            if change in (Change.STOP, Change.RESTART):
                self._leave(name)
        self._want_sockets()
        for router in spec.routers:
            planned = plan.get(router.name)
            if planned in (Change.START, Change.RESTART):
                self._start(router, grouped=any(router.name in group.routers for group in spec.groups))
            elif planned is Change.ADOPT:
                self._instances[router.name].adopt(router)
            else:
                self._instances[router.name].spec = router  # equal, and the one that arriving packets name
        for name in reread:
            self._instances[name].look()
        self._see_sources()
        self.groups.apply(spec.groups)
        self.groups.settle()

    def judge(self, known: Known) -> None:
        """What is known now of all that routers track besides interfaces."""
        self.known = known
        self._look()

    def stop(self, named: Container[str] = ()) -> None:
        """Release everything and leave; `Emptied` is told when that is done. `named`: peers are asked for these."""
        self._stopping = True
        for name in list(self._instances):
            self._leave(name, named=name in named)
        self._check_emptied()

    def close(self) -> None:
        """Let go of sockets and timers; VIPs that are still held live on their lease."""
        self._reporting.close()
        self._loop.remove_reader(self._events.fileno())
        for instance in self.everyone():
            instance.close()
        self._queues.close()
        self._sockets.close()
        self._devices.close()
        self._writer.close()
        self._events.close()

    def has_let_go(self) -> bool:
        """Whether no router is master here and no VIP is held."""
        return not any(i.state is State.MASTER or i.election.router.holding for i in self.everyone())

    def routers(self) -> tuple[Instance, ...]:
        """The running routers."""
        return tuple(self._instances.values())

    def find(self, router: str) -> Instance | None:
        """The router of this name that runs, or one that is leaving."""
        return next((i for i in self.everyone() if i.spec.name == router), None)

    # ---- what instances need (Surroundings) ---------------------------------------------------------------------

    def send(self, spec: RouterSpec, message: bytes, source: bytes, destination: bytes) -> None:
        """Send a VRRP message. Raises OSError."""
        self._sockets.send(spec, message, source, destination)

    def held_by_others(self, owner: object, addresses: Collection[bytes]) -> set[Place]:
        """Where other routers here hold some of these."""
        others = (i for i in self.everyone() if i is not owner and i.has_any(addresses))
        return {place for instance in others for place in instance.renewals()}

    def write(self, job: Job) -> None:
        """Queue a write of addresses."""
        self._writer.submit(job)

    def trouble(self, spec: RouterSpec) -> str | None:
        """Why this router cannot send and hear."""
        return (
            self.guards.unusable.get(spec.name) or self._devices.trouble(spec) or self._sockets.trouble(spec)
        )

    def announce(
        self, spec: RouterSpec, interface: str, frames: Sequence[bytes], still: Callable[[], bool]
    ) -> None:
        """Queue frames on an interface."""
        try:
            self._queues.add(interface, spec.announce.pace, frames, still)
        except OSError as error:
            self._tell(Remark(spec.name, f"cannot announce on {interface}: {error.strerror}", warning=True))

    def after_announcing(self, interfaces: Iterable[str], act: Told) -> None:
        """Call `act` once all frames that wait on these interfaces have gone out."""
        self._queues.after(interfaces, act)

    def report(self, report: Report) -> None:
        """Tell the supervisor."""
        self._tell(report)

    def member_changed(self, router: str) -> None:
        """See to the router's group, and keep what the supervisor holds for our death up to date."""
        if not self._stirred:
            self._loop.call_soon(self._see_to_stirred)
        self._stirred.add(router)

    def _see_to_stirred(self) -> None:
        """Once for all that changed in one turn of the loop: hundreds of routers often do together."""
        stirred, self._stirred = self._stirred, set()
        self.groups.settle()
        self._renewals.see(i for i in self.everyone() if i.spec.name in stirred)
        self._moved()
        if any(instance.stopped for instance in self._leaving):
            self._check_emptied()

    def before_timer(self) -> None:
        """Hand over every packet that has arrived."""
        self._sockets.drain()

    def moment(self) -> Moment:
        """Both clocks, read now."""
        return Moment(self._loop.time(), time.time())

    def _on_events(self) -> None:
        events = self._events.read()
        news = self._read_anew() if events is None else News(*self.host.apply_all(events))
        self.before_timer()
        if links := news.links():
            self._links_changed(links)
        if news.changed or not events:
            self._look(None if news.wide or not events else news.addresses())
        if anew := news.anew(self.host, self.own):
            self._sockets.forget(anew)
            self._want_sockets()
        self._put_back(None if events is None else news.gone())

    def _read_anew(self) -> News:
        """Make a new picture, because events were lost."""
        before, self.host = self.host, picture()
        self._tell(Remark("", "netlink events were lost; interfaces and addresses read anew", warning=True))
        return unknown(before, self.host)

    def _look(self, vips: Collection[bytes] | None = None) -> None:
        """Have the routers of these VIPs stand anew, or all."""
        for instance in self.everyone():
            if vips is None or instance.has_any(vips):
                instance.look()
        self._see_sources()
        self.groups.settle()

    def _see_sources(self) -> None:
        self.own = sources(self.everyone())

    def _links_changed(self, names: set[str]) -> None:
        """A new MAC or number means new sockets and a new announcement."""
        for name in names:
            self._queues.forget(name)
        self._want_sockets()
        for instance in self.everyone():
            instance.link_changed(names)
        self._queues.pass_on()

    def _put_back(self, gone: Collection[bytes] | None) -> None:
        """Where VIPs of these, or any, are not where they are held, somebody took them off."""
        for instance in self.everyone() if gone != set() else ():
            there = instance.renewals() if gone is None or instance.has_any(gone) else ()
            if not all(map(self.host.holds, there)):
                instance.act(Election.addresses_missing)

    def _written(self, job: Job) -> None:
        self._writer.finished(job)
        job.done(job)

    def _start(self, spec: RouterSpec, *, grouped: bool) -> None:
        instance = Instance(spec, self, grouped=grouped)
        self._instances[spec.name] = instance
        self.orders.begin(instance, self._loop.time())
        instance.start()

    def _leave(self, name: str, *, named: bool = False) -> None:
        instance = self._instances.pop(name)
        self._leaving.append(instance)
        instance.stop(named=named)
        if instance.stopped:
            self.member_changed(name)

    def _check_emptied(self) -> None:
        stopped = [instance for instance in self._leaving if instance.stopped]
        self._renewals.see(stopped)
        for instance in stopped:
            instance.close()
        self._leaving = [instance for instance in self._leaving if not instance.stopped]
        self._want_sockets()
        if self._stopping and not self._leaving:
            self._tell(Emptied())

    def _want_sockets(self) -> None:
        """A router that leaves must still be heard, and must hear its successor."""
        leaving = (instance.spec for instance in self._leaving)
        running = () if self._stopping else self._spec.routers
        specs = (*leaving, *running)
        if self._spec.node:
            self._devices.want(specs, self._spec.mark)
        self._sockets.want(specs, self.host)

    def everyone(self) -> tuple[Instance, ...]:
        """The running routers, and those that are leaving."""
        return (*self._instances.values(), *self._leaving)

    def named(self, router: str) -> list[Instance]:
        """Those of this name: one that runs, and its forerunners that are leaving."""
        running = [self._instances[router]] if router in self._instances else []
        return [*running, *(instance for instance in self._leaving if instance.spec.name == router)]

    def _reported(self, some: Sequence[Instance]) -> None:
        self._renewals.see((*some, *self._leaving))

    def _look_around(self) -> None:
        if alarm := self.guards.look(self.moment()):
            self._tell(Alarm("", alarm))
        if self._sockets.troubled or self._devices.troubled:
            self._want_sockets()
            self._look()
        self.groups.settle()
        self._moved()
