"""One router's election: who holds the VIPs, decided from adverts and time alone.

Owns the inputs of the state machine of RFC 9568 section 6.4 and of what hactl adds to it: leases, make before break, waking
from a stall. The law: every input carries `now` (monotonic seconds) and returns the actions to perform, in order;
`deadline()` tells when `wake` wants to be called next. Nothing here waits, sends or reads a clock.
"""

from failover import backup, fencing, handing, holding, master, witness
from failover.actions import Action, AskWitness, Say, SendAdvert, Stopped
from failover.burst import Burst
from failover.moves import Cause, State
from failover.packet import OWNER, RELEASE, Advert
from failover.permit import Permit
from failover.router import Heard, Router, become
from failover.spec import RouterSpec, Standby


class Election:
    """The election of one router on this director. `address` is the packed source address of our adverts."""

    def __init__(self, spec: RouterSpec, address: bytes, *, grouped: bool = False) -> None:
        self.router = Router(
            spec=spec, address=address, grouped=grouped, priority=spec.priority, tracked=spec.priority
        )

    def deadline(self) -> float | None:
        """When to call `wake` next, None for never."""
        return self.router.deadline()

    def start(self, now: float, *, inherited: bool = False, fault: str | None = None) -> list[Action]:
        """Take part (6.4.1). `inherited`: our marked VIPs are on the interface, left by a daemon that died."""
        router = self.router
        router.part_from = now if inherited else now + router.spec.startup_delay
        if inherited:
            router.holding = True
            router.renew_at = router.renewed_at = now
            router.fence.continues = True
            router.expires_at = None if router.spec.witness is None else now + router.spec.lease
        if fault is not None:
            return become(router, Cause.FAULT_FOUND, now, fault)
        actions = become(router, Cause.STARTED, now)
        router.down_at = now if router.priority == OWNER else now + self._own_master_down()
        return actions

    def receive(self, advert: Advert, source: bytes, now: float) -> list[Action]:
        """An advert that passed every check of 7.1. `source` is its packed source address."""
        router = self.router
        if advert.priority == RELEASE:
            router.released_by, router.released_at = source, now
        else:
            router.heard = Heard(source, advert.priority, advert.interval, now)
        is_master = router.state is State.MASTER
        actions = self.set_alone(router.alone, now) if is_master else []  # Which may find a lease lapsed.
        if router.state is State.MASTER:
            return actions + master.receive(router, advert, source, now)
        actions += fencing.heard(router, now, release=advert.priority == RELEASE)
        if router.state is State.BACKUP:
            backup.receive(router, advert, source, now)
        if advert.priority != RELEASE and not holding.is_early(router, advert, source, now):
            holding.let_go_soon(router, now)
        return actions + self.set_alone(router.alone, now)

    def wake(self, now: float) -> list[Action]:
        """Do what is due. All adverts that have arrived must have been received before."""
        router = self.router
        actions = holding.woken_from_stall(router, now)
        if router.state is State.BACKUP:
            actions += fencing.wake(router, now) + backup.wake(router, now)
        if router.state is State.MASTER:
            actions += master.wake(router, now)
        return actions + handing.wake(router, now) + holding.wake(router, now)

    def set_fault(self, fault: str | None, now: float, *, reachable: bool = True) -> list[Action]:
        """Something this router needs is missing (None: all is there again).

        `reachable`: peers can still hear us, so the VIPs stay until a successor was heard.
        """
        router = self.router
        if fault is None:
            return self._mended(now) if router.state is State.FAULT else []
        if router.state in (State.FAULT, State.INIT):
            router.detail = fault
            return [] if reachable else holding.drop(router)
        if router.stopping:
            return [] if reachable else holding.leave(router, now)
        was_master = router.state is State.MASTER
        actions = become(router, Cause.FAULT_FOUND, now, fault)
        if reachable and was_master:
            return actions + holding.linger(router, now)
        return actions + holding.drop(router)

    def _mended(self, now: float) -> list[Action]:
        actions = become(self.router, Cause.FAULT_MENDED, now)
        self.router.down_at = now + self._own_master_down()
        return actions

    def set_permit(self, permit: Permit, now: float) -> list[Action]:
        """What witnesses allow from now on."""
        router = self.router
        if permit == router.permit:
            return []
        router.permit = permit
        if router.holding and router.renew_at is None and router.expires_at is not None:
            router.renew_at = now if witness.may_hold(router, now) else None
        return self.wake(now) if router.awaiting else holding.wake(router, now)

    def set_priority(self, priority: int, now: float, *, unproven: bool | None = None) -> list[Action]:
        """The effective priority changed by tracking; a master says so in an advert at once.

        `unproven`: something that this director is judged by has no verdict yet, so it must not preempt (None: as it was).
        """
        router = self.router
        router.tracked = priority
        router.unproven = router.unproven if unproven is None else unproven
        effective = router.wanted_priority()
        if effective == router.priority:
            return []
        old, router.priority = router.priority, effective
        if router.state is State.MASTER and effective < old:
            master.lowered(router, old, now)
        if router.advert_at is not None:
            router.advert_at = min(router.advert_at, now)  # One long overdue tells of a stall.
        if router.state is State.BACKUP:
            backup.lowered(router)
        return [Say(f"priority {old} -> {effective}")]

    def set_shared(self, change: int, now: float) -> list[Action]:
        """What tracking found of any router of the group counts for all of them."""
        self.router.shared = change
        return self.set_priority(self.router.tracked, now)

    def set_standby(self, standby: Standby, now: float) -> list[Action]:
        """Stand aside, or no longer. Who is master then goes on with the lowest priority: anybody may take over."""
        router = self.router
        if standby is router.standby:
            return []
        router.standby = standby
        actions = self.set_priority(router.tracked, now)
        if router.state is State.BACKUP:
            router.wanting = False
            router.down_at = now + self._own_master_down()
            actions += router.fence.forget()
        return actions

    def hasten(self, source: bytes, now: float, *, gone: bool, pair: bool) -> list[Action]:
        """A master's own word shortens the wait for its next advert; see `backup.hasten`."""
        if self.router.state is State.BACKUP:
            backup.hasten(self.router, source, now, gone=gone, pair=pair)
        return self.wake(now)

    def told_of_master(self, priority: int, source: bytes, now: float) -> list[Action]:
        """A peer's own word that it is master of this router, or no longer is; see `master.told_of_master`."""
        if self.router.state is not State.MASTER:
            return []
        return master.told_of_master(self.router, priority, source, now)

    def set_alone(self, alone: bool, now: float) -> list[Action]:
        """Every peer is known to be down, or no longer: another lease, which the kernel is told at once.

        Whose adverts are heard is not down, whatever the peers' own channel says.
        """
        router = self.router
        alone = alone and not router.hears_somebody(now)
        if router.alone == alone:
            return []
        actions = holding.woken_from_stall(router, now)
        router.alone = alone
        return actions + (holding.take(router, now) if router.holding and router.lease else [])

    def release(self, now: float, *, hold: float, within: float | None, named: bool = False) -> list[Action]:
        """Hand over: release, keep the VIPs until a successor's advert, then hold back for `hold` seconds.

        When none was heard `within` seconds this director advertises again (None: it never does, and keeps the VIPs).
        `named`: a peer is asked for it, so nothing is released before that is answered.
        """
        router = self.router
        actions = holding.woken_from_stall(router, now)
        if router.state is not State.MASTER or router.stopping:
            return actions
        if witness.is_exclusive(router):
            return actions + holding.give_way(router, now, hold=hold, forever=within is None)
        actions += self._begin_release(now, named=named)
        router.give_up_at = None if within is None else max(now, router.answer_by or now) + within
        router.hold_back(now + hold)
        return actions + holding.wake(router, now)

    def _begin_release(self, now: float, *, named: bool) -> list[Action]:
        router = self.router
        if router.releasing:
            return []
        if named:
            return handing.begin(router, now)
        holding.begin_release(router, now)
        return []

    def hand(self, decide: handing.Decide, now: float) -> list[Action]:
        """A peer's word about a handover, one of `handing`'s inputs."""
        return holding.woken_from_stall(self.router, now) + decide(self.router, now)

    def resume(self) -> None:
        """End holding back after a handover."""
        self.router.hold_until = None

    def stop(self, now: float, *, named: bool = False) -> list[Action]:
        """An operator's stop: release, and leave when a successor was heard or the slowest peer's time has passed.

        `named`: as with `release`.
        """
        router = self.router
        actions = holding.woken_from_stall(router, now)
        if router.state is not State.MASTER:
            leaving = [] if router.state is State.INIT else become(router, Cause.STOPPED, now)
            return [*actions, *leaving, *holding.drop(router), Stopped()]
        if witness.is_exclusive(router):
            released: list[Action] = [SendAdvert(RELEASE)] * len(holding.RELEASE_OFFSETS)
            return [*actions, *released, *holding.leave(router, now)]
        actions += self._begin_release(now, named=named)
        router.stopping = True
        router.give_up_at = max(now, router.answer_by or now) + router.successor_within()
        return actions + holding.wake(router, now)

    def grant(self, now: float) -> list[Action]:
        """The group allows this router to become master."""
        if not self.router.wanting:
            return []
        return backup.begin(self.router, now)

    def fence(self, now: float) -> list[Action]:
        """Every router of the group would become master now: fence first, where that is due here."""
        due = self.router.wanting and fencing.is_due(self.router, now)
        return fencing.ask(self.router, now) if due else []

    def fenced(self, number: int, failure: str, now: float) -> list[Action]:
        """What came of an `AskFencing`: it failed with these words, or (empty) went well."""
        return fencing.ended(self.router, number, failure, now) + self.wake(now)

    def yield_to_group(self, now: float, *, told: bool = False) -> list[Action]:
        """Another router of the group cannot be master here, so this one releases too.

        `told`: peers hear of it on their own channel as well, and one may succeed at once.
        """
        if self.router.awaiting:
            witness.forgo(self.router)
            self.router.wanting = True
            return [AskWitness()]
        if self.router.state is not State.MASTER:
            return []
        actions = become(self.router, Cause.GROUP_YIELDED, now)
        self.router.down_at = now + self._own_master_down()
        self.router.release_told = told
        return actions + holding.linger(self.router, now)

    def taken(self, now: float) -> list[Action]:
        """The kernel holds the VIPs now; the first advert and announcement after a takeover wait for this."""
        return handing.taken(self.router, now)

    def confirmed(self, lease: int) -> None:
        """The kernel has the VIPs with a lease of so many seconds, even if it did not tell yet that they work."""
        if self.router.holding:
            self.router.confirmed_lease = lease

    def voided(self, now: float) -> list[Action]:
        """A write outlasted the time it was good for and was undone: others may hold the VIPs by now."""
        return holding.lapse(self.router, now)

    def addresses_missing(self, now: float) -> list[Action]:
        """Somebody took a VIP off the interface that we hold: put it back."""
        router = self.router
        stalled = holding.woken_from_stall(router, now)
        if stalled or not router.holding or router.confirm_by is not None:
            return stalled
        return [Say("a VIP was taken off by somebody else; putting it back"), *holding.take(router, now)]

    def adopt(self, spec: RouterSpec, now: float) -> list[Action]:
        """A reload changed what may change while running; VIPs that came are put on and announced with the others."""
        router = self.router
        came = set(spec.addresses) - set(router.spec.addresses)
        actions = holding.woken_from_stall(router, now)
        fences, router.spec = router.spec.fence, spec
        if fences != spec.fence:
            actions += fencing.changed(router, now)
        if router.holding:
            router.renew_at = now
            router.expires_at = router.expires_at or (now + spec.lease if spec.witness else None)
        if came and router.burst is not None:
            router.burst = Burst(spec.announce, now)
        return actions + holding.wake(router, now)

    def set_grouped(self, grouped: bool) -> None:
        """A reload put the router into a group or took it out; outside of one nobody grants what it waits for."""
        self.router.grouped = grouped
        if not grouped:
            self.router.wanting = False
            self.router.shared = 0
            self.router.priority = self.router.wanted_priority()

    def _own_master_down(self) -> float:
        return self.router.master_down_from(self.router.spec.advert_interval)
