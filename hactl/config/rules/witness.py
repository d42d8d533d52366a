"""Rules of witnesses: what they are, and which leases they can bear."""

from collections.abc import Iterator
from typing import Final

from hactl.config import resolve
from hactl.config.duration import written
from hactl.config.rules.finding import Finding, World, fault

_PATIENCE: Final = (3.0, 3600.0)
LONGEST_TTL: Final = 600


def targets(world: World) -> Iterator[Finding]:
    """Each target is one thing, and there is one arbiter at most."""
    witness = world.document.witness
    if witness is None:
        return
    arbiters = 0
    for number, target in enumerate(witness.targets):
        given = [key for key in ("ping", "tcp", "etcd") if getattr(target, key) is not None]
        arbiters += target.etcd is not None
        if len(given) != 1:
            message = "give one of ping, tcp and etcd" + (f", not {' and '.join(given)}" if given else "")
            yield fault("witness", "targets", number, message=message)
        elif target in witness.targets[:number]:
            yield fault("witness", "targets", number, message="is given twice")
        if target.etcd is not None and arbiters == 2:
            message = "there can be one etcd cluster only; list its members as endpoints"
            yield fault("witness", "targets", number, message=message)
        if target.etcd is not None and (target.etcd.key_file is None) is not (
            target.etcd.certificate_file is None
        ):
            message = "certificate_file and key_file go together"
            yield fault("witness", "targets", number, "etcd", message=message)


def numbers(world: World) -> Iterator[Finding]:
    """As many as there are can be needed, and each is asked several times before it counts as gone."""
    witness = world.document.witness
    if witness is None:
        return
    if witness.need is not None and witness.need > len(witness.targets):
        message = f"must be at most {len(witness.targets)}, the number of targets, not {witness.need}"
        yield fault("witness", "need", message=message)
    if not _PATIENCE[0] <= witness.patience <= _PATIENCE[1]:
        message = f"must be 3s to 1h, not {written(witness.patience)}"
        yield fault("witness", "patience", message=message)


def leases(world: World) -> Iterator[Finding]:
    """Who is cut off loses its VIPs by the kernel's clock, and has lost them when the arbiter's lease can end."""
    document = world.document
    if document.witness is None:
        return
    for name, router in document.routers.items():
        if router.lease == "off":
            message = "with witnesses the lease cannot be off: it is what takes the VIPs from a director that is cut off"
            yield fault("routers", name, "lease", message=message)
    for number, target in enumerate(document.witness.targets):
        if target.etcd is None:
            continue
        least = resolve.least_ttl(document)
        ttl = target.etcd.ttl
        if ttl is not None and not least <= ttl <= LONGEST_TTL:
            message = (
                f"must be {least}s to {LONGEST_TTL}s, not {written(ttl)}: a holder's VIPs, on a lease of"
                f" {resolve.longest_lease(document)}s, must be gone before its key is"
            )
            yield fault("witness", "targets", number, "etcd", "ttl", message=message)


def owners(world: World) -> Iterator[Finding]:
    """Priority 255 means that the address stands on the director, which no arbiter can take away; and an arbiter has
    excluded the old master already."""
    document = world.document
    if resolve.arbiter(document) is None:
        return
    for name, router in document.routers.items():
        if 255 in resolve.priorities(document, router).values():
            message = "an owner of the address (priority 255) cannot have an etcd witness"
            yield fault("routers", name, message=message, key=True)
        if router.fence is not None:
            message = "with an etcd witness nothing is left to fence: who lacks its lease has no VIP; take one of the two"
            yield fault("routers", name, "fence", message=message, key=True)


RULES = (targets, numbers, leases, owners)
