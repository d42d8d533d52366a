"""What the advert sockets bring: judged, and handed to the router that it is for, or counted there by its reason.

Owns no decision: those are `reception`'s.
"""

from collections.abc import Iterable, Mapping
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

    def everyone(self) -> tuple[Instance, ...]: ...

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
        everyone, at = self._around.everyone(), self._around.moment()
        own = {instance.election.router.address for instance in everyone}
        verdict = judge(received, routers, own, self._around.guards.usable, at)
        if isinstance(verdict, Refused):
            self._refuse(routers, received, verdict, at)
            return
        spec, advert = verdict
        self._agree(spec, advert, received, at)
        for instance in _of(everyone, spec):
            instance.receive(advert, received.source)

    def _refuse(
        self, routers: Mapping[int, RouterSpec], received: Received, refused: Refused, at: Moment
    ) -> None:
        if refused.spec is None:
            self._count(routers, refused.drop)
            return
        seals = self._around.guards.of(refused.spec).seals
        note = seals.note(refused.drop, received.message, at) if seals else ""
        for instance in _of(self._around.everyone(), refused.spec):
            instance.refuse(refused.drop, received.source, note)

    def _agree(self, spec: RouterSpec, advert: Advert, received: Received, at: Moment) -> None:
        seals = self._around.guards.of(spec).seals
        if seals is not None and (followed := seals.agree(advert, received.message, at)):
            self._around.report(Remark("", followed, warning=True))

    def _count(self, routers: Mapping[int, RouterSpec], drop: Drop) -> None:
        for spec in routers.values():
            for instance in _of(self._around.everyone(), spec):
                instance.hearing.refusals.count(drop)


def _of(instances: Iterable[Instance], spec: RouterSpec) -> Iterable[Instance]:
    return (instance for instance in instances if instance.spec is spec)
