"""What must hold whatever happens to the directors, judged while it happens.

Owns the invariants. In fair weather (loss and delay below master-down minus an interval, `weather.FAIR`):

* two directors that live and hear each other hold a VIP no longer than an interval, two delays and the writes; longer only
  while a handover by name runs, or while neither of them advertises yet; and what a dead or frozen one holds is on a lease;
* a VIP is never without a holder through the doing of a daemon that lives and stood by;
* nobody takes over without the cause that it names, and no earlier than its timers say;
* the loser of two masters is the lower one, and a master answers a losing advert at once.

In any weather: after the last fault exactly one living director is master within the dead time, two delays and 100 ms; it
alone has the VIP, it announced it last, and it is the best where all preempt.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
from simulation.weather import Network
from simulation.world import Broken, Rank, World

from failover.host import packed
from failover.master import CONFIRM_WITHIN
from failover.moves import Cause, State
from failover.packet import Advert
from failover.peer.handover import GIVE_UP
from failover.peer.spec import PeerChannelSpec
from failover.report import RouterReport
from failover.router import NEVER, Router
from failover.spec import RouterSpec, Standby
from failover.timing import GRACE

if TYPE_CHECKING:
    from simulation.director import Director

EPSILON = 0.012
"""Seconds for late timers, and an instant for each of a few turns of a loop."""
CLOCKS = 0.002
"""By how much a clock may run wrong; timers are judged with that much tolerance."""
KNOWN_AGAIN = 12
"""Beats until a peer that can be heard again must be known to be up, with some of its words lost."""
ANSWER = 0.006
SETTLED = 0.1
"""The 100 ms of the recovery."""


class Heard(msgspec.Struct):
    """What has reached one router of one director."""

    at: float = -math.inf
    """When the last advert of a master arrived, by the world's time."""
    priority: int = 0
    sender: int = 0
    own: int = 255
    """Our own priority when it arrived."""
    lower_since: float | None = None
    """Since when only adverts of a lower priority have arrived."""
    released: float = -math.inf
    """When the last release arrived, if no advert came after it."""
    own_then: int = 0
    """Our own priority at that moment."""
    releaser: int = 0
    overtaken: float = -math.inf
    """When an advert arrived that its sender's release had overtaken."""


class Judge:
    """`fair`: more is promised than recovery; `prompt`: see `Weather`.

    `slowest` is the longest write of addresses there is, in seconds."""

    def __init__(
        self, world: World, networks: dict[str, Network], *, fair: bool, prompt: bool, slowest: float
    ) -> None:
        self.fair = fair
        self._prompt = prompt
        self.directors: Sequence[Director] = ()
        self._world, self._networks = world, networks
        self._weathers = {name: network.weather for name, network in networks.items()}
        """Until all is calm."""
        self._slowest = slowest
        self._calm_from = math.inf
        self._ordered_at = -math.inf
        self._faults = 0
        self._began: dict[tuple[int, int], float] = {}
        """When a director last became master."""
        self._link_at = -math.inf
        self._pairs: dict[tuple[int, int, int], float] = {}
        self._apart_until: dict[tuple[int, int, str], float] = {}
        self._were_apart: dict[tuple[int, int, str], bool] = {}
        self._heard: dict[tuple[int, int], Heard] = {}
        self._said: dict[tuple[int, int], float] = {}
        self._first_said: dict[tuple[int, int], float] = {}
        self._words: dict[tuple[int, int], int] = {}
        """The priority that a director advertised last."""
        self._lowered: dict[tuple[int, int], float] = {}
        """When a master last advertised a lower priority than before."""
        self._let_go: dict[tuple[int, int], float] = {}
        """When a director that has not advertised since began to release."""
        self._over: dict[tuple[int, int], float] = {}
        """Of which moment the order to hold back was that is over for a director, for its master is one no more."""
        self._answered: dict[tuple[int, int], float] = {}
        self._announced: dict[bytes, tuple[int, float]] = {}
        """Who announced a VIP last, and when."""
        self._heard_of: dict[tuple[int, int, int], float] = {}
        """When a director last had an advert of another one."""
        self._yielded: dict[tuple[int, int], tuple[int, float]] = {}
        """To whose advert a director has yielded last, and when."""
        self._many_since: dict[str, float] = {}
        self._checked: set[str] = set()

    # ---- what the trial tells -----------------------------------------------------------------------------------------

    def fault(self, lasts: float = 0.0) -> None:
        """Something goes wrong or well again now, or was told to be otherwise; its effects end after `lasts` seconds."""
        self._calm_from = max(
            self._world.now + lasts, self._calm_from if self._calm_from < math.inf else -math.inf
        )
        self._many_since.clear()
        self._faults += 1
        self._world.at(self._calm_from, Rank.CHECK, self._recovers, self._calm_from)

    def ordered(self) -> None:
        """An operator ordered a handover, or something that hands over."""
        self._ordered_at = self._world.now

    def hands_over(self, giver: "Director") -> None:
        """A director is to hand over now: of those that can take it somebody does so soon."""
        for spec in self._specs():
            router = _router(giver, spec.vrid)
            settled = router is not None and self._world.now - self._began.get(
                (giver.number, spec.vrid), 0.0
            ) > 2 * (spec.down_after * spec.advert_interval)
            if (
                router is None
                or not _advertises(router)
                or not settled
                or not self._prompt
                or giver.spec.groups
            ):
                continue
            skews = [
                _skew(spec, r.priority) for d in self._takers(giver, spec) if (r := _router(d, spec.vrid))
            ]
            if skews:
                missed = (spec.down_after - 1) * spec.advert_interval
                asked = min(missed, GIVE_UP) if giver.spec.channel is not None else 0.0
                soon = (
                    asked + max(skews) * (1 + CLOCKS) + self._networks[spec.interface].longest + 3 * EPSILON
                )
                what = self._faults, giver, spec, self._world.now
                self._world.at(self._world.now + soon, Rank.CHECK, self._taken, what)

    def _takers(self, giver: "Director", spec: RouterSpec) -> "list[Director]":
        """Backups that have been there for long and hear the giver."""
        now, long = self._world.now, 2 * (spec.down_after + 1) * spec.advert_interval + spec.startup_delay
        return [
            d
            for d in self._able(spec)
            if d is not giver
            and now - max(d.started_at, d.thawed_at, self._link_at) > long
            and d.wishes.standby(d.name) is Standby.OFF
            and not self._networks[spec.interface].cuts
        ]

    def _taken(self, what: "tuple[int, Director, RouterSpec, float]") -> None:
        faults, giver, spec, at = what
        began = self._let_go.get((giver.number, spec.vrid), math.inf)
        heard = [self._heard.get((d.number, spec.vrid), Heard()) for d in self._takers(giver, spec)]
        if heard and all(one.overtaken >= began for one in heard):
            return  # An advert came after all of the release: they are patient again.
        others = [d for d in self.directors if d is not giver]
        took = any(self._began.get((d.number, spec.vrid), -math.inf) >= at for d in others)
        if faults == self._faults and not took and not any(d in others for d in self._masters(spec)):
            self._broken(f"{giver.name} hands {spec.name} over, and nobody takes it")

    def link_changed(self) -> None:
        """An interface lost its carrier or has it again."""
        self._link_at = self._world.now

    def changed(self) -> None:
        """Who lives, hears whom, or holds is otherwise now."""
        now = self._world.now
        for name in self._networks:
            for x in self.directors:
                for y in self.directors[x.number :]:
                    way, apart = (x.number, y.number, name), self._apart(x, y, name)
                    if apart or self._were_apart.get(way):
                        self._apart_until[way] = now
                    self._were_apart[way] = apart
        for number, spec in enumerate(self._specs()):
            vip = _vip(spec)
            for x in self.directors:
                for y in self.directors[x.number :]:
                    apart = self._were_apart[x.number, y.number, spec.interface]
                    key = x.number, y.number, number
                    if apart or not (x.holds(vip) and y.holds(vip)):
                        self._pairs.pop(key, None)
                    elif key not in self._pairs and self.fair:
                        self._pairs[key] = now
                        self._world.at(now + self._overlap(spec), Rank.CHECK, self._overlaps, (key, now))

    # ---- what directors tell (Witness) ----------------------------------------------------------------------------------

    def arrived(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """See Witness."""
        now = self._world.now
        heard = self._heard.setdefault((to.number, advert.vrid), Heard())
        self._may_end_a_hold(to, sender, advert)
        if advert.priority == 0:
            if heard.released == -math.inf:
                own = _router(to, advert.vrid)
                heard.released, heard.own_then = now, 0 if own is None else own.priority
            heard.releaser = sender.number
            return
        if heard.released > -math.inf and heard.releaser == sender.number:
            heard.overtaken = now
        heard.released = -math.inf
        self._heard_of[to.number, advert.vrid, sender.number] = now
        heard.at, heard.priority, heard.sender = now, advert.priority, sender.number
        router = _router(to, advert.vrid)
        if router is None:
            return
        heard.own = router.priority
        if advert.priority >= router.priority:
            heard.lower_since = None
        elif heard.lower_since is None:
            heard.lower_since = now
        if self.fair and to.awake and _advertises(router) and router.confirm_by is None:
            ours = router.priority, to.number
            if ours > (advert.priority, sender.number):
                self._must_answer(to, advert.vrid, router)

    def _may_end_a_hold(self, to: "Director", sender: "Director", advert: Advert) -> None:
        """The master that nobody should preempt releases, or lost: another one is heard, and that one no more."""
        now = self._world.now
        if not to.wishes.holds:
            return
        spec = next(spec for spec in self._specs() if spec.vrid == advert.vrid)
        hold = to.wishes.held(now).get(spec.name)
        if hold is None:
            return
        known = {
            _address(number, spec): at
            for (n, vrid, number), at in self._heard_of.items()
            if (n, vrid) == (to.number, advert.vrid)
        }
        silent = now - max(known.get(hold.master, -math.inf), hold.at)
        if hold.master == _address(sender.number, spec):
            over = not advert.priority
        else:
            over = advert.priority > 0 and silent > spec.down_after * spec.advert_interval - EPSILON
        if over:
            self._over[to.number, advert.vrid] = hold.at

    def said(self, director: "Director", advert: Advert) -> None:
        """See Witness."""
        key = director.number, advert.vrid
        if 0 < advert.priority < self._words.get(key, 0):
            self._lowered[key] = self._world.now
        self._words[key] = advert.priority
        if advert.priority:
            self._let_go.pop(key, None)
            self._said[key] = self._world.now
            self._first_said.setdefault(key, self._world.now)
            if self.fair:
                self._may_speak(director, advert.vrid)
        else:
            self._let_go.setdefault(key, self._world.now)
            self._first_said.pop(key, None)

    def _may_speak(self, director: "Director", vrid: int) -> None:
        """Who stood still for longer than its lease listens first: others may hold the VIPs by now."""
        if self._world.now - director.thawed_at >= EPSILON:
            return
        spec = next(spec for spec in self._specs() if spec.vrid == vrid)
        lease = director.slept_on.get(_vip(spec), 0)
        if (
            lease
            and self._began.get((director.number, vrid), math.inf) < director.thawed_at
            and director.stood_still > lease + 2 * spec.advert_interval
        ):
            self._broken(
                f"{director.name} advertises {spec.name} after {director.stood_still:.3f} s of a stall"
            )

    def moved(self, director: "Director", report: RouterReport) -> None:
        """See Witness."""
        instance = director.instance(report.router)
        if instance is None:
            return
        router, vrid = instance.election.router, instance.spec.vrid
        self._first_said.pop((director.number, vrid), None)
        heard = self._heard.setdefault((director.number, vrid), Heard())
        if report.state is State.MASTER:
            self._began[director.number, vrid] = self._world.now
        if self.fair:
            if report.state is State.MASTER:
                self._may_take_part(director, router)
                self._has_cause(director, router, heard)
                hold = director.wishes.held(self._world.now).get(router.spec.name)
                if hold is not None:  # Whom it should not preempt has failed, or this were broken.
                    self._over[director.number, vrid] = hold.at
            elif report.cause is Cause.OUTRANKED and self._world.now - director.thawed_at > EPSILON:
                theirs, ours = (heard.priority, heard.sender), (router.priority, director.number)
                if theirs < ours:
                    self._broken(f"{director.name} {ours} yields to the advert of {theirs}")
        if report.cause in (Cause.OUTRANKED, Cause.HANDED_OVER):
            self._yielded[director.number, vrid] = heard.sender, self._world.now
        if report.state is not State.MASTER:
            awoke = self._world.now - director.thawed_at <= EPSILON  # What it reads next came before.
            met = report.cause in (Cause.OVERTAKEN, Cause.OUTRANKED) or awoke
            lower = heard.priority < router.priority and met
            heard.lower_since = self._world.now if lower else None
        self._count(instance.spec)

    def announced(self, director: "Director", frame: bytes) -> None:
        """See Witness."""
        self._announced[frame[28:32]] = director.number, self._world.now

    def held(self, director: "Director", vip: bytes, why: str) -> None:
        """See Witness."""
        state = director.kernel.vips[vip]
        spec = next(spec for spec in self._specs() if _vip(spec) == vip)
        if state.expires is not None and self.fair and director.alive:
            self._is_leased(director, spec, state.lease)
        elif self._prompt and not any(other.holds(vip) for other in self.directors):
            self._may_end(director, spec, why)
        if why:
            self.changed()

    def lives(self, director: "Director") -> None:
        """See Witness."""
        if not director.alive:
            self.fault()
            for spec in self._specs():
                self._first_said.pop((director.number, spec.vrid), None)
                self._heard.pop((director.number, spec.vrid), None)
        self.changed()

    # ---- two holders --------------------------------------------------------------------------------------------------

    def _overlap(self, spec: RouterSpec) -> float:
        network, before = self._networks[spec.interface], self._weathers[spec.interface]
        lost_before = (1 + (before.run or 0)) * spec.advert_interval
        weather = before if self._world.now < self._calm_from + lost_before else network.weather
        base = max(CONFIRM_WITHIN, spec.advert_interval) + (weather.run or 0) * spec.advert_interval
        return base + 2 * weather.longest(spec.advert_interval) + 3 * self._slowest + EPSILON

    def _overlaps(self, what: tuple[tuple[int, int, int], float]) -> None:
        key, since = what
        if self._pairs.get(key) != since:
            return
        x, y, spec = self.directors[key[0] - 1], self.directors[key[1] - 1], self._specs()[key[2]]
        now, bound = self._world.now, self._overlap(spec)
        speaks = [self._first_said.get((d.number, spec.vrid), now) for d in (x, y)]
        keys = [(d.number, spec.vrid) for d in (x, y)]
        handover = max(began.get(key, -math.inf) for began in (self._lowered, self._let_go) for key in keys)
        due = max(since, min(speaks), handover + spec.advert_interval) + bound
        for director in (x, y):
            router = _router(director, spec.vrid)
            if router is not None and router.ready_by is not None:
                due = max(due, director.clock.when(router.ready_by) + bound)
            # Handed it by a third one, or by the other's own release: what it said soon after was older.
            given = (
                NEVER
                if router is None
                else max(router.asked_at, router.took_over_at if router.given_by else NEVER)
            )
            if given > NEVER:
                due = max(due, director.clock.when(given) + spec.advert_interval + bound)
            vip = director.kernel.vips[_vip(spec)]
            if (
                router is not None and vip.expires is not None
            ):  # The last write of a dead daemon: its lease ends it,
                if not router.holding:
                    due = max(due, vip.expires + EPSILON)
                elif vip.wrote_at < router.since:  # or its successor has just become master itself.
                    due = max(due, director.clock.when(router.since) + bound)
        patience = GIVE_UP + (spec.down_after + 2) * spec.advert_interval + GRACE
        if due - 1e-6 <= now or now - since > 2 * patience + bound + spec.lease:
            self._broken(
                f"{x.name} and {y.name} hold {spec.name}'s VIP for {now - since:.3f} s although they hear each other"
            )
        self._world.at(due, Rank.CHECK, self._overlaps, what)

    def _is_leased(self, director: "Director", spec: RouterSpec, lease: int) -> None:
        router = _router(director, spec.vrid)
        slow = self._slowest > CONFIRM_WITHIN  # What is written now was wanted a while ago.
        if router is not None and not router.alone and 0 < spec.lease < lease == spec.lease_alone:
            wrote, soon = self._world.now, 4 * self._slowest + EPSILON
            # It was wanted when no peer was heard yet; the next write is on its way, behind that of another router.
            self._world.at(wrote + soon, Rank.CHECK, self._is_leased_anew, (director, spec, wrote))
            return
        alone = slow or (router is not None and router.alone and self._may_feel_alone(director, spec))
        if spec.lease and not 0 < lease <= (max(spec.lease_alone, spec.lease) if alone else spec.lease):
            self._broken(f"{director.name} holds {spec.name}'s VIP with a lease of {lease} s")

    def _is_leased_anew(self, what: "tuple[Director, RouterSpec, float]") -> None:
        director, spec, wrote = what
        vip = director.kernel.vips[_vip(spec)]
        if (
            vip.expires is not None
            and not self._wrote_dead(director, spec)
            and vip.wrote_at == wrote
            and director.awake
            and director.thawed_at < wrote
        ):
            self._broken(f"{director.name} hears a peer and goes on with a lease of {vip.lease} s")

    def _wrote_dead(self, director: "Director", spec: RouterSpec) -> bool:
        """Whether a daemon that was killed has put a VIP on when the next one, which knows nothing of it, ran already."""
        router, wrote = _router(director, spec.vrid), director.kernel.vips[_vip(spec)].wrote_at
        killed = (
            director.died_writing_at
            <= director.started_at
            <= wrote
            <= director.died_writing_at + self._slowest
        )
        return killed and router is not None and not router.holding

    def _may_feel_alone(self, director: "Director", spec: RouterSpec) -> bool:
        """Whether no peer can have been heard lately, neither its beats nor, where it is master, its adverts."""
        now = self._world.now
        heard = self._heard.get((director.number, spec.vrid))
        if (
            heard is not None
            and self._slowest + EPSILON
            < (now - heard.at) * (1 + CLOCKS)
            < spec.down_after * spec.advert_interval
        ):
            return False
        channel = director.spec.channel
        links = channel.peers[0].links if channel is not None else ()
        known_again = KNOWN_AGAIN * channel.beat if channel is not None else 0.0
        names = {"eth0" if link.own.startswith("10.99.") else "eth1" for link in links}
        if channel is not None and all(self._late(name, channel) for name in names):
            return True  # One beat that is quick and some that are slow: between them is a dead time.
        return bool(names) and all(
            now - max(other.started_at, other.thawed_at) < known_again
            or all(
                self._apart(director, other, name)
                or now - self._apart_until.get(_way(director, other, name), -math.inf) < known_again
                for name in names
            )
            for other in self.directors
            if other is not director
        )

    def _late(self, name: str, channel: PeerChannelSpec) -> bool:
        return self._networks[name].longest + channel.beat + EPSILON >= channel.dead_time

    def _apart(self, x: "Director", y: "Director", interface: str) -> bool:
        cuts = self._networks[interface].cuts
        return (
            not (x.awake and y.awake)
            or (x.number, y.number) in cuts
            or (y.number, x.number) in cuts
            or not (x.kernel.links[interface].up and y.kernel.links[interface].up)
        )

    # ---- no holder ----------------------------------------------------------------------------------------------------

    def _may_end(self, director: "Director", spec: RouterSpec, why: str) -> None:
        """A VIP leaves its last holder: only where nobody's code could have kept it there."""
        now = self._world.now
        router = _router(director, spec.vrid)
        if not director.awake or director.stopping or router is None or router.cause is Cause.LEASE_LAPSED:
            return
        moment = self._overlap(spec)
        under_way = 2 * self._networks[spec.interface].longest + 3 * self._slowest + EPSILON
        heard = self._heard.get((director.number, spec.vrid), Heard())
        if now - director.started_at <= under_way:
            return  # It inherited the VIP, and an advert was under way that its sender did not stand to any more.
        if any(
            now - max(d.started_at, d.thawed_at) <= under_way
            for d in self._successors(director, spec, under_way)
        ):
            return  # Such an advert was its successor's, who died; or spoke as it woke, and read only then of a better one.
        if now - self._link_at <= moment or now - director.thawed_at <= spec.lease + moment:
            return
        if not director.kernel.links[spec.interface].up or self._hid(director, heard, spec, under_way):
            return
        vip = director.kernel.vips[_vip(spec)]
        if vip.since < director.started_at and any(now - d.thawed_at <= under_way for d in self.directors):
            return  # Or such an advert had waited for one that stood still, who yielded to it and said so.
        if (
            vip.wrote_at < router.since
            and router.state is State.BACKUP
            and vip.wrote_at < director.started_at
        ):
            return  # Inherited, and at its end before this daemon's first renewal was written.
        if director.writer is not None and director.writer.holds_soon:
            return  # It woke in the last moment; its renewal is on the way to the kernel.
        if self._slowest > CONFIRM_WITHIN and any(
            self._waits_for_its_kernel(d, spec)
            or self._wrote_too_late(d, spec, moment)
            or now - d.died_writing_at <= moment
            for d in self.directors
        ):
            return  # Its successor could not wait longer for a slow kernel, which had it too late; or died in doing so.
        self._broken(f"{director.name} lives and gives up {spec.name}'s VIP ({why}), and nobody holds it")

    def _successors(self, director: "Director", spec: RouterSpec, lately: float) -> "list[Director]":
        """Whom it heard last; whom it yielded to just now, and to whom that one has."""
        numbers = [self._heard.get((director.number, spec.vrid), Heard()).sender]
        number, at = self._yielded.get((director.number, spec.vrid), (0, -math.inf))
        while number and number not in numbers[1:] and self._world.now - at <= lately:
            numbers.append(number)
            number, at = self._yielded.get((number, spec.vrid), (0, -math.inf))
        return [self.directors[number - 1] for number in numbers if number]

    def _hid(self, director: "Director", heard: Heard, spec: RouterSpec, lately: float) -> bool:
        """Whether its successor's advert was the last one of a rival that it had not heard before and that has yielded."""
        rival = next((d for d in self.directors if d.number == heard.sender), None)
        theirs, ours = None if rival is None else _router(rival, spec.vrid), _router(director, spec.vrid)
        if rival is None or theirs is None or ours is None or theirs.cause is not Cause.OUTRANKED:
            return False
        known = spec.down_after * spec.advert_interval + 2 * spec.advert_interval
        return (
            rival.clock.read(self._world.now) - theirs.since <= lately
            and director.clock.read(self._world.now) - max(ours.took_over_at, ours.rival_at) > known
        )

    def _waits_for_its_kernel(self, director: "Director", spec: RouterSpec) -> bool:
        router = _router(director, spec.vrid)
        if router is None or director.writer is None or not director.writer.holds_soon:
            return False
        waited = director.clock.read(self._world.now) - router.since
        return router.state is not State.MASTER or waited >= max(CONFIRM_WITHIN, spec.advert_interval)

    def _wrote_too_late(self, director: "Director", spec: RouterSpec, lately: float) -> bool:
        router = _router(director, spec.vrid)
        if router is None or router.cause is not Cause.LEASE_LAPSED:
            return False
        return director.clock.read(self._world.now) - router.since <= lately

    # ---- causes -------------------------------------------------------------------------------------------------------

    def _may_take_part(self, director: "Director", router: Router) -> None:
        """It has listened as long as it must, and does not stand aside."""
        spec, now = router.spec, self._world.now
        listened = (now - director.started_at) * director.clock.rate + 1e-6
        if listened < spec.startup_delay and _vip(spec) not in director.inherited:
            self._broken(f"{director.name} takes {spec.name} over {listened:.3f} s after its start")
        aside = next((a for a in director.wishes.asides if a.director == director.name), None)
        if aside is not None and aside.standby is Standby.HARD and now - aside.at > EPSILON:
            self._broken(f"{director.name} takes {spec.name} over and stands aside")

    def _has_cause(self, director: "Director", router: Router, heard: Heard) -> None:
        spec, now = router.spec, self._world.now
        waited = (now - heard.at) * director.clock.rate + 1e-6
        match router.cause:
            case Cause.MASTER_SILENT:
                patience = self._own_patience(spec, router, heard)
                if waited < patience and not self._had_word(spec, heard, waited):
                    self._broken(
                        f"{director.name} takes {spec.name} over {now - heard.at:.4f} s after the last advert,"
                        f" its patience is {patience:.4f} s"
                    )
                self._nobody_serves(director, router)
            case Cause.MASTER_GONE:
                if not self._said_to_go(spec, heard.sender):
                    self._broken(
                        f"{director.name} takes {spec.name} over, but nobody can have said that he goes"
                    )
            case Cause.PREEMPTING:
                self._may_preempt(director, router, heard)
            case Cause.MASTER_RELEASED:
                released = (now - heard.released) * director.clock.rate + 1e-6
                skew = min(_skew(spec, own) for own in (heard.own, heard.own_then, router.priority))
                soon = not skew <= released < math.inf
                word = self._had_word(spec, heard, waited)
                otherwise = word or router.grouped or heard.lower_since is not None
                if soon and waited < self._own_patience(spec, router, heard) and not otherwise:
                    self._broken(f"{director.name} takes {spec.name} over on a release {released:.4f} s ago")
            case Cause.ASKED:
                if now - self._ordered_at > 2 * GIVE_UP:
                    self._broken(
                        f"{director.name} was asked for {spec.name}, and nobody was told to hand over"
                    )
            case _:
                return

    def _own_patience(self, spec: RouterSpec, router: Router, heard: Heard) -> float:
        """After how long a silence a backup takes over of itself."""
        dead = spec.down_after * spec.advert_interval
        if router.standby is not Standby.OFF:
            return 2 * (dead + _skew(spec, router.priority))
        quickest = max(heard.own, router.priority)
        return dead if heard.lower_since is not None else dead + _skew(spec, quickest)

    def _had_word(self, spec: RouterSpec, heard: Heard, waited: float) -> bool:
        """Whether a peer's word may have said that its master goes: one missed advert is enough then, of a link none."""
        if self.directors[0].spec.channel is None or not self._said_to_go(spec, heard.sender):
            return False
        gone = not self.directors[heard.sender - 1].kernel.links[spec.interface].up
        return gone or waited >= spec.advert_interval

    def _said_to_go(self, spec: RouterSpec, sender: int) -> bool:
        """Whether the master heard last may have said that it goes."""
        if not 0 < sender <= len(self.directors):
            return False
        master, moment = self.directors[sender - 1], (spec.down_after + 1) * spec.advert_interval + GIVE_UP
        lately = self._world.now - max(self._link_at, master.started_at, master.silent_since) < moment
        return lately or master.stopping or not master.alive or not master.kernel.links[spec.interface].up

    def _nobody_serves(self, director: "Director", router: Router) -> None:
        """No master whom it must have heard serves."""
        spec, now = router.spec, self._world.now
        network = self._networks[spec.interface]
        long = (spec.down_after + 1) * spec.advert_interval + network.longest + self._slowest + EPSILON
        for other in self.directors:
            theirs = _router(other, spec.vrid)
            if other is director or theirs is None or not _advertises(theirs):
                continue
            if self._apart(director, other, spec.interface):
                continue
            together = now - self._apart_until.get(_way(director, other, spec.interface), -math.inf)
            served = now - self._first_said.get((other.number, spec.vrid), now)
            if min(together, served) > 2 * long and now - director.started_at > 2 * long:
                self._broken(
                    f"{director.name} takes {spec.name} over while {other.name} serves and can be heard"
                )

    def _may_preempt(self, director: "Director", router: Router, heard: Heard) -> None:
        spec, now = router.spec, self._world.now
        why = ""
        if not spec.preempt:
            why = "it must not preempt"
        elif router.standby is not Standby.OFF:
            why = "it stands aside"
        elif router.unproven:
            why = "it is unproven"
        elif heard.priority >= router.priority:
            why = f"the master's priority is {heard.priority}"
        elif (
            heard.lower_since is not None
            and (now - heard.lower_since) * (1 + CLOCKS) + EPSILON < spec.preempt_delay
        ):
            why = f"preempt_delay is {spec.preempt_delay} s"
        else:
            first = self._specs()[0] if router.grouped else spec  # In a group the first router decides.
            sender = self._heard.get((director.number, first.vrid), heard).sender
            hold = director.wishes.held(now - EPSILON - 0.5).get(first.name)
            if (
                hold is not None
                and hold.until > now + 0.01
                and hold.master == _address(sender, first)
                and hold.at < now - 0.01
                and self._over.get((director.number, first.vrid)) != hold.at
            ):
                why = f"nobody may preempt {hold.master} before {hold.until:.3f}"
        if why:
            self._broken(f"{director.name} preempts in {spec.name}, but {why}")

    def _must_answer(self, director: "Director", vrid: int, router: Router) -> None:
        """A master whom a losing one does not hear is to say so at once, but no more than once an interval."""
        key, now = (director.number, vrid), self._world.now
        before, self._answered[key] = self._answered.get(key, -math.inf), now
        if now - before <= router.spec.advert_interval * (1 + CLOCKS) + EPSILON:
            return
        self._world.at(now + ANSWER, Rank.CHECK, self._answers, (director, vrid, now))

    def _answers(self, what: "tuple[Director, int, float]") -> None:
        director, vrid, at = what
        router = _router(director, vrid)
        if not director.awake or router is None or not _advertises(router):
            return
        if at - director.thawed_at < 2 * router.spec.advert_interval:
            return  # It answered when it awoke, before this.
        if self._said.get((director.number, vrid), -math.inf) < at:
            self._broken(f"{director.name} does not answer the advert of a losing master")

    # ---- recovery -----------------------------------------------------------------------------------------------------

    def _recovery(self, spec: RouterSpec) -> float:
        """How long after the last fault there may be no master, or several."""
        able = self._able(spec)
        slowest = max((_patience(d, spec) for d in able), default=0.0)
        network = self._networks[spec.interface]
        lost = (network.weather.run or 0) * spec.advert_interval
        group = 2 * slowest + 1.0 if any(d.spec.groups for d in self.directors) else 0.0
        return slowest * (1 + CLOCKS) + lost + 2 * network.longest + SETTLED + group

    def _able(self, spec: RouterSpec) -> "list[Director]":
        """Who can be master."""
        interfaces = (
            {one.interface for one in self._specs()} if self.directors[0].spec.groups else {spec.interface}
        )
        return [
            d
            for d in self.directors
            if d.awake
            and not d.stopping
            and d.wishes.standby(d.name) is not Standby.HARD
            and all(d.kernel.links[name].up for name in interfaces)
        ]

    def _recovers(self, at: float) -> None:
        if at != self._calm_from:
            return
        for spec in self._specs():
            self._world.at(at + self._recovery(spec), Rank.CHECK, self._recovered, (at, spec))

    def _recovered(self, what: tuple[float, RouterSpec]) -> None:
        at, spec = what
        if at == self._calm_from:
            self._checked.add(spec.name)
            self._count(spec)

    def _count(self, spec: RouterSpec) -> None:
        """After recovery there is one master, but for the moments in which one follows another."""
        if not self._is_over(spec):
            return
        able = self._able(spec)
        masters = self._masters(spec)
        if len(masters) > 1:
            since = self._many_since.setdefault(spec.name, self._world.now)
            self._world.at(since + self._overlap(spec), Rank.CHECK, self._still_many, (spec, since))
        else:
            self._many_since.pop(spec.name, None)
        if not masters and able:
            if self._slowest > CONFIRM_WITHIN and any(
                self._wrote_too_late(d, spec, self._recovery(spec)) for d in able
            ):  # Who stood still had a write under way, which has undone its mastership.
                later = self._world.now + self._recovery(spec)
                self._world.at(later, Rank.CHECK, self._recovered, (self._calm_from, spec))
                return
            self._broken(
                f"{self._world.now - self._calm_from:.3f} s after the last fault {spec.name} has no master"
            )

    def _still_many(self, what: tuple[RouterSpec, float]) -> None:
        spec, since = what
        if self._is_over(spec) and self._many_since.get(spec.name) == since:
            names = " and ".join(d.name for d in self._masters(spec))
            self._broken(f"{names} are masters of {spec.name} long after the last fault")

    def _is_over(self, spec: RouterSpec) -> bool:
        network = self._networks[spec.interface]
        now = self._world.now
        return (
            now >= self._calm_from + self._recovery(spec) - 1e-9 and not network.cuts and network.weather.fair
        )

    def _masters(self, spec: RouterSpec) -> "list[Director]":
        return [
            d for d in self.directors if d.awake and (r := _router(d, spec.vrid)) and r.state is State.MASTER
        ]

    def ends(self) -> None:
        """The end, long after the last fault: all is in order."""
        for spec in self._specs():
            able, masters = self._able(spec), self._masters(spec)
            holders = [d for d in self.directors if d.alive and d.holds(_vip(spec))]
            aside = not able and len(masters) == 1
            if (len(masters) != min(1, len(able)) and not aside) or (able and holders != masters):
                self._broken(
                    f"in the end masters of {spec.name} are {_names(masters)}, its VIP is on {_names(holders)}"
                )
            if self.fair and masters:
                self._announced_it_last(masters[0], spec)
            self._best_is_master(spec, able, masters)
        together = {tuple(d.name for d in self._masters(spec)) for spec in self._specs()}
        if len(together) > 1:
            self._broken(f"in the end a group is apart: {sorted(together)}")

    def _announced_it_last(self, master: "Director", spec: RouterSpec) -> None:
        """Neighbours send to the master, unless it could not hear the director that they learned last."""
        last, at = self._announced.get(_vip(spec), (0, 0.0))
        known = self._heard_of.get((master.number, spec.vrid, last), -math.inf)
        if last != master.number and (not last or at - known < spec.down_after * spec.advert_interval):
            self._broken(f"in the end {master.name} is master of {spec.name}, but another announced it last")

    def _best_is_master(self, spec: RouterSpec, able: "list[Director]", masters: "list[Director]") -> None:
        routers = {d.number: r for d in able if (r := _router(d, spec.vrid)) is not None}
        restrained = any(
            not r.spec.preempt or r.hold_until is not None or r.standby is not Standby.OFF or r.unproven
            for r in routers.values()
        )
        if not masters or restrained or len(self._specs()) > 1 or masters[0].number not in routers:
            return
        best = max(r.priority for r in routers.values())
        if routers[masters[0].number].priority < best:
            self._broken(f"in the end {masters[0].name} is master, although another has priority {best}")

    # ---- small parts --------------------------------------------------------------------------------------------------

    def _specs(self) -> tuple[RouterSpec, ...]:
        return self.directors[0].spec.routers if self.directors else ()

    def _broken(self, why: str) -> None:
        raise Broken(f"at {self._world.now:.4f}: {why}")


def _way(x: "Director", y: "Director", interface: str) -> tuple[int, int, str]:
    return min(x.number, y.number), max(x.number, y.number), interface


def _vip(spec: RouterSpec) -> bytes:
    return packed(spec.addresses[0].address)


def _address(number: int, spec: RouterSpec) -> str:
    return f"10.{99 if spec.interface == 'eth0' else 98}.0.{number}"


def _router(director: "Director", vrid: int) -> Router | None:
    instance = director.instance(director.names[vrid])
    return None if instance is None else instance.election.router


def _advertises(router: Router) -> bool:
    return router.state is State.MASTER and not router.releasing


def _skew(spec: RouterSpec, priority: int) -> float:
    """RFC 9568 section 6.1, RFC 3768 section 6.1; on purpose not the program's own formula."""
    return (256 - priority) / 256 * (spec.advert_interval if spec.version == 3 else 1.0)


def _patience(director: "Director", spec: RouterSpec) -> float:
    """How long a director waits for a master's advert at most."""
    router = _router(director, spec.vrid)
    priority = 1 if router is None else min(router.priority, router.wanted_priority())
    once = spec.down_after * spec.advert_interval + _skew(spec, priority)
    aside = director.wishes.standby(director.name) is not Standby.OFF
    return 2 * once if aside else once


def _names(directors: "Iterable[Director]") -> str:
    return ", ".join(d.name for d in directors) or "nobody"
