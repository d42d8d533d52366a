"""The steps: their order, that they end in the wish wherever they are cut, and that removing gives everything back."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.realserver import plan
from hactl.realserver.model import (
    Address,
    Facts,
    Kind,
    Listener,
    MakeDevice,
    PutVip,
    Raise,
    Record,
    SetSwitch,
    Vip,
    Wish,
    dotted,
)
from support.realserver import FakeHost, facts, kinds_with_modules

DR = Wish(vips=("10.99.0.100",), lan=("eth0",), hide=True)
TUN = Wish(
    vips=("10.99.0.100", "10.99.0.101", "2001:db8::100"),
    tunnelled={"10.99.0.101": Kind.IPIP},
    kinds=(Kind.IPIP,),
    listeners=(Listener(6080),),
    lan=("eth0",),
    hide=True,
)
SIX = Wish(vips=("2001:db8::100",), lan=("eth0",))
WISHES = (Wish(), DR, TUN, SIX)


def texts(host: FakeHost, wish: Wish) -> list[str]:
    """Steps in words."""
    return [str(step) for step in plan.steps(wish, host.facts, host.record)]


def test_direct_routing() -> None:
    """ARP is hidden on `all` and on the LAN before the VIP is there."""
    assert texts(FakeHost(facts()), DR) == [
        "net.ipv4.conf.all.arp_ignore = 1",
        "net.ipv4.conf.all.arp_announce = 2",
        "net.ipv4.conf.eth0.arp_ignore = 1",
        "net.ipv4.conf.eth0.arp_announce = 2",
        "10.99.0.100/32 on lo added",
    ]


def test_ipv6_needs_no_switch() -> None:
    """An IPv6 VIP on lo is not told by neighbour discovery on another interface."""
    assert texts(FakeHost(facts()), SIX) == ["2001:db8::100/128 on lo added"]


def test_tunnel_without_a_standard_device() -> None:
    """The device is made, unfiltered before it is up, and up before the VIP; what `all` meant goes to the others."""
    assert texts(FakeHost(facts(rp_filter="1")), TUN)[:-3] == [
        "device hactl-ipip (ipip) made",
        "net.ipv4.conf.all.arp_ignore = 1",
        "net.ipv4.conf.all.arp_announce = 2",
        "net.ipv4.conf.eth0.arp_ignore = 1",
        "net.ipv4.conf.eth0.arp_announce = 2",
        "net.ipv4.conf.default.rp_filter = 1",
        "net.ipv4.conf.eth0.rp_filter = 1",
        "net.ipv4.conf.eth1.rp_filter = 1",
        "net.ipv4.conf.all.rp_filter = 0",
        "net.ipv4.conf.hactl-ipip.rp_filter = 0",
        "device hactl-ipip set up",
        "GUE port 6080 over IPv4 opened",
    ]
    assert MakeDevice("tunl0", Kind.IPIP) not in plan.steps(TUN, facts("tunl0"), Record())
    assert Raise("tunl0") in plan.steps(TUN, facts("tunl0"), Record())


@pytest.mark.parametrize("value", ["2", "8"])
def test_stronger_hiding_stays(value: str) -> None:
    """A switch that hides the VIP already, in another way, is not touched."""
    there = facts()
    strong = msgspec.structs.replace(there, switches={**there.switches, "ipv4/conf/all/arp_ignore": value})
    assert not any(
        isinstance(s, SetSwitch) and s.path == "ipv4/conf/all/arp_ignore"
        for s in plan.steps(DR, strong, Record())
    )


def test_an_operators_vip_stays() -> None:
    """A VIP that somebody else put on lo is as good, and is not taken off with ours."""
    there = facts()
    theirs = Address(device="lo", address="10.99.0.100", prefix=32)
    host = FakeHost(msgspec.structs.replace(there, addresses=(*there.addresses, theirs)))
    assert not any(isinstance(step, PutVip) for step in host.reach(DR))
    host.reach(Wish())
    assert theirs in host.facts.addresses


def test_what_somebody_changed_since_stays() -> None:
    """Removing gives a switch its former value only where it still has ours."""
    host = FakeHost(facts())
    host.reach(DR)
    host.perform(SetSwitch("ipv4/conf/all/arp_ignore", "8"))
    host.reach(Wish())
    assert host.facts.switches["ipv4/conf/all/arp_ignore"] == "8"
    assert host.facts.switches["ipv4/conf/all/arp_announce"] == "0"


def test_after_a_boot_the_record_is_void() -> None:
    """Values that were remembered before a boot are nobody's any more."""
    host = FakeHost(facts())
    host.reach(DR)
    booted = msgspec.structs.replace(facts(), boot="two")
    assert plan.current(host.record, booted) == Record(boot="two")
    assert plan.current(host.record, host.facts) == host.record


def test_without_marks_the_record_says_what_is_ours() -> None:
    """On a kernel that keeps no marks a VIP is taken off that the record names, and no other."""
    mine, other = (Address(device="lo", address=f"10.99.0.{n}", prefix=32) for n in (100, 200))
    there = msgspec.structs.replace(facts(marks=False), addresses=(mine, other))
    record = Record(boot="one", vips=(Vip("10.99.0.100", "lo"),))
    assert [str(s) for s in plan.steps(Wish(), there, record)] == ["10.99.0.100/32 on lo removed"]


def test_names_of_switches() -> None:
    """A dot in an interface's name is a slash to sysctl(8)."""
    assert dotted("ipv4/conf/eth0.100/arp_ignore") == "net.ipv4.conf.eth0/100.arp_ignore"


@given(
    wishes=st.lists(st.sampled_from(WISHES), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 20), min_size=4, max_size=4),
    standard=st.booleans(),
    rp_filter=st.sampled_from(["0", "1", "2"]),
)
def test_cut_anywhere_it_ends_in_the_wish_and_goes_without_a_trace(
    wishes: list[Wish], cuts: list[int], standard: bool, rp_filter: str
) -> None:
    """Whatever is applied and wherever it is killed: the next apply reaches its wish, and remove gives all back."""
    start = facts(*(kinds_with_modules() if standard else ()), rp_filter=rp_filter)
    host = FakeHost(start)
    for wish, cut in zip(wishes, cuts, strict=False):
        host.reach(wish, cut)
        host.reach(wish)
        assert plan.steps(wish, host.facts, host.record) == ()
        _fit(host.facts, wish)
    host.reach(Wish(), cuts[0])
    host.reach(Wish())
    assert host.facts == start
    assert host.record == Record(boot="one")


def _fit(there: Facts, wish: Wish) -> None:
    """What the kernel would do with the packets."""
    have = {(a.address, a.device) for a in there.addresses}
    assert all((vip.address, vip.device) in have for vip in plan.places(wish, there))
    if wish.hide:
        assert _effective(there.switches, "eth0", "arp_ignore") == 1
    for kind in wish.tunnelled.values():
        device = plan.device_of(kind, there)
        assert there.devices[device]
        assert _effective(there.switches, device, "rp_filter") == 0


def _effective(switches: Mapping[str, str], device: str, name: str) -> int:
    """The larger of `all` and the device's own (ip-sysctl)."""
    return max(int(switches[f"ipv4/conf/{one}/{name}"]) for one in ("all", device))


@given(rp_filter=st.sampled_from(["1", "2"]))
def test_other_devices_keep_their_filter(rp_filter: str) -> None:
    """Lowering `all` for a tunnel takes no filter from any other device."""
    host = FakeHost(facts(rp_filter=rp_filter))
    host.reach(TUN)
    assert {_effective(host.facts.switches, device, "rp_filter") for device in ("eth0", "eth1")} == {
        int(rp_filter)
    }
