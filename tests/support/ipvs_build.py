"""Short ways to write IPVS specs, states and tables in tests."""

from collections.abc import Mapping

from hactl.ipvs.model import DestinationKey, Entry, RealServer, ServiceKey, VirtualService
from hactl.ipvs.spec import CheckRef, Forward, Protocol, ServerSpec, ServiceSpec
from hactl.wishes.overrides import Admin
from health.result import Health, Outcome, Reason, Result

VIP = "10.77.0.100"


def server_spec(number: int, **more: object) -> ServerSpec:
    """Server `rsN` at 10.77.0.2N:80 with the one check `rsN-page`, by DR."""
    settings: dict[str, object] = {
        "name": f"rs{number}",
        "address": f"10.77.0.{20 + number}",
        "port": 80,
        "forward": Forward.DR,
        "checks": (CheckRef(name="page", id=f"rs{number}-page"),),
    }
    return ServerSpec(**{**settings, **more})  # type: ignore[arg-type]


def service_spec(name: str = "www", count: int = 3, **more: object) -> ServiceSpec:
    """Service `www` at the VIP, port 80, with so many servers."""
    settings: dict[str, object] = {
        "name": name,
        "protocol": Protocol.TCP,
        "address": VIP,
        "port": 80,
        "forward": Forward.DR,
        "servers": tuple(server_spec(number) for number in range(1, count + 1)),
    }
    return ServiceSpec(**{**settings, **more})  # type: ignore[arg-type]


def sorry_spec(**more: object) -> ServerSpec:
    """A sorry server by NAT without a check."""
    settings: dict[str, object] = {
        "name": "sorry", "address": "10.78.0.250", "port": 8080, "forward": Forward.NAT, "checks": (),
    }  # fmt: skip
    return ServerSpec(**{**settings, **more})  # type: ignore[arg-type]


def outcome(check: str, health: Health, reason: Reason | None = None, detail: str = "") -> Outcome:
    """The latest outcome of a check."""
    default = Reason.OK if health is Health.UP else Reason.CONNECT_REFUSED
    return Outcome(check=check, health=health, result=Result(reason=reason or default, detail=detail), at=0.0)


def pages(**healths: Health) -> dict[str, Outcome]:
    """Outcomes of the checks of `rsN`, such as `rs1=Health.UP`."""
    return {f"{name}-page": outcome(f"{name}-page", health) for name, health in healths.items()}


def wishes(told: Mapping[str, tuple[Admin, int | None]]) -> "Told":
    """Overrides by server name, for every service."""
    return Told(told)


class Told:
    """A callable with the signature of `Overrides.effective`."""

    def __init__(self, told: Mapping[str, tuple[Admin, int | None]]) -> None:
        self._told = told

    def __call__(self, service: str, server: str) -> tuple[Admin, int | None]:
        return self._told.get(server, (Admin.ENABLED, None))


def key(address: str = VIP, port: int = 80) -> ServiceKey:
    """A TCP service of the IPv4 family."""
    return ServiceKey(protocol=Protocol.TCP, address=address, port=port)


def real(number: int, weight: int = 1, forward: Forward | None = Forward.DR, port: int = 80) -> RealServer:
    """The server at 10.77.0.2N as the kernel has it."""
    return RealServer(key=DestinationKey(f"10.77.0.{20 + number}", port), forward=forward, weight=weight)


def entry(*servers: RealServer, scheduler: str = "wlc", at: ServiceKey | None = None) -> Entry:
    """A service with these servers."""
    service = VirtualService(key=at or key(), scheduler=scheduler)
    return Entry(service=service, servers={server.key: server for server in servers})
