"""VRRPv2's password: what fits the wire, and what a router sends with it."""

import pytest

from failover import outgoing
from failover.guards import Guard, Guards
from failover.packet import GROUP4, RELEASE, Advert, decode
from failover.password import read_password
from failover.spec import Authentication
from failover.trailer_clock import Moment
from support.failover import OURS, router_spec


def test_a_password_is_padded_to_eight_bytes() -> None:
    """As it stands in the advert."""
    assert read_password("1234", "/f") == b"1234\0\0\0\0"
    assert read_password("12345678", "/f") == b"12345678"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "password file /f cannot be read"),
        ("", "password file /f is empty"),
        ("123456789", "the password in /f is longer than VRRPv2's 8 bytes"),
        ("\u00fc\u00fc\u00fc\u00fc\u00fc", "the password in /f is longer than VRRPv2's 8 bytes"),
    ],
)
def test_what_cannot_be_a_password(text: str | None, words: str) -> None:
    """It is said in words that name the file and not the secret."""
    assert read_password(text, "/f") == words


@pytest.mark.parametrize("priority", [150, RELEASE])
def test_adverts_carry_the_password(priority: int) -> None:
    """Releases as well: a peer obeys no release without it."""
    spec = router_spec(version=2, advert_interval=1.0)
    message = outgoing.advert_message(spec, priority, OURS, GROUP4, b"1234\0\0\0\0")
    read = decode(message, OURS, GROUP4)
    assert isinstance(read, Advert)
    assert (read.version, read.priority, read.password) == (2, priority, b"1234\0\0\0\0")


def test_a_reload_tells_which_routers_must_look_anew() -> None:
    """Those whose fault came or went; one that left the configuration still releases with its own password."""
    one = router_spec(version=2, authentication=Authentication.PASSWORD, authentication_file="/f")
    two, at = router_spec(name="two", version=2), Moment(0.0, 0.0)
    kept = Guards()
    assert kept.take((one, two), {"/f": "1234"}, at) == []
    assert kept.take((one, two), {}, at) == ["web"]
    assert (kept.usable, kept.unusable) == ({}, {"web": "password file /f cannot be read"})
    assert kept.take((one,), {"/f": "12"}, at) == ["web"]
    assert kept.take((two,), {}, at) == []
    assert kept.usable == {"web": Guard(b"12" + bytes(6))}
    assert kept.of(two) == Guard()
