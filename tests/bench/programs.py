"""The programs that are measured, and what a measurement asks of each."""

from collections.abc import Callable
from typing import Protocol

from bench.farm import Farm
from bench.ground import Ground
from bench.ours import Hactl
from bench.rival import Keepalived


class Program(Protocol):
    """What is measured."""

    name: str

    @property
    def removals(self) -> dict[str, float]: ...
    def start(self, farm: Farm) -> None: ...
    def write(self, farm: Farm) -> None: ...
    def reload(self) -> None: ...
    def changes(self) -> int: ...
    def processes(self) -> dict[str, list[int]]: ...
    def stop(self) -> None: ...


PROGRAMS: tuple[Callable[[Ground, bool], Program], ...] = (Hactl, Keepalived)
"""Each is made of the ground, and of whether it works on the kernel's own table."""
