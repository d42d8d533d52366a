"""What the advert sockets bring: judged, and handed to the router that it is for, or counted there by its reason.

Owns no decision: those are `reception`'s. The law: which addresses are ours is asked of the interface that a packet came
by, because a link-local address is unique on its link only.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from failover.guards import Guards
from failover.instance import Instance
from failover.ip import Received
from failover.packet import Advert, Drop
from failover.reception import Refused, judge
from failover.report import Remark, Report
from failover.spec import RouterSpec
from failover.trailer_clock import Moment


class _Around(Protocol):
    guards: Guards

    own: Mapping[str, frozenset[bytes]]

    def named(self, router: str) -> list[Instance]: ...

    def moment(self) -> Moment: ...

    def report(self, report: Report) -> None: ...


class Arrivals:
    """Those of one director."""

    def __init__(self, around: _Around) -> None:
        self._around = around

    def take(self, routers: Mapping[int, RouterSpec], received: Received | Drop) -> None:
        """`routers` are those of the packet's interface and family by VRID."""
        if isinstance(received, Drop):
            self._count(routers, received)
            return
        at = self._around.moment()
        verdict = judge(received, routers, self._own(routers), self._around.guards.usable, at)
        if isinstance(verdict, Refused):
            self._refuse(routers, received, verdict, at)
            return
        spec, advert = verdict
        self._agree(spec, advert, received, at)
        for instance in self._of(spec):
            instance.receive(advert, received.source)

    def _own(self, routers: Mapping[int, RouterSpec]) -> frozenset[bytes]:
        interface = next((spec.interface for spec in routers.values()), "")
        return self._around.own.get(interface, frozenset())

    def _refuse(
        self, routers: Mapping[int, RouterSpec], received: Received, refused: Refused, at: Moment
    ) -> None:
        if refused.spec is None:
            self._count(routers, refused.drop)
            return
        seals, note = self._around.guards.of(refused.spec).seals, ""
        if seals is not None:
            note = seals.note(refused.drop, received.message, at)
            self._followed(seals.disagree(refused.drop, received.message, received.source, at))
        for instance in self._of(refused.spec):
            instance.refuse(refused.drop, received.source, note)

    def _agree(self, spec: RouterSpec, advert: Advert, received: Received, at: Moment) -> None:
        seals = self._around.guards.of(spec).seals
        if seals is not None:
            self._followed(seals.agree(advert, received.message, at))

    def _followed(self, text: str) -> None:
        if text:
            self._around.report(Remark("", text, warning=True))

    def _count(self, routers: Mapping[int, RouterSpec], drop: Drop) -> None:
        for spec in routers.values():
            for instance in self._of(spec):
                instance.hearing.refusals.count(drop)

    def _of(self, spec: RouterSpec) -> Iterator[Instance]:
        return (instance for instance in self._around.named(spec.name) if instance.spec is spec)


def sources(instances: Iterable[Instance]) -> dict[str, frozenset[bytes]]:
    """The packed addresses that our adverts come from, by interface."""
    found: dict[str, set[bytes]] = {}
    for instance in instances:
        found.setdefault(instance.spec.interface, set()).add(instance.election.router.address)
    return {interface: frozenset(addresses) for interface, addresses in found.items()}
