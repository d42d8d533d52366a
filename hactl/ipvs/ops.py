"""The changes that can be made to the kernel's table, as values: what a plan consists of.

The law: an operation holds everything needed to perform it and, where it replaces something, what it
replaces, so that the same value is sent to the kernel, shown to a person and refused with a reason.
"""

import msgspec

from hactl.ipvs.model import DestinationKey, RealServer, ServiceKey, VirtualService


class AddService(msgspec.Struct, frozen=True, tag=True):
    """A service that is not there."""

    service: VirtualService

    @property
    def key(self) -> ServiceKey:
        """The service that this is about."""
        return self.service.key


class SetService(msgspec.Struct, frozen=True, tag=True):
    """All fields of a service that is there."""

    service: VirtualService
    old: VirtualService

    @property
    def key(self) -> ServiceKey:
        """The service that this is about."""
        return self.service.key


class DeleteService(msgspec.Struct, frozen=True, tag=True):
    """A service, and with it all its servers."""

    key: ServiceKey


class AddServer(msgspec.Struct, frozen=True, tag=True):
    """A server that is not there. `place` other than 0: enter with this weight and take the server's own at once."""

    key: ServiceKey
    server: RealServer
    place: int = 0


class SetServer(msgspec.Struct, frozen=True, tag=True):
    """All fields of a server that is there."""

    key: ServiceKey
    server: RealServer
    old: RealServer


class MoveServer(msgspec.Struct, frozen=True, tag=True):
    """A server that is there is taken out and put in again in one piece, so that it comes last.

    `place` is as with AddServer.
    """

    key: ServiceKey
    server: RealServer
    place: int = 0


class DeleteServer(msgspec.Struct, frozen=True, tag=True):
    """A server; its connections end or go on as the kernel's switches say."""

    key: ServiceKey
    server: RealServer


Op = AddService | SetService | DeleteService | AddServer | SetServer | MoveServer | DeleteServer

Target = tuple[ServiceKey, DestinationKey | None]
"""What an operation is about: a service, or a server of it."""


def target(op: Op) -> Target:
    """What the operation is about."""
    return op.key, None if isinstance(op, AddService | SetService | DeleteService) else op.server.key
