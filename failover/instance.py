"""One router joined to the event loop: inputs in with the loop's time, actions performed, one timer re-armed.

Owns no decision: those are the election's. It knows how to perform each action and what to report.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from failover import claiming, describe, outgoing
from failover.actions import (
    Action,
    Announce,
    AskFencing,
    AskWitness,
    Changed,
    DropAddresses,
    DropFencing,
    HoldAddresses,
    Ready,
    Say,
    SendAdvert,
    Stopped,
    TwoMasters,
    Wants,
)
from failover.adverts import Adverts
from failover.claiming import Claiming
from failover.election import Election
from failover.hearing import Hearing
from failover.host import inherited, packed
from failover.kernel import write_error
from failover.kernel_job import Job
from failover.moves import State
from failover.outcome import Outcome
from failover.packet import Advert, Drop
from failover.permit import NOTHING
from failover.place import Place
from failover.report import Alarm, Remark, RouterReport
from failover.settling import Settling
from failover.spec import RouterSpec
from failover.surroundings import Handed, Surroundings
from failover.virtual_mac import has_fallen
from failover.writes import Writes


class Instance:
    """One running router."""

    def __init__(self, spec: RouterSpec, around: Surroundings, *, grouped: bool) -> None:
        self.spec = spec
        self._vips = frozenset(packed(vip.address) for vip in spec.addresses)
        self.hearing = Hearing(spec.addresses)
        self.stopped = False
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._settling = Settling(spec)
        self._stand(self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._armed: float | None = None
        self._recheck: asyncio.TimerHandle | None = None
        self._lateness = self._renewal = 0.0
        self._adverts = Adverts(around)
        self._writes = Writes(self, around, self._written)
        self._outcome = Outcome()
        self._claiming = Claiming()
        self._unseen: tuple[Place, ...] | None = None
        self._reported: RouterReport | None = None
        self.election = Election(spec, self.standing.source, grouped=grouped)

    # ---- inputs -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take part."""
        now = self._loop.time()
        fault = self._stand(now)
        self.election.set_priority(self.standing.priority, now, unproven=self.standing.unproven)
        found = inherited(self.spec, self._around.host)
        if not found:
            self._writes.clear(self.spec)
        self._perform(self.election.start(now, inherited=found, fault=fault), now)
        if fault or self.spec.witness is not None:  # What was inherited goes where no peer can hear us.
            self.look()

    def receive(self, advert: Advert, source: bytes) -> None:
        """An advert for this router, checked."""
        now = self._loop.time()
        self._warn(*self.hearing.hear(self.spec, advert, source, now))
        self._perform(self.election.receive(advert, source, now), now)

    def refuse(self, drop: Drop, source: bytes, note: str) -> None:
        """An advert meant for this router was dropped; `note` completes the reason."""
        if alarm := self.hearing.refuse(drop, source, note, self._loop.time()):
            self._around.report(Alarm(self.spec.name, alarm))

    def look(self) -> None:
        """Something on the host or tracked changed: stand anew, and see whether our VIPs are still there."""
        now = self._loop.time()
        before = self.standing.seen
        fault = self._stand(now)
        self.election.router.address = self.standing.source or self.election.router.address
        actions = self.election.set_priority(self.standing.priority, now, unproven=self.standing.unproven)
        actions += self.election.set_permit(self._around.known.permits.get(self.spec.name, NOTHING), now)
        fault = fault or claiming.fault(self.election.router, self.standing, now) or self._outcome.fault(now)
        actions += self.election.set_fault(fault, now, reachable=self.standing.reachable)
        settles = self._settling.deadline(), self._outcome.deadline(now)
        self._recheck_at(claiming.next_look(self.election.router, settles, now))
        self._perform(actions, now)
        if self.standing.seen != before:
            self.report()
        self._see(now)

    def _stand(self, now: float) -> str | None:
        """See how the router stands now; the fault that counts."""
        around, trouble = self._around, self._around.trouble(self.spec)
        self.standing, fault = self._settling.stand(self.spec, around.host, around.known, trouble, now)
        return fault

    def link_changed(self, names: set[str]) -> None:
        """Interfaces changed, perhaps their MAC: a master announces from them again at once."""
        if self.election.router.holding and has_fallen(self.spec, self._around.host):
            self.act(Election.addresses_missing)
        if self._still_ours() and any(vip.interface in names for vip in self.spec.addresses):
            self._announce()

    def act(self, decide: Callable[[Election, float], list[Action]]) -> None:
        """Perform what the election decides on some other input."""
        now = self._loop.time()
        self._perform(decide(self.election, now), now)

    def release(self, *, hold: float, forever: bool, named: bool = False) -> None:
        """Hand over; see `Election.release`. `forever`: never advertise again."""
        within = None if forever else self.election.router.successor_within()
        self.act(lambda election, now: election.release(now, hold=hold, within=within, named=named))

    def stop(self, *, named: bool = False) -> None:
        """Release and leave; `stopped` becomes True when that is done."""
        self.act(lambda election, now: election.stop(now, named=named))

    def adopt(self, spec: RouterSpec) -> None:
        """A reload changed what may change while running: addresses, priority, delays, tracking."""
        now = self._loop.time()
        if self.election.router.holding:
            self._writes.change(self.spec, spec, self.standing)
        self.spec = spec
        self._vips = frozenset(packed(vip.address) for vip in spec.addresses)
        self.hearing.adopt(spec.addresses)
        self._settling.adopt(spec)
        self._perform(self.election.adopt(spec, now), now)
        self.look()

    def set_grouped(self, grouped: bool) -> None:
        """A reload put the router into a group or took it out."""
        self.election.set_grouped(grouped)
        self._arm()

    def close(self) -> None:
        """No more timers."""
        for handle in filter(None, (self._timer, self._recheck)):
            handle.cancel()
        self._timer = self._recheck = None

    # ---- what others ask ----------------------------------------------------------------------------------------

    def has_any(self, addresses: Iterable[bytes]) -> bool:
        """Whether some of these packed addresses are VIPs of this router."""
        return not self._vips.isdisjoint(addresses)

    @property
    def state(self) -> State:
        """The router's state."""
        return self.election.router.state

    def renewals(self) -> tuple[Place, ...]:
        """Where the kernel holds our VIPs now."""
        held = self.spec.addresses if self.election.router.holding else ()
        return outgoing.places(held, self._around.host, self.standing.owned)

    def report(self, changed: Changed | None = None) -> None:
        """Tell the supervisor how things are, if anything moved since it was last told."""
        now = self._loop.time()
        time = self._around.guards.text(self.spec, self._around.moment())
        report = describe.report(
            self.election.router,
            now,
            trouble="; ".join(filter(None, (self._outcome.trouble(now), time))),
            hearing=self.hearing,
            lateness=self._lateness,
            renewal=self._renewal,
            track=self.standing.seen,
            claim=self._claiming.number(self.election.router, self._around.named(self.spec.name), now),
            old=changed.old if changed else None,
        )
        if report != self._reported:
            self._reported = report
            self._lateness = self._renewal = 0.0
            self._around.report(report)

    def claims(self, now: float) -> bool:
        """Whether an arbiter's lease is needed here."""
        return self._claiming.needed(self.election.router, now)

    # ---- performing ---------------------------------------------------------------------------------------------

    def _perform(self, actions: Sequence[Action], now: float) -> None:
        self._claiming.expect(actions)
        for action in actions:
            match action:
                case SendAdvert(priority):
                    self._warn(self._adverts.send(self.spec, priority, self.standing.source))
                case HoldAddresses(lease, void_after):
                    self._writes.hold(self.spec, self.standing, self.election.router, lease, void_after)
                case DropAddresses():
                    job = self._writes.drop(self.spec, self.standing)
                    self._claiming.dropping(job, self.spec.lease, now)
                case Announce():
                    self._announce()
                case Changed() | Wants() | AskWitness():
                    if not isinstance(action, Wants):
                        self.report(action if isinstance(action, Changed) else None)
                    self._around.member_changed(self.spec.name)
                case AskFencing() | DropFencing():
                    self._around.report(describe.fence_ask(self.spec.name, action))
                case Ready():
                    interfaces = {vip.interface for vip in self.spec.addresses}
                    self._around.after_announcing(interfaces, self._taken)
                case TwoMasters(address, priority):
                    self.report()
                    self._around.report(describe.conflict(self.election.router, address, priority))
                case Say(text):
                    self._around.report(Remark(self.spec.name, text))
                case Stopped():
                    self.stopped = True
        self._writes.keep_still(self.spec, self.election.router)
        self._arm()

    def _warn(self, *texts: str) -> None:
        for text in filter(None, texts):
            self._around.report(Remark(self.spec.name, text, warning=True))

    def _announce(self) -> None:
        for interface, frames in outgoing.announcements(self.spec, self._around.host):
            self._around.announce(self.spec, interface, frames, self._still_ours)

    def _still_ours(self) -> bool:
        """Asked before each frame: a worker that stood still may have lost the VIPs without knowing yet."""
        router = self.election.router
        awake = self._loop.time() - router.last_sent <= router.dead_time()
        return router.state is State.MASTER and not router.releasing and awake

    def _taken(self, announced: bool) -> None:
        lost = not announced or not self._still_ours() or self._outcome.error
        self._around.handed(self.spec.name, Handed.LOST if lost else Handed.READY)

    def _written(self, job: Job) -> None:
        """A write of addresses has ended."""
        now = self._loop.time()
        self._renewal = max(self._renewal, job.took)
        self._outcome.error = write_error(job)
        if job.lifetime is None:
            self._claiming.dropped(job)
            self.report()
            self._around.handed(self.spec.name, Handed.LET_GO)
        elif job.voided:
            self._around.before_timer()
            self._perform(self.election.voided(now), now)
        elif not job.cancelled:
            if not job.error:
                self.election.confirmed(job.lifetime)
            self._unseen = self._outcome.unseen(job, self._around.host, now)
            self.look() if self._outcome.is_news else self._see(now)

    def _see(self, now: float) -> None:
        """The VIPs count as taken when the kernel told of them: it acknowledges an IPv6 address some ms before it works."""
        if self._unseen is not None and all(self._around.host.holds(place) for place in self._unseen):
            self._unseen = None
            self._perform(self.election.taken(now), now)

    # ---- timers -------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        deadline = None if self.stopped else self.election.deadline()
        if deadline == self._armed and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed = deadline
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._around.before_timer()
        now = self._loop.time()
        if self._armed is not None:
            self._lateness = max(self._lateness, now - self._armed)
        self._perform(self.election.wake(now), now)

    def _recheck_at(self, at: float | None) -> None:
        if self._recheck is not None:
            self._recheck.cancel()
        self._recheck = None if at is None else self._loop.call_at(at, self.look)
