"""Which services of the kernel's table are ours.

Owns the record that the supervisor keeps in the state directory. The law: a service is recorded before it is
added and forgotten only after it is gone, so that a death at any instant leaves nothing behind that a later
run would not know; what is not recorded and not configured belongs to somebody else.
"""

from collections.abc import Collection

from hactl import kept
from hactl.ipvs.model import ServiceKey

Owned = frozenset[ServiceKey]
_SCHEMA = 1


class _Record(kept.Stored, frozen=True):
    """The file's content."""

    services: list[ServiceKey]


def encode(owned: Owned) -> bytes:
    """The record as JSON, sorted, so that equal records are equal bytes."""
    return kept.encode(_Record(_SCHEMA, sorted(owned, key=str)))


def decode(data: bytes) -> Owned:
    """The record from a kept file. Raises ValueError with the reason when it cannot be understood."""
    what = "record of IPVS services"
    return frozenset(kept.decode(data, _Record, _SCHEMA, file=what, content=what).services)


def claim(owned: Owned, wished: Collection[ServiceKey]) -> Owned:
    """What is ours once `wished` has been added or adopted; to be stored before the kernel is told."""
    return owned | frozenset(wished)


def release(owned: Owned, wished: Collection[ServiceKey], held: Collection[ServiceKey]) -> Owned:
    """What is still ours when the kernel holds `held`: what is wished, and what waits to be removed."""
    return frozenset(key for key in owned if key in wished or key in held)
