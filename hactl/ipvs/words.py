"""Operations and refusals in words for people: the log, the event `ipvs.repaired`, `hactl plan`.

The law: whatever is said names the service first, by its configured name where it has one.
"""

import errno
from collections.abc import Callable

from hactl.ipvs.model import Persistence, RealServer, ServiceKey, Tunnel, VirtualService
from hactl.ipvs.ops import (
    AddServer,
    AddService,
    DeleteServer,
    DeleteService,
    MoveServer,
    Op,
    SetServer,
    SetService,
)
from hactl.ipvs.schedulers import flag_words
from hactl.ipvs.spec import Forward

Naming = Callable[[ServiceKey], str]


def intent(op: Op, name: Naming = str) -> str:
    """What the operation will do."""
    match op:
        case AddService(service):
            return f"{name(op.key)}: add service, {_describe_service(service)}"
        case SetService(service, old):
            return f"{name(op.key)}: change service, {_changes(_service_facts(old), _service_facts(service))}"
        case DeleteService(key):
            return f"{name(key)}: remove service"
        case AddServer(key, server):
            return f"{name(key)}: add server {server.key}, {_facts_text(_server_facts(server))}"
        case SetServer(key, server, old):
            return f"{name(key)}: change server {server.key}, {_changes(_server_facts(old), _server_facts(server))}"
        case MoveServer(key, server):
            return f"{name(key)}: put server {server.key} in its place again, {_facts_text(_server_facts(server))}"
        case DeleteServer(key, server):
            return f"{name(key)}: remove server {server.key}"


def deviation(op: Op, name: Naming = str) -> str:
    """What somebody had changed, seen from the operation that puts it right."""
    match op:
        case AddService():
            return f"{name(op.key)}: the service was missing"
        case SetService(service, old):
            found = _changes(_service_facts(service), _service_facts(old))
            return f"{name(op.key)}: the service was changed, {found}"
        case DeleteService(key):
            return f"{name(key)}: a service that is not wanted stood in the table"
        case AddServer(key, server):
            return f"{name(key)}: server {server.key} was missing"
        case SetServer(key, server, old):
            found = _changes(_server_facts(server), _server_facts(old))
            return f"{name(key)}: server {server.key} was changed, {found}"
        case MoveServer(key, server):
            return f"{name(key)}: server {server.key} stood out of order, which the scheduler's hash rests on"
        case DeleteServer(key, server):
            return f"{name(key)}: server {server.key}, which is not wanted, stood in the table"


Facts = dict[str, str]


def _service_facts(service: VirtualService) -> Facts:
    return {
        "scheduler": " ".join((service.scheduler, *flag_words(service.scheduler, service.flags))),
        "persistence": _persistence_text(service.persistence),
        "engine": service.engine or "none",
        "one-packet": "on" if service.one_packet else "off",
    }


def _describe_service(service: VirtualService) -> str:
    return _facts_text({k: v for k, v in _service_facts(service).items() if v not in ("none", "off")})


def _persistence_text(persistence: Persistence | None) -> str:
    if persistence is None:
        return "none"
    mask = "another mask" if persistence.netmask is None else f"/{persistence.netmask}"
    return f"{persistence.timeout} s {mask}"


def _server_facts(server: RealServer) -> Facts:
    return {
        "weight": str(server.weight),
        "forward": _forward_text(server.forward, server.tunnel),
        "connections": f"{server.lower} to {server.upper}" if server.upper or server.lower else "unlimited",
    }


def _forward_text(forward: Forward | None, tunnel: Tunnel | None) -> str:
    if forward is None:
        return "another"
    if tunnel is None:
        return str(forward)
    kind = tunnel.type or "another"
    return f"tun {kind} port {tunnel.port}" if tunnel.port else f"tun {kind}"


def _facts_text(facts: Facts) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def _changes(before: Facts, after: Facts) -> str:
    changed = [f"{name} {before[name]} to {after[name]}" for name in before if before[name] != after[name]]
    return ", ".join(changed) or "in a detail"


def refusal(op: Op, code: int, kernel_text: str = "", name: Naming = str) -> str:
    """Why the kernel refused the operation, with what may mend it."""
    said = f" ({kernel_text})" if kernel_text else ""
    short = errno.errorcode.get(code, str(code))
    return f"{intent(op, name)}: refused by the kernel with {short}{said}; {_hint(op, code)}"


def _hint(op: Op, code: int) -> str:
    match op, code:
        case (AddService(service) | SetService(service), errno.ENOENT) if service.engine:
            return (
                f"it has no scheduler '{service.scheduler}' or no persistence engine '{service.engine}': "
                f"modprobe ip_vs_{service.scheduler} ip_vs_pe_{service.engine} shows which"
            )
        case AddService(service) | SetService(service), errno.ENOENT:
            return f"it has no scheduler '{service.scheduler}': modprobe ip_vs_{service.scheduler} shows why"
        case AddServer(key, server) | SetServer(key, server) | MoveServer(key, server), errno.EINVAL if (
            _mixed(key, server)
        ):
            return "servers of the other address family work with forward: tun only, and not beside sync"
        case AddServer() | SetServer() | MoveServer(), errno.EINVAL:
            return "the address must be a unicast one, lo must be up, and tunnels need a kernel that knows their type"
        case AddServer() | SetServer() | MoveServer(), errno.ERANGE:
            return "weight and connection thresholds are out of range, or the lower is above the upper"
        case _, errno.EAFNOSUPPORT | errno.EPROTONOSUPPORT:
            return "it is built without this address family or protocol in IPVS"
        case _, errno.EEXIST | errno.ENOENT | errno.ESRCH:
            return "another program changed the table at the same time; it is read again"
        case _, errno.ENOMEM:
            return "the host is short of memory"
        case _, errno.EPERM:
            return "CAP_NET_ADMIN is missing"
    return "see the kernel's log"


def _mixed(key: ServiceKey, server: RealServer) -> bool:
    return (":" in server.key.address) != (key.family == "ipv6")
