"""What is known now about every service and server: health, admission, operators' wishes, quorum.

Owns the state from which policy makes the wished table and status its page. The law: unknown is no reason for
removal. A server is admitted by its first passed verdict or because the kernel was found to hold it, and
loses that only by a verdict of down. Nothing here reads a clock: `now` is monotonic seconds.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec

from hactl.ipvs.model import DestinationKey
from hactl.ipvs.spec import ServerSpec, ServiceSpec
from hactl.wishes.overrides import Admin
from health.result import Advice, Health, Outcome

Outcomes = Mapping[str, Outcome]
"""The latest outcome of each check, by `CheckSpec.id`; one that is missing is unknown."""

Overrides = Callable[[str, str], tuple[Admin, int | None]]
"""What operators want of (service, server): `Overrides.effective`."""


class Availability(StrEnum):
    """State of a service: quorum held and all enabled servers up, held with some missing, or lost."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class Quorum(StrEnum):
    """Whether enough servers are fit. Unknown: not yet held, and some server has no verdict."""

    UNKNOWN = "unknown"
    HELD = "held"
    LOST = "lost"


WHOLE = 20
"""Steps in which the weight of a returning server rises to the whole of it."""


class ServerState(msgspec.Struct, frozen=True, kw_only=True):
    """One server of one service.

    `admitted`: it may get connections. `listed`: it stands in the table even when not admitted. `weight` is
    what operators or the configuration want of it while it is fit. `told` is the last verdict other than
    unknown. `rising`: since when its weight rises, None when it does not; `step` of WHOLE is reached. `kept`: it
    is down and goes on getting connections, while others may be failing with it; `fell` is when its failures began.
    `admin` is what operators and, where they are silent, the server itself want; `advice` is the server's word, and
    `percent` the share of its weight that it wants.
    """

    health: Health = Health.UNKNOWN
    reason: str = "no verdict yet"
    since: float
    told: Health = Health.UNKNOWN
    admitted: bool = False
    listed: bool = False
    admin: Admin = Admin.ENABLED
    weight: int = 1
    rising: float | None = None
    step: int = WHOLE
    kept: bool = False
    fell: float = 0.0
    advice: Advice | None = None
    percent: int = 100

    @property
    def counted(self) -> bool:
        """Whether its weight counts for the quorum."""
        return self.admitted and self.admin == Admin.ENABLED

    @property
    def missed(self) -> bool:
        """Whether it is wanted and not up."""
        return self.admin == Admin.ENABLED and self.health is not Health.UP

    @property
    def awaited(self) -> bool:
        """Whether it is wanted and its verdict is still to come."""
        return self.admin == Admin.ENABLED and self.health is Health.UNKNOWN


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """One service. `told` is the availability last made known as a change, None before the first.

    `panic_until`: until then no failing server leaves the table; None when there is no panic.
    """

    servers: Mapping[str, ServerState]
    sorry: ServerState | None = None
    quorum: Quorum = Quorum.UNKNOWN
    availability: Availability = Availability.DOWN
    reason: str = "no verdict yet"
    since: float
    told: Availability | None = None
    panic_until: float | None = None

    @property
    def unsettled(self) -> bool:
        """Whether verdicts are still to come that may change what the availability means."""
        if self.quorum is Quorum.UNKNOWN:
            return True
        return self.availability is Availability.DEGRADED and any(
            server.awaited for server in self.servers.values()
        )

    @property
    def sorry_serves(self) -> bool:
        """Whether the sorry server stands in for all others."""
        return self.quorum is Quorum.LOST and self.sorry is not None and self.sorry.admitted


class State(msgspec.Struct, frozen=True):
    """All services, by name."""

    services: Mapping[str, ServiceState] = {}


class Services(msgspec.Struct, frozen=True):
    """The configured services by name, and for each check id the (service, server) pairs that use it."""

    specs: Mapping[str, ServiceSpec] = {}
    by_check: Mapping[str, tuple[tuple[str, str], ...]] = {}


class ServerChange(msgspec.Struct, frozen=True, kw_only=True):
    """A server's verdict changed from `old`; unknown in `old` means that it is the first verdict."""

    service: str
    server: str
    old: Health
    new: Health
    reason: str


class ServiceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A service's availability changed from `old`; None means that it is the first known."""

    service: str
    old: Availability | None
    new: Availability
    reason: str


class PanicChange(msgspec.Struct, frozen=True, kw_only=True):
    """So many servers fail together that none is removed for a while, or that is over."""

    service: str
    began: bool
    reason: str


Change = ServerChange | ServiceChange | PanicChange


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """The next state, what operators should hear of, and the services whose entry in the table may differ now."""

    state: State
    changes: tuple[Change, ...] = ()
    touched: tuple[str, ...] = ()


def index(specs: Iterable[ServiceSpec]) -> Services:
    """The services by name and by check."""
    by_name = {spec.name: spec for spec in specs}
    by_check: dict[str, list[tuple[str, str]]] = {}
    for spec in by_name.values():
        for server in _with_sorry(spec):
            for check in server.checks:
                by_check.setdefault(check.id, []).append((spec.name, server.name))
    return Services(by_name, {check: tuple(users) for check, users in by_check.items()})


def _with_sorry(spec: ServiceSpec) -> tuple[ServerSpec, ...]:
    return spec.servers if spec.sorry is None else (*spec.servers, spec.sorry)


@lru_cache(maxsize=1 << 16)
def destination(server: ServerSpec) -> DestinationKey:
    """The kernel's key for a configured server."""
    return DestinationKey(server.address, server.port)
