"""The kinds of single values: names, durations, addresses, ports, paths.

Each refuses with a sentence that stands alone; `{value}` in it is replaced by what the file has.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)

from hactl.config import duration, hints
from hactl.config.schema.base import refuse

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_INTERFACE = re.compile(r"[^\s/:\x00-\x1f]{1,15}")
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_CANONICAL_IPV4 = re.compile(rf"{_BYTE}\.{_BYTE}\.{_BYTE}\.{_BYTE}", re.ASCII)
_SHARE = re.compile(r"([0-9]{1,3})%", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}", re.ASCII)


def _matching(pattern: re.Pattern[str], sentence: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise refuse(sentence)
        return value

    return check


def _seconds(value: Any) -> float:
    try:
        return duration.parse(value)
    except ValueError as error:
        text = str(error)
        raise refuse(f"{text}, not {{value}}" if text.startswith("must") else text) from None


def _seconds_or_off(value: Any) -> float:
    return 0.0 if value == "off" else _seconds(value)


def _whole(value: float) -> float:
    if value % 1:
        raise refuse("must be whole seconds, not {value}")
    return value


def canonical(value: str) -> str:
    """An address in its canonical form, without a prefix."""
    if _CANONICAL_IPV4.fullmatch(value):
        return value  # Most are, and the library takes ten times as long to say so.
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise refuse(f"must be an IPv4 or IPv6 address, not {{value}}{hints.for_address(value)}") from None


def _prefixed(value: str) -> str:
    try:
        interface = ipaddress.ip_interface(value)
    except ValueError:
        raise refuse(
            "must be an address, with a prefix length if need be (10.0.0.1/24), not {value}"
        ) from None
    if isinstance(interface, ipaddress.IPv6Interface) and interface.scope_id:
        raise refuse("must be an address without a zone (%...), not {value}")
    return f"{interface.ip}/{interface.network.prefixlen}"


def _absolute(value: str) -> str:
    if not value.startswith("/") or "\0" in value:
        raise refuse("must be an absolute path (/...), not {value}")
    return value


def _command(value: list[str]) -> list[str]:
    if not value or not value[0].startswith("/"):
        raise refuse("must be a list: the program's absolute path, then its arguments; no shell runs it")
    return value


def _share(value: Any) -> float:
    match = _SHARE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[1]) <= 100:
        raise refuse("must be a share from 1% to 100%, not {value}")
    return int(match[1]) / 100


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise refuse(f"is not a regular expression: {error}") from None
    return value


def _one_line(value: str) -> str:
    if any(character < " " or character == "\x7f" for character in value):
        raise refuse("must be one line without control characters")
    return value


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    sound = bool(colon) and port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    try:
        ipaddress.ip_address(host)
    except ValueError:
        sound = False
    if not sound:
        raise refuse("must be ADDRESS:PORT, such as 127.0.0.1:9770, not {value}")
    return value


def one_or_each(value: Any) -> str:
    """Tag of a value that is the same for all directors, or a mapping from director to value."""
    return "<each>" if isinstance(value, dict) else "<one>"


_DURATION_SCHEMA = {"type": "string", "pattern": duration.PATTERN, "examples": ["250ms", "2s", "5m", "1h"]}
_OFF_SCHEMA = {"anyOf": [{"const": "off"}, _DURATION_SCHEMA]}
_AS_DURATION = PlainSerializer(duration.written, return_type=str)
_AS_SHARE = PlainSerializer(lambda share: f"{round(share * 100)}%", return_type=str)

Name = Annotated[
    str, AfterValidator(_matching(_NAME, "a name is made of 1 to 64 of A-Z a-z 0-9 . _ -, not {value}"))
]
Duration = Annotated[float, BeforeValidator(_seconds), _AS_DURATION, WithJsonSchema(_DURATION_SCHEMA)]
DurationOrOff = Annotated[float, BeforeValidator(_seconds_or_off), _AS_DURATION, WithJsonSchema(_OFF_SCHEMA)]
WholeSeconds = Annotated[
    float, BeforeValidator(_seconds), AfterValidator(_whole), _AS_DURATION, WithJsonSchema(_DURATION_SCHEMA)
]
Address = Annotated[str, AfterValidator(canonical)]
PrefixedAddress = Annotated[str, AfterValidator(_prefixed)]
Interface = Annotated[
    str,
    AfterValidator(
        _matching(_INTERFACE, "must be the name of an interface (at most 15 characters), not {value}")
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Command = Annotated[list[str], AfterValidator(_command)]
Share = Annotated[
    float, BeforeValidator(_share), _AS_SHARE, WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,3}%$"})
]
Regex = Annotated[str, AfterValidator(_regex)]
OneLine = Annotated[str, AfterValidator(_one_line)]
HostName = Annotated[str, AfterValidator(_matching(_HOST, "must be the name of a host, not {value}"))]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
Listen = Annotated[str, AfterValidator(_listen)]

AddressHere = Annotated[
    Annotated[Address, Tag("<one>")] | Annotated[dict[Name, Address], Tag("<each>")],
    Discriminator(one_or_each),
]
InterfaceHere = Annotated[
    Annotated[Interface, Tag("<one>")] | Annotated[dict[Name, Interface], Tag("<each>")],
    Discriminator(one_or_each),
]
