"""What a judge remembers of a story: who was told what, said, heard and held, and when.

Owns the facts and the questions that they answer by themselves; the law: no verdict is found here. All times are the
world's, in seconds; a router of a director is known by the director's number and the VRID.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
from simulation.weather import Network
from simulation.world import Broken, World

from failover.host import packed
from failover.moves import State
from failover.router import Router
from failover.spec import RouterSpec, Standby

if TYPE_CHECKING:
    from simulation.director import Director

EPSILON = 0.012
"""Seconds for late timers, and an instant for each of a few turns of a loop."""
CLOCKS = 0.002
"""By how much a clock may run wrong; timers are judged with that much tolerance."""


class Heard(msgspec.Struct):
    """What has reached one router of one director."""

    at: float = -math.inf
    """When the last advert of a master arrived."""
    priority: int = 0
    sender: int = 0
    own: int = 255
    """Our own priority when it arrived."""
    lower_since: float | None = None
    """Since when only adverts of a lower priority have arrived."""
    released: float = -math.inf
    """When the last release arrived, if no advert came after it."""
    own_then: int = 0
    """Our own priority, the highest at a copy of it."""
    releaser: int = 0
    overtaken: float = -math.inf
    """When an advert arrived that its sender's release had overtaken."""


class Memory:
    """`fair`: more is promised than recovery; `prompt`: see `Weather`. `slowest` is the longest write of addresses."""

    def __init__(
        self, world: World, networks: dict[str, Network], *, fair: bool, prompt: bool, slowest: float
    ) -> None:
        self.world, self.networks = world, networks
        self.fair, self.prompt, self.slowest = fair, prompt, slowest
        self.directors: Sequence[Director] = ()
        self.weathers = {name: network.weather for name, network in networks.items()}
        """Until all is calm."""
        self.calm_from = math.inf
        """From when on nothing is wrong any more, as far as is known."""
        self.faults = 0
        self.ordered_at = -math.inf
        """When an operator last ordered a handover, or something that hands over."""
        self.link_at = -math.inf
        """When an interface lost its carrier or had it again."""
        self.began: dict[tuple[int, int], float] = {}
        """When a director last became master."""
        self.heard: dict[tuple[int, int], Heard] = {}
        self.heard_of: dict[tuple[int, int, int], float] = {}
        """When a director last had an advert of another one."""
        self.said: dict[tuple[int, int], float] = {}
        """When a director last advertised."""
        self.first_said: dict[tuple[int, int], float] = {}
        """When it did first since it became master."""
        self.lowered: dict[tuple[int, int], float] = {}
        """When a master last advertised a lower priority than before."""
        self.let_go: dict[tuple[int, int], float] = {}
        """When a director that has not advertised since began to release."""
        self.over: dict[tuple[int, int], float] = {}
        """Of which moment the order to hold back was that is over for a director, for its master is one no more."""
        self.yielded: dict[tuple[int, int], tuple[int, float]] = {}
        """To whose advert a director has yielded last, and when."""
        self.announced: dict[bytes, tuple[int, float]] = {}
        """Who announced a VIP last, and when."""
        self._words: dict[tuple[int, int], int] = {}
        """The priority that a director advertised last."""
        self._apart_until: dict[tuple[int, int, str], float] = {}
        self._were_apart: dict[tuple[int, int, str], bool] = {}

    # ---- what happens -------------------------------------------------------------------------------------------------

    def note_word(self, director: "Director", vrid: int, priority: int) -> None:
        """It advertises with this priority, or releases."""
        key, now = (director.number, vrid), self.world.now
        if 0 < priority < self._words.get(key, 0):
            self.lowered[key] = now
        self._words[key] = priority
        if priority:
            self.let_go.pop(key, None)
            self.said[key] = now
            self.first_said.setdefault(key, now)
        else:
            self.let_go.setdefault(key, now)
            self.first_said.pop(key, None)

    def note_ways(self) -> None:
        """Who lives or hears whom is otherwise now."""
        for name in self.networks:
            for x in self.directors:
                for y in self.directors[x.number :]:
                    key, apart = way(x, y, name), self.apart(x, y, name)
                    if apart or self._were_apart.get(key):
                        self._apart_until[key] = self.world.now
                    self._were_apart[key] = apart

    def forget(self, director: "Director") -> None:
        """Its daemon is dead, and what it had heard and begun with it."""
        for spec in self.specs():
            self.first_said.pop((director.number, spec.vrid), None)
            self.heard.pop((director.number, spec.vrid), None)

    # ---- what is so now -----------------------------------------------------------------------------------------------

    def specs(self) -> tuple[RouterSpec, ...]:
        """All routers."""
        return self.directors[0].spec.routers if self.directors else ()

    def spec_of(self, vrid: int) -> RouterSpec:
        """The router of this VRID."""
        return next(spec for spec in self.specs() if spec.vrid == vrid)

    def heard_by(self, director: "Director", spec: RouterSpec) -> Heard:
        """What has reached it; nothing, where it has heard nothing yet."""
        return self.heard.get((director.number, spec.vrid), Heard())

    def apart(self, x: "Director", y: "Director", interface: str) -> bool:
        """Whether one of the two does not hear the other."""
        cuts = self.networks[interface].cuts
        return (
            not (x.awake and y.awake)
            or (x.number, y.number) in cuts
            or (y.number, x.number) in cuts
            or not (x.kernel.links[interface].up and y.kernel.links[interface].up)
        )

    def together_for(self, x: "Director", y: "Director", interface: str) -> float:
        """For how many seconds the two have heard each other, if they do."""
        return self.world.now - self._apart_until.get(way(x, y, interface), -math.inf)

    def able(self, spec: RouterSpec) -> "list[Director]":
        """Who can be master."""
        interfaces = (
            {one.interface for one in self.specs()} if self.directors[0].spec.groups else {spec.interface}
        )
        return [
            d
            for d in self.directors
            if d.awake
            and not d.stopping
            and d.wishes.standby(d.name) is not Standby.HARD
            and all(d.kernel.links[name].up for name in interfaces)
        ]

    def masters(self, spec: RouterSpec) -> "list[Director]":
        """Who is."""
        return [
            d
            for d in self.directors
            if d.awake and (r := router_of(d, spec.vrid)) and r.state is State.MASTER
        ]

    def broken(self, why: str) -> None:
        """Ends the story: Raises Broken."""
        raise Broken(f"at {self.world.now:.4f}: {why}")


def way(x: "Director", y: "Director", interface: str) -> tuple[int, int, str]:
    """Both ways between two directors."""
    return min(x.number, y.number), max(x.number, y.number), interface


def vip_of(spec: RouterSpec) -> bytes:
    """The address that stands for all of a router's."""
    return packed(spec.addresses[0].address)


def address_of(number: int, spec: RouterSpec) -> str:
    """A director's own address where this router is."""
    return f"10.{99 if spec.interface == 'eth0' else 98}.0.{number}"


def router_of(director: "Director", vrid: int) -> Router | None:
    """One of its routers, None while its daemon is dead."""
    instance = director.instance(director.names[vrid])
    return None if instance is None else instance.election.router


def advertises(router: Router) -> bool:
    """Whether it is a master that has not begun to release."""
    return router.state is State.MASTER and not router.releasing


def skew(spec: RouterSpec, priority: int) -> float:
    """RFC 9568 section 6.1, RFC 3768 section 6.1; on purpose not the program's own formula."""
    return (256 - priority) / 256 * (spec.advert_interval if spec.version == 3 else 1.0)


def patience_of(director: "Director", spec: RouterSpec) -> float:
    """How long a director waits for a master's advert at most."""
    router = router_of(director, spec.vrid)
    priority = 1 if router is None else min(router.priority, router.wanted_priority())
    once = spec.down_after * spec.advert_interval + skew(spec, priority)
    aside = director.wishes.standby(director.name) is not Standby.OFF
    return 2 * once if aside else once


def names_of(directors: "Iterable[Director]") -> str:
    """For people."""
    return ", ".join(d.name for d in directors) or "nobody"
