"""Other addresses under our VRID are told, seldom, and decide nothing."""

from failover.difference import TELL_EVERY, Difference, difference
from failover.packet import RELEASE
from support.failover import VIP4, advert, packed, vip

OURS = (vip(), vip("10.99.0.101"), vip("10.99.0.102", advertise=False))
THEIRS = advert(200, addresses=(packed("10.99.0.101"), packed("10.99.0.200")))
ALIKE = advert(200, addresses=(packed("10.99.0.101"), packed(VIP4)))


def test_lists_are_compared_as_sets() -> None:
    """The order counts for nothing, nor what is not advertised."""
    assert Difference(OURS).hear(ALIKE, "10.99.0.3", 0.0) == ""
    assert difference(ALIKE.addresses, THEIRS.addresses) == "without 10.99.0.100 and with 10.99.0.200"
    assert difference(ALIKE.addresses, [packed(VIP4)]) == "without 10.99.0.101"


def test_many_are_not_all_named() -> None:
    """A packet holds 255; a line does not."""
    many = [packed(f"10.98.0.{number}") for number in range(1, 200)]
    assert difference((), many) == "with 10.98.0.1, 10.98.0.2, 10.98.0.3 and 196 more"


def test_it_is_told_seldom_and_shown_for_a_while() -> None:
    """Anybody on the link could fill the log otherwise."""
    heard = Difference(OURS)
    assert heard.hear(ALIKE, "10.99.0.3", 0.0) == ""
    assert "10.99.0.3 advertises VRID 51 without" in heard.hear(THEIRS, "10.99.0.3", 1.0)
    assert heard.hear(THEIRS, "10.99.0.4", 1.0 + TELL_EVERY / 2) == ""
    assert heard.hear(ALIKE, "10.99.0.4", 3.0 + TELL_EVERY / 2) == ""
    assert heard.text(TELL_EVERY) == "10.99.0.4 advertises VRID 51 without 10.99.0.100 and with 10.99.0.200"
    assert heard.text(1.0 + 1.5 * TELL_EVERY) == ""
    assert heard.hear(THEIRS, "10.99.0.4", 1.0 + 2 * TELL_EVERY)


def test_a_release_is_not_compared() -> None:
    """Its addresses mean nothing."""
    assert Difference(OURS).hear(advert(RELEASE, addresses=()), "10.99.0.3", 0.0) == ""
