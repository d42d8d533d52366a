"""The kernel's list of UDP ports that carry tunnels (linux/fou.h), by generic netlink; edge.

pyroute2 has the transport, this file the family's messages.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, genlmsg
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.generic import GenericNetlinkSocket

from hactl.realserver.model import Listener

_ADD, _DELETE, _GET = 1, 2, 3
_GUE = 2


class _Message(genlmsg):  # type: ignore[misc] # pyroute2 has no types
    nla_map = (
        ("FOU_ATTR_UNSPEC", "none"),
        ("FOU_ATTR_PORT", "be16"),
        ("FOU_ATTR_AF", "uint8"),
        ("FOU_ATTR_IPPROTO", "uint8"),
        ("FOU_ATTR_TYPE", "uint8"),
        ("FOU_ATTR_REMCSUM_NOPARTIAL", "flag"),
        ("FOU_ATTR_LOCAL_V4", "ip4addr"),
        ("FOU_ATTR_LOCAL_V6", "ip6addr"),
        ("FOU_ATTR_PEER_V4", "ip4addr"),
        ("FOU_ATTR_PEER_V6", "ip6addr"),
        ("FOU_ATTR_PEER_PORT", "be16"),
        ("FOU_ATTR_IFINDEX", "int32"),
    )


def listeners() -> tuple[Listener, ...]:
    """The ports that are open for GUE. Raises OSError where the kernel has no such family."""
    with _family() as family:
        answers = family.nlm_request(_message(_GET), family.prid, msg_flags=NLM_F_REQUEST | NLM_F_DUMP)
        return tuple(
            Listener(answer.get_attr("FOU_ATTR_PORT"), answer.get_attr("FOU_ATTR_AF") == socket.AF_INET6)
            for answer in answers
            if answer.get_attr("FOU_ATTR_TYPE") == _GUE
        )


def change(listener: Listener, *, opening: bool) -> None:
    """Open or close one port; it is well when that has been done already. Raises OSError."""
    family = socket.AF_INET6 if listener.ipv6 else socket.AF_INET
    attributes: list[tuple[str, Any]] = [("FOU_ATTR_PORT", listener.port), ("FOU_ATTR_AF", int(family))]
    if opening:
        attributes.append(("FOU_ATTR_TYPE", _GUE))
    message = _message(_ADD if opening else _DELETE, attributes)
    with _family() as link:
        try:
            tuple(link.nlm_request(message, link.prid, msg_flags=NLM_F_REQUEST | NLM_F_ACK))
        except OSError as error:
            known = listener in listeners()
            if known is not opening:
                raise error from None


def _message(command: int, attributes: list[tuple[str, Any]] | None = None) -> Any:
    message = _Message()
    message["cmd"], message["version"], message["attrs"] = command, 1, attributes or []
    return message


@contextlib.contextmanager
def _family() -> Iterator[Any]:
    """A socket of the family; pyroute2's errors come out as OSError."""
    try:
        with GenericNetlinkSocket() as link:
            link.bind("fou", _Message)
            yield link
    except NetlinkError as error:
        text = (
            "this kernel has no GUE (module fou)" if error.code == errno.ENOENT else os.strerror(error.code)
        )
        raise OSError(error.code, text) from error
