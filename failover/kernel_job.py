"""A write of addresses as a value: what is to be put on or taken off, until when, and how it went; core."""

from collections.abc import Callable
from dataclasses import dataclass

from failover.place import Bearer, Place
from failover.ways import Way
from failover.wire import OURS


@dataclass(slots=True)
class Job:
    """Hold (lifetime in whole seconds, 0 for ever) or drop (None) these addresses, then call `done` in the loop.

    The macvlans that `bearers` names are set up before their addresses come, and down or silent before these go; the routes
    and rules in `ways` come last and go first.
    `owner` is whoever holds them: its drop cancels its own earlier jobs only. `void_after` is monotonic seconds; `mark` is
    the IFA_PROTO that the addresses get.
    `guarded`: nothing of it may reach the kernel later, whatever becomes of this process meanwhile.
    `cancelled` is set by the loop when a later job makes this one wrong.
    """

    owner: object
    places: tuple[Place, ...]
    lifetime: int | None
    void_after: float
    done: Callable[["Job"], None]
    bearers: tuple[Bearer, ...] = ()
    ways: tuple[Way, ...] = ()
    mark: int = OURS
    guarded: bool = False
    cancelled: bool = False
    voided: bool = False
    error: int = 0
    way_error: int = 0
    took: float = 0.0
