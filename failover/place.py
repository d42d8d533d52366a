"""Where the kernel is to have a VIP: an address on an interface, and how the interface that bears it is to be; core."""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Place:
    """One address on one interface, as the kernel wants it."""

    index: int
    address: bytes
    prefix: int
    label: str | None = None


class Bearing(Enum):
    """How a macvlan with a virtual MAC is to be."""

    UP = "up"
    SILENT = "silent"
    """It takes packets and answers no neighbour: another director has its MAC already."""
    DOWN = "down"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Bearer:
    """One macvlan, by its index, and how it is to be."""

    index: int
    bearing: Bearing
