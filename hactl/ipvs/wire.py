"""IPVS services and real servers as the kernel's generic netlink family IPVS speaks of them.

Bytes only. The law: what is decoded equals what was encoded; what the kernel adds by itself (its hash flag,
counters) is no part of identity. Layout: linux/ip_vs.h, attributes IPVS_SVC_ATTR_* and IPVS_DEST_ATTR_*.
"""

import ipaddress
import struct
from functools import lru_cache
from typing import NamedTuple

import msgspec

from hactl.ipvs import netlink as nl
from hactl.ipvs.model import (
    IPV4,
    IPV6,
    Counters,
    DestinationKey,
    Persistence,
    RealServer,
    ServiceKey,
    Tunnel,
    VirtualService,
)
from hactl.ipvs.netlink import WireError
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
from hactl.ipvs.schedulers import SchedulerFlag
from hactl.ipvs.spec import Forward, Protocol, TunnelType

FAMILY_NAME = "IPVS"
NEW_SERVICE, SET_SERVICE, DELETE_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_SERVER, SET_SERVER, DELETE_SERVER, GET_SERVER = 5, 6, 7, 8
_SERVICE, _SERVER = 1, 2

_FAMILY_NUMBERS = {IPV4: 2, IPV6: 10}
_FAMILIES = {number: name for name, number in _FAMILY_NUMBERS.items()}
_PROTOCOL_NUMBERS = {Protocol.TCP: 6, Protocol.UDP: 17, Protocol.SCTP: 132}
_PROTOCOLS = {number: protocol for protocol, number in _PROTOCOL_NUMBERS.items()}
_FORWARD_NUMBERS = {Forward.NAT: 0, Forward.TUN: 2, Forward.DR: 3}
_FORWARDS = {number: forward for forward, number in _FORWARD_NUMBERS.items()}
_TUNNEL_NUMBERS = {TunnelType.IPIP: 0, TunnelType.GUE: 1, TunnelType.GRE: 2}
_TUNNELS = {number: tunnel for tunnel, number in _TUNNEL_NUMBERS.items()}

_PERSISTENT, _ONE_PACKET, _SCHEDULER_SHIFT = 0x1, 0x4, 3
_ALL_FLAGS = 0xFFFFFFFF


_NO_SUMS = Counters()

# Attributes 1, 2 and 11, and 3 to 6 of a server, each with length and kind: in one piece, since they are many.
_SERVER_KEY = struct.Struct("=HH16s HH2s2x HHH2x")
_SERVER_VALUES = struct.Struct("=HHI HHI HHI HHI")


class Malformed(NamedTuple):
    """Bytes that cannot be understood, and why."""

    reason: str


class Body(NamedTuple):
    """A command of the family with its attributes."""

    command: int
    attributes: bytes


class ServiceRead(NamedTuple):
    """A service as it was read."""

    service: VirtualService
    counters: Counters


class ServerRead(NamedTuple):
    """A real server as it was read."""

    server: RealServer
    counters: Counters


def encode(op: Op) -> tuple[Body, ...]:
    """The commands that perform one operation, in order; they must reach the kernel in one piece."""
    match op:
        case AddService(service):
            return (Body(NEW_SERVICE, nl.nested(_SERVICE, _service(service))),)
        case SetService(service):
            return (Body(SET_SERVICE, nl.nested(_SERVICE, _service(service))),)
        case DeleteService(key):
            return (Body(DELETE_SERVICE, nl.nested(_SERVICE, _service_key(key))),)
        case AddServer(key, server, place):
            final = _server_body(SET_SERVER if place else NEW_SERVER, key, _server(server, server.weight))
            return (_server_body(NEW_SERVER, key, _server(server, place)), final) if place else (final,)
        case SetServer(key, server):
            return (_server_body(SET_SERVER, key, _server(server, server.weight)),)
        case MoveServer(key, server, place):
            return (*encode(DeleteServer(key, server)), *encode(AddServer(key, server, place)))
        case DeleteServer(key, server):
            return (_server_body(DELETE_SERVER, key, _server_key(server.key)),)


def service_dump() -> Body:
    """Asks for all services."""
    return Body(GET_SERVICE, b"")


def server_dump(key: ServiceKey) -> Body:
    """Asks for all servers of one service."""
    return Body(GET_SERVER, nl.nested(_SERVICE, _service_key(key)))


def _server_body(command: int, key: ServiceKey, server: bytes) -> Body:
    return Body(command, nl.nested(_SERVICE, _service_key(key)) + nl.nested(_SERVER, server))


@lru_cache(maxsize=4096)
def _service_key(key: ServiceKey) -> bytes:
    family = nl.u16(1, _FAMILY_NUMBERS[key.family])
    if key.fwmark:
        return family + nl.u32(5, key.fwmark)
    protocol = nl.u16(2, _PROTOCOL_NUMBERS[key.protocol or Protocol.TCP])
    return family + protocol + nl.attribute(3, _address(key.address)) + nl.port(4, key.port)


def _service(service: VirtualService) -> bytes:
    persistence = service.persistence
    flags = (
        (_PERSISTENT if persistence else 0)
        | (_ONE_PACKET if service.one_packet else 0)
        | (service.flags << _SCHEDULER_SHIFT)
    )
    parts = [
        _service_key(service.key),
        nl.text(6, service.scheduler),
        nl.attribute(7, flags.to_bytes(4, nl.HOST_ORDER) + _ALL_FLAGS.to_bytes(4, nl.HOST_ORDER)),
        nl.u32(8, persistence.timeout if persistence else 0),
        nl.attribute(9, _netmask(service.key.family, persistence.netmask if persistence else None)),
    ]
    if service.engine:
        parts.append(nl.text(11, service.engine))
    return b"".join(parts)


def _server(server: RealServer, weight: int) -> bytes:
    forward = _FORWARD_NUMBERS[server.forward or Forward.NAT]
    values = _SERVER_VALUES.pack(8, 3, forward, 8, 4, weight, 8, 5, server.upper, 8, 6, server.lower)
    body = _server_key(server.key) + values
    if server.tunnel is None:
        return body
    tunnel = server.tunnel
    kind = _TUNNEL_NUMBERS[tunnel.type or TunnelType.IPIP]
    return body + nl.u8(13, kind) + nl.port(14, tunnel.port) + nl.u16(15, tunnel.flags)


def _server_key(key: DestinationKey) -> bytes:
    packed = _address(key.address)
    family = _FAMILY_NUMBERS[IPV6 if ":" in key.address else IPV4]
    return _SERVER_KEY.pack(20, 1, packed, 6, 2, key.port.to_bytes(2, "big"), 6, 11, family)


@lru_cache(maxsize=32768)
def _address(address: str) -> bytes:
    """16 bytes, an IPv4 address in the first four (union nf_inet_addr)."""
    return ipaddress.ip_address(address).packed.ljust(16, b"\0")


@lru_cache(maxsize=32768)
def _address_text(family: str, packed: bytes) -> str:
    if len(packed) < (16 if family == IPV6 else 4):
        raise WireError(f"an {family} address of {len(packed)} bytes")
    if family == IPV6:
        return str(ipaddress.IPv6Address(packed[:16]))
    return ".".join(map(str, packed[:4]))


def _netmask(family: str, prefix: int | None) -> bytes:
    """IPv4: the mask in network order; IPv6: the prefix length in the host's order. None: the single address."""
    if family == IPV6:
        return (128 if prefix is None else prefix).to_bytes(4, nl.HOST_ORDER)
    ones = 32 if prefix is None else prefix
    return (_ALL_FLAGS << (32 - ones) & _ALL_FLAGS).to_bytes(4, "big")


def _prefix(family: str, raw: bytes) -> int | None:
    if len(raw) != 4:
        raise WireError(f"a netmask of {len(raw)} bytes")
    if family == IPV6:
        return int.from_bytes(raw, nl.HOST_ORDER)
    ones = int.from_bytes(raw, "big").bit_count()
    return ones if _netmask(family, ones) == raw else None


def decode_service(payload: bytes) -> ServiceRead | Malformed:
    """One answer to `service_dump`."""
    try:
        found = nl.attributes(nl.attributes(payload, 4).get(_SERVICE, b""))
        return ServiceRead(_read_service(found), _read_sums(found.get(12) or found.get(10)))
    except WireError as error:
        return Malformed(str(error))


def _read_service(found: dict[int, bytes]) -> VirtualService:
    key = _read_service_key(found)
    flags = nl.number({7: found.get(7, b"")[:4]}, 7)
    persistence = None
    if flags & _PERSISTENT:
        persistence = Persistence(timeout=nl.number(found, 8), netmask=_prefix(key.family, found.get(9, b"")))
    return VirtualService(
        key=key,
        scheduler=nl.string(found, 6, "none"),
        flags=SchedulerFlag(flags >> _SCHEDULER_SHIFT & 7),
        persistence=persistence,
        one_packet=bool(flags & _ONE_PACKET),
        engine=nl.string(found, 11) or None,
    )


def _read_service_key(found: dict[int, bytes]) -> ServiceKey:
    family = _FAMILIES.get(nl.number(found, 1))
    if family is None:
        raise WireError("an unknown address family")
    if 5 in found:
        mark = nl.number(found, 5)
        if mark == 0:
            raise WireError("a firewall mark of 0")
        return ServiceKey(family=family, fwmark=mark)
    protocol = _PROTOCOLS.get(nl.number(found, 2))
    if protocol is None:
        raise WireError(f"unknown protocol {nl.number(found, 2)}")
    address = _address_text(family, found.get(3, b""))
    return ServiceKey(family=family, protocol=protocol, address=address, port=nl.port_number(found, 4))


def decode_server(payload: bytes, family: str, *, sums: bool = False) -> ServerRead | Malformed:
    """One answer to `server_dump` for a service of `family`; the sums of its counters only when asked for."""
    try:
        found = nl.attributes(nl.attributes(payload, 4).get(_SERVER, b""))
        nest = (found.get(12) or found.get(10)) if sums else None
        return ServerRead(_read_server(found, family), _with_connections(_read_sums(nest), found))
    except WireError as error:
        return Malformed(str(error))


def _read_server(found: dict[int, bytes], family: str) -> RealServer:
    own_family = _FAMILIES.get(nl.number(found, 11, _FAMILY_NUMBERS[family]))
    if own_family is None:
        raise WireError("an unknown address family")
    forward = _FORWARDS.get(nl.number(found, 3))
    return RealServer(
        key=DestinationKey(_address_text(own_family, found.get(1, b"")), nl.port_number(found, 2)),
        forward=forward,
        weight=nl.number(found, 4),
        upper=nl.number(found, 5, 0),
        lower=nl.number(found, 6, 0),
        tunnel=_read_tunnel(found) if forward is Forward.TUN else None,
    )


def _read_tunnel(found: dict[int, bytes]) -> Tunnel:
    """Kernels before 5.2 know ipip only and send none of the three attributes."""
    return Tunnel(
        type=_TUNNELS.get(nl.number(found, 13, 0)),
        port=nl.port_number(found, 14, 0),
        flags=nl.number(found, 15, 0),
    )


def _with_connections(sums: Counters, found: dict[int, bytes]) -> Counters:
    return msgspec.structs.replace(
        sums,
        active=nl.number(found, 7, 0),
        inactive=nl.number(found, 8, 0),
        persistent=nl.number(found, 9, 0),
    )


def _read_sums(raw: bytes | None) -> Counters:
    """IPVS_STATS_ATTR_*: the 64-bit form where the kernel sends it, else the 32-bit one."""
    if raw is None:
        return _NO_SUMS
    found = nl.attributes(raw)
    return Counters(
        connections=nl.number(found, 1, 0),
        packets_in=nl.number(found, 2, 0),
        packets_out=nl.number(found, 3, 0),
        bytes_in=nl.number(found, 4, 0),
        bytes_out=nl.number(found, 5, 0),
    )
