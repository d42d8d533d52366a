"""One address on one interface, as the kernel wants it; core."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One address on one interface, as the kernel wants it."""

    index: int
    address: bytes
    prefix: int
    label: str | None = None
