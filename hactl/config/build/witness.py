"""Witnesses as the supervisor asks them, the checks behind them, and what each router needs of them."""

from failover.spec import WitnessSpec
from hactl.config import resolve
from hactl.config.schema.document import Document
from hactl.config.schema.witness import Target
from hactl.witness.spec import ArbiterSpec, SeenSpec, WitnessesSpec
from health.spec import CheckSpec, PingProbe, TcpProbe

INTERVAL, TIMEOUT = 1.0, 0.5
"""Seconds between two looks at a witness, and until one is lost."""


def witnesses_spec(document: Document, node: str) -> WitnessesSpec | None:
    """All of it; None where there are no witnesses."""
    given = document.witness
    if given is None:
        return None
    arbiter = _arbiter(document)
    return WitnessesSpec(
        need=resolve.witnesses_needed(given),
        patience=given.patience,
        seen=tuple(seen for target in given.targets if (seen := _seen(target))),
        arbiter=arbiter,
        keys={name: _key(document, name, arbiter) for name in document.routers} if arbiter else {},
        holder=node,
    )


def witness_spec(document: Document, router: str) -> WitnessSpec | None:
    """What one router needs."""
    if document.witness is None:
        return None
    arbiter = _arbiter(document)
    return WitnessSpec(key=_key(document, router, arbiter) if arbiter else "")


def _key(document: Document, router: str, arbiter: ArbiterSpec) -> str:
    """Routers that move together share one key, so that two directors can never have some of them each."""
    group = next((name for name, members in document.groups.items() if router in members), None)
    what = f"router/{router}" if group is None else f"group/{group}"
    return f"{arbiter.prefix}{document.cluster}/{what}"


def _arbiter(document: Document) -> ArbiterSpec | None:
    given = resolve.arbiter(document)
    if given is None:
        return None
    return ArbiterSpec(
        endpoints=tuple(given.endpoints),
        ttl=resolve.arbiter_ttl(document, given),
        prefix=given.prefix,
        ca_file=given.ca_file,
        certificate_file=given.certificate_file,
        key_file=given.key_file,
    )


def _seen(target: Target) -> SeenSpec | None:
    if target.ping is not None:
        return SeenSpec(name=f"ping {target.ping}", check=_check(target.ping, 0, PingProbe()))
    if target.tcp is not None:
        host, _, port = target.tcp.rpartition(":")
        return SeenSpec(name=f"tcp {target.tcp}", check=_check(host.strip("[]"), int(port), TcpProbe()))
    return None


def _check(address: str, port: int, probe: PingProbe | TcpProbe) -> CheckSpec:
    return CheckSpec(
        address=address, port=port, probe=probe, interval=INTERVAL, fast_interval=INTERVAL, timeout=TIMEOUT
    )
