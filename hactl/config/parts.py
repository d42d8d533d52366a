"""A configuration on its way to somebody who has most of it; core.

The law: what is left out is what the other side has, by its digest; put together the whole equals what was read.
"""

import hashlib
from typing import Any

import msgspec

from hactl.config.model import Config
from hactl.config.reading import Reading
from hactl.ipvs.spec import ServiceSpec


class Inventory(msgspec.Struct, frozen=True):
    """Digests of what somebody has: of each service by its name, and of all checks together."""

    services: dict[str, bytes] = {}
    checks: bytes = b""


class Part(msgspec.Struct, frozen=True):
    """What became of a file, without what the other side knows: `services` names all in order, `checks` says whether these
    are left out."""

    reading: Reading
    services: tuple[str, ...] = ()
    checks: bool = False


class Digests:
    """Takes the digests of one configuration after another; of what is the same object in both, once."""

    def __init__(self) -> None:
        self._services: dict[str, tuple[ServiceSpec, bytes]] = {}
        self._checks: tuple[object, bytes] = (None, b"")

    def of(self, config: Config) -> Inventory:
        """Those of a configuration."""
        before = self._services
        self._services = {spec.name: _digested(before.get(spec.name), spec) for spec in config.services}
        self._checks = _digested(self._checks, config.checks)
        return Inventory({name: digest for name, (_, digest) in self._services.items()}, self._checks[1])


def _digested(before: tuple[Any, bytes] | None, value: Any) -> tuple[Any, bytes]:
    if before is not None and before[0] is value:
        return before
    return value, hashlib.blake2b(msgspec.msgpack.encode(value), digest_size=16).digest()


def part(reading: Reading, own: Inventory, theirs: Inventory) -> Part:
    """A reading, with the digests `own` of its configuration, for somebody who has what `theirs` are the digests of."""
    config = reading.config
    if config is None:
        return Part(reading)
    lacking = (each for each in config.services if own.services[each.name] != theirs.services.get(each.name))
    same = own.checks == theirs.checks
    less = msgspec.structs.replace(config, services=tuple(lacking), checks=() if same else config.checks)
    names = tuple(each.name for each in config.services)
    return Part(msgspec.structs.replace(reading, config=less), names, same)


def whole(told: Part, had: Config | None) -> Reading:
    """The reading itself, with what was left out taken from the configuration whose digests were given."""
    config = told.reading.config
    if config is None or had is None:
        return told.reading
    services = {each.name: each for each in (*had.services, *config.services)}
    full = msgspec.structs.replace(
        config,
        services=tuple(services[name] for name in told.services),
        checks=had.checks if told.checks else config.checks,
    )
    return msgspec.structs.replace(told.reading, config=full)
