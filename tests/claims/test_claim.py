"""Addresses claimed by hand: what is an address, who is in the way, what may be taken off."""

import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hactl.claims.claim import (
    Claim,
    Heard,
    Refused,
    Standing,
    conflict_text,
    conflicts,
    parse,
    refuse_release,
    refuse_takeover,
    refuse_together,
)

VIP = Claim("10.0.0.100", 32)
US, THEM, THIRD = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"


def standing(
    interface: str = "eth0", *, ours: bool = True, lease: int | None = None, prefix: int = 32
) -> Standing:
    """How the VIP stands on an interface."""
    return Standing(interface=interface, prefix=prefix, ours=ours, lease=lease)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("10.0.0.1", Claim("10.0.0.1", 32)),
        ("10.0.0.1/24", Claim("10.0.0.1", 24, exact=True)),
        ("10.0.0.0/31", Claim("10.0.0.0", 31, exact=True)),
        ("2001:DB8:0::5", Claim("2001:db8::5", 128)),
        ("2001:db8::5/64", Claim("2001:db8::5", 64, exact=True)),
        ("fe80::1", Claim("fe80::1", 128)),
    ],
)
def test_addresses(text: str, claim: Claim) -> None:
    """An address is canonical; without a prefix it means itself alone."""
    assert parse(text) == claim


@pytest.mark.parametrize(
    "text",
    [
        "", "web", "10.0.0", "10.0.0.1/33", "10.0.0.1/x", "2001:db8::5/129", "fe80::1%eth0", "224.0.0.18", "ff02::1",
        "0.0.0.0", "::", "127.0.0.1", "::1", "255.255.255.255", "10.0.0.0/24", "10.0.0.255/24", "2001:db8::/64",
    ],
)  # fmt: skip
def test_no_addresses(text: str) -> None:
    """What no host can have on a network is refused in one sentence."""
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse(text)


@given(st.ip_addresses())
def test_every_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Any address but one that no host has is taken as it is, and a claim's text means the claim."""
    assume(not (address.is_multicast or address.is_unspecified or address.is_loopback))
    assume(str(address) != "255.255.255.255")
    claim = parse(str(address))
    assert (claim.packed, claim.ipv6) == (address.packed, address.version == 6)
    assert parse(str(claim)).packed == claim.packed


@pytest.mark.parametrize(
    ("there", "by_hand", "said"),
    [
        ([], False, None),
        ([standing("lo", ours=False)], False, None),
        ([], True, "another `hactl takeover`"),
        ([standing(lease=3)], True, "another `hactl takeover`"),
        ([standing(lease=3)], False, "`hactl handover`"),
        ([standing()], False, "`hactl release`"),
        ([standing(ours=False, prefix=24)], False, "not by hactl"),
        ([standing(lease=3), standing(ours=False, prefix=24)], False, "not by hactl"),
        ([standing("eth1")], False, "on eth1 already"),
    ],
)
def test_takeover_refused(there: list[Standing], by_hand: bool, said: str | None) -> None:
    """An address that this host has is not taken, except one on lo; the sentence says whose it is."""
    refusal = refuse_takeover(VIP, "eth0", there, by_hand)
    assert (refusal is None) == (said is None)
    assert (said or "") in (refusal or "")


@pytest.mark.parametrize(
    ("here", "by_hand", "force", "said"),
    [
        ([], False, False, "is not on eth0"),
        ([], False, True, "is not on eth0"),
        ([standing()], False, False, None),
        ([standing(lease=3)], True, False, None),
        ([standing(lease=3)], False, False, "`hactl handover`"),
        ([standing(lease=3)], False, True, None),
        ([standing(ours=False)], False, False, "did not put it there"),
        ([standing(ours=False)], False, True, None),
        ([standing(ours=False, prefix=24), standing()], False, False, None),
    ],
)
def test_release_refused(here: list[Standing], by_hand: bool, force: bool, said: str | None) -> None:
    """Ours goes, unless a daemon may renew it; what is not ours needs --force."""
    refusal = refuse_release(VIP, "eth0", here, by_hand, force)
    assert (refusal is None) == (said is None)
    assert (said or "") in (refusal or "")


def test_conflicts() -> None:
    """Another station that has a claimed address, or probes for it, is in the way; we ourselves are not."""
    has = Heard(mac=THEM, address=VIP.address)
    asks = Heard(mac=THIRD, address=VIP.address, asking=True)
    own = Heard(mac=US, address=VIP.address)
    other = Heard(mac=THEM, address="10.0.0.1")
    assert conflicts([own, other], [VIP], {US}) == {}
    assert conflicts([other, asks], [VIP], {US}) == {VIP.address: asks}
    for order in ([asks, has], [has, asks]):
        assert conflicts(order, [VIP], {US}) == {VIP.address: has}


def test_conflict_text() -> None:
    """The sentence names the address, the MAC and the interface; --force is no way past one who asks just now."""
    has = conflict_text(Heard(mac=THEM, address=VIP.address), "eth0")
    asks = conflict_text(Heard(mac=THEM, address=VIP.address, asking=True), "eth0")
    for text in (has, asks):
        assert all(word in text for word in (VIP.address, THEM, "eth0"))
    assert ("--force" in has, "--force" in asks) == (True, False)


def test_refused_together() -> None:
    """All reasons are told at once; none is no refusal."""
    refuse_together([None, None])
    with pytest.raises(Refused) as refused:
        refuse_together(["a", None, "b"])
    assert refused.value.args == ("a", "b")
