"""How one router stands on its host once a change of carrier has lasted: `link_delay`.

Owns what is settled of the router's own interfaces, as a fault, and of each interface that it tracks with a weight. The
law: what is seen first counts at once; times are monotonic seconds. Core.
"""

from failover.debounce import Debounce
from failover.host import Host, Standing, has_carrier, standing
from failover.priority import Known
from failover.spec import RouterSpec, TrackKind

_DOWN = "down"


class Settling:
    """Of one router; `stand` whenever something changed, and again at `deadline`."""

    def __init__(self, spec: RouterSpec) -> None:
        self._fault = Debounce(spec.link_up_delay, spec.link_down_delay)
        self._carriers: dict[str, Debounce] = {}

    def stand(
        self, spec: RouterSpec, host: Host, known: Known, trouble: str | None, now: float
    ) -> tuple[Standing, str | None]:
        """How the router stands now, and the fault that counts."""
        carriers = {name: self._has_carrier(spec, host, name, now) for name in _weighed(spec)}
        there = standing(spec, host, known, trouble, carriers)
        return there, self._fault.offer(there.fault, now) or there.tracked_fault

    def adopt(self, spec: RouterSpec) -> None:
        """A reload changed delays or what is tracked; a change under way begins anew."""
        up, down = spec.link_up_delay, spec.link_down_delay
        self._fault = self._fault.with_delays(up, down)
        self._carriers = {
            name: self._carriers[name].with_delays(up, down)
            for name in _weighed(spec)
            if name in self._carriers
        }

    def deadline(self) -> float | None:
        """When a change settles, None when there is none under way."""
        under_way = (each.deadline() for each in (self._fault, *self._carriers.values()))
        return min((at for at in under_way if at is not None), default=None)

    def _has_carrier(self, spec: RouterSpec, host: Host, name: str, now: float) -> bool:
        if name not in self._carriers:
            self._carriers[name] = Debounce(spec.link_up_delay, spec.link_down_delay)
        return self._carriers[name].offer(None if has_carrier(host, name) else _DOWN, now) is None


def _weighed(spec: RouterSpec) -> list[str]:
    """Tracked interfaces with a weight; one without is a fault as the router's own."""
    return [one.object for one in spec.track if one.kind is TrackKind.INTERFACE and one.weight]
