"""HTTP requests as bytes, and where redirects lead."""

import pytest

from health.dialogue import ProbeError
from health.wire.request import Location, default_host, host_name, redirected, request

HERE = Location("http", "www.example.org", "/a/b?c=d", 8080)


@pytest.mark.parametrize(
    ("scheme", "address", "port", "host"),
    [
        ("http", "192.0.2.1", 80, "192.0.2.1"),
        ("http", "192.0.2.1", 8080, "192.0.2.1:8080"),
        ("https", "192.0.2.1", 443, "192.0.2.1"),
        ("https", "192.0.2.1", 80, "192.0.2.1:80"),
        ("http", "2001:db8::1", 80, "[2001:db8::1]"),
        ("http", "fe80::1%eth0", 81, "[fe80::1]:81"),
    ],
)
def test_default_host(scheme: str, address: str, port: int, host: str) -> None:
    """RFC 9110 section 7.2: the port is there unless it is the scheme's; a zone never leaves this host."""
    assert default_host(scheme, address, port) == host
    assert host_name(host) == address.partition("%")[0]


def test_whole_request() -> None:
    """The bytes on the wire."""
    assert request("GET", HERE, (("X-A", "1"), ("user-agent", "other")), "hactl/1", None) == (
        b"GET /a/b?c=d HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\nConnection: close\r\n"
        b"X-A: 1\r\nuser-agent: other\r\n\r\n"
    )


def test_request_with_body() -> None:
    """A body is counted in bytes."""
    sent = request("POST", HERE, (), "hactl/1", "é")
    assert b"User-Agent: hactl/1\r\n" in sent
    assert sent.endswith(b"Content-Length: 2\r\n\r\n\xc3\xa9")


def test_path_is_quoted() -> None:
    """What cannot stand in a request line is escaped; what was escaped stays."""
    sent = request("GET", HERE._replace(path="/ä b%20c"), (), "hactl/1", None)
    assert sent.startswith(b"GET /%C3%A4%20b%20c HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("method", "host", "header"),
    [
        ("GET\r\nX: y", "h", ("A", "b")),
        ("GET /", "h", ("A", "b")),
        ("GET", "h\r\nX: y", ("A", "b")),
        ("GET", "h", ("A\r\n", "b")),
        ("GET", "h", ("A", "b\r\nX: y")),
        ("GET", "h", ("", "b")),
    ],
)
def test_no_line_is_smuggled_in(method: str, host: str, header: tuple[str, str]) -> None:
    """A line break or space where it would change the request is refused."""
    with pytest.raises(ProbeError):
        request(method, HERE._replace(host=host), (header,), "hactl/1", None)


@pytest.mark.parametrize(
    ("there", "location"),
    [
        ("/x", Location("http", "www.example.org", "/x", 8080)),
        ("x?y", Location("http", "www.example.org", "/a/x?y", 8080)),
        ("http://www.example.org/x", Location("http", "www.example.org", "/x", 8080)),
        ("http://WWW.example.org:81/x", Location("http", "WWW.example.org:81", "/x", 81)),
        ("https://www.example.org", Location("https", "www.example.org", "/", 443)),
        ("https://u:p@www.example.org:444/", Location("https", "www.example.org:444", "/", 444)),
    ],
)
def test_redirect_within_the_server(there: str, location: Location) -> None:
    """Relative and absolute locations of the same host are followed, to https as well."""
    assert redirected(HERE, there) == location


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (HERE, "http://other.example.org/", "another host"),
        (HERE, "ftp://www.example.org/", "scheme"),
        (HERE, "http://www.example.org:x/", "no valid address"),
        (HERE, "http://[::1/", "no valid address"),
        (HERE._replace(scheme="https"), "http://www.example.org/", "scheme"),
    ],
)
def test_redirect_that_is_not_followed(here: Location, there: str, words: str) -> None:
    """Another host, another scheme, back to clear text: the probe stays where it is and says why."""
    found = redirected(here, there)
    assert isinstance(found, str)
    assert words in found
