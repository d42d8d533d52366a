"""Bytes of an HTTP/1.1 request, and where a redirect leads (RFC 9110, RFC 9112).

Its law: nothing an operator wrote can add a line to a request, and a redirect never leads to another server.
"""

from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from health.dialogue import ProbeError, without_zone

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


class Location(NamedTuple):
    """Where a request goes, in the server's own words: scheme, the Host header, path with query."""

    scheme: str
    host: str
    path: str
    port: int


def default_host(scheme: str, address: str, port: int) -> str:
    """The Host header for a bare address, with the port unless it is the scheme's (RFC 9110 section 7.2)."""
    bare = without_zone(address)
    named = f"[{bare}]" if ":" in bare else bare
    return named if port == _PORTS[scheme] else f"{named}:{port}"


def host_name(host: str) -> str:
    """A Host header without its port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def request(
    method: str, location: Location, headers: tuple[tuple[str, str], ...], agent: str, body: str | None
) -> bytes:
    """The whole request. Headers given replace our own of the same name. Raises ProbeError."""
    given = {name.lower() for name, _ in headers}
    own = [("Host", location.host), ("User-Agent", agent), ("Accept", "*/*"), ("Connection", "close")]
    content = b"" if body is None else body.encode()
    if body is not None:
        own.append(("Content-Length", str(len(content))))
    lines = [f"{_word(method)} {_word(quote(location.path, safe=_PRINTABLE))} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in own if name.lower() not in given]
    lines += [f"{_word(name)}: {value}" for name, value in headers]
    for line in lines:
        if not line.isprintable():
            raise ProbeError(f"a request line holds characters that cannot be sent: {line!r}")
    return "\r\n".join([*lines, "", ""]).encode() + content


def _word(text: str) -> str:
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ProbeError(f"{text!r} cannot stand in an HTTP request")
    return text


def redirected(here: Location, there: str) -> Location | str:
    """Where the Location header `there` leads from `here`, or in words why a probe does not go there.

    A probe goes on at the same server only: same host name, the same scheme or https after http.
    """
    origin = f"{here.scheme}://{here.host}"
    try:
        parts = urlsplit(urljoin(origin + here.path, there))
        port = parts.port
    except ValueError:
        return "redirects to no valid address"
    if parts.scheme != here.scheme and (here.scheme, parts.scheme) != ("http", "https"):
        return f"redirects to scheme {parts.scheme}"
    if (parts.hostname or "") != host_name(here.host):
        return f"redirects to another host, {parts.hostname}"
    same = parts.scheme == here.scheme and parts.netloc.lower() == here.host.lower()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Location(
        parts.scheme,
        here.host if same else parts.netloc.rpartition("@")[2],
        path,
        here.port if same else port or _PORTS[parts.scheme],
    )
