"""What concerns IPVS as a whole: time-outs, information, synchronisation threads.

Bytes only. Layout: linux/ip_vs.h, attributes IPVS_CMD_ATTR_*, IPVS_INFO_ATTR_*, IPVS_DAEMON_ATTR_*.
"""

import ipaddress

from hactl.ipvs import netlink as nl
from hactl.ipvs.model import Info, SyncDaemon, Timeouts
from hactl.ipvs.netlink import WireError
from hactl.ipvs.wire import Body, Malformed

NEW_DAEMON, DELETE_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG, GET_CONFIG, GET_INFO = 12, 13, 15
_DAEMON = 3
_MASTER, _BACKUP = 1, 2


def timeouts_request() -> Body:
    """Asks for the time-outs."""
    return Body(GET_CONFIG, b"")


def set_timeouts(timeouts: Timeouts) -> Body:
    """Sets the time-outs; 0 leaves one as it is."""
    return Body(SET_CONFIG, nl.u32(4, timeouts.tcp) + nl.u32(5, timeouts.tcpfin) + nl.u32(6, timeouts.udp))


def decode_timeouts(payload: bytes) -> Timeouts | Malformed:
    """The answer to `timeouts_request`."""
    try:
        found = nl.attributes(payload, 4)
        return Timeouts(tcp=nl.number(found, 4), tcpfin=nl.number(found, 5), udp=nl.number(found, 6))
    except WireError as error:
        return Malformed(str(error))


def info_request() -> Body:
    """Asks for version and table size."""
    return Body(GET_INFO, b"")


def decode_info(payload: bytes) -> Info | Malformed:
    """The answer to `info_request`."""
    try:
        found = nl.attributes(payload, 4)
        code = nl.number(found, 1)
        version = f"{code >> 16 & 255}.{code >> 8 & 255}.{code & 255}"
        return Info(version=version, connection_table=nl.number(found, 2))
    except WireError as error:
        return Malformed(str(error))


def daemon_dump() -> Body:
    """Asks for the synchronisation threads that run."""
    return Body(GET_DAEMON, b"")


def start_daemon(daemon: SyncDaemon) -> Body:
    """Starts one synchronisation thread."""
    parts = [_identity(daemon)]
    if daemon.max_length:
        parts.append(nl.u16(4, daemon.max_length))
    if daemon.group:
        packed = ipaddress.ip_address(daemon.group).packed
        parts.append(nl.attribute(6 if len(packed) == 16 else 5, packed))
    if daemon.port:
        parts.append(nl.u16(7, daemon.port))
    if daemon.ttl:
        parts.append(nl.u8(8, daemon.ttl))
    return Body(NEW_DAEMON, nl.nested(_DAEMON, *parts))


def stop_daemon(daemon: SyncDaemon) -> Body:
    """Stops one synchronisation thread."""
    return Body(DELETE_DAEMON, nl.nested(_DAEMON, _identity(daemon)))


def _identity(daemon: SyncDaemon) -> bytes:
    state = nl.u32(1, _MASTER if daemon.master else _BACKUP)
    return state + nl.text(2, daemon.interface) + nl.u32(3, daemon.id)


def decode_daemon(payload: bytes) -> SyncDaemon | Malformed:
    """One answer to `daemon_dump`."""
    try:
        found = nl.attributes(nl.attributes(payload, 4).get(_DAEMON, b""))
        group = found.get(6) or found.get(5)
        return SyncDaemon(
            master=nl.number(found, 1) == _MASTER,
            interface=nl.string(found, 2),
            id=nl.number(found, 3),
            max_length=nl.number(found, 4, 0),
            group=str(ipaddress.ip_address(group)) if group and len(group) in (4, 16) else None,
            port=nl.number(found, 7, 0),
            ttl=nl.number(found, 8, 0),
        )
    except WireError as error:
        return Malformed(str(error))
