"""Only what is ours: operators' addresses, owners, removed VIPs, reloads; and packets that are not for us."""

import json
import signal
import socket
import struct
import time
from typing import Any

import pytest

from failover.moves import Cause, State
from failover.packet import GROUP4, OWNER, Advert, Coverage, Drop, encode
from failover.report import Renewal
from failover.spec import Family, PeerSpec, Transport
from hactl.lab import net as namespaces
from support.directors import Director, pair, serve, until
from support.failover import VIP4, VIP6, advert, packed, router_spec, vip
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

OTHER = "10.99.0.101"
STATIC = "10.99.0.50"
FOREVER = 0xFFFFFFFF


def test_an_operators_address_survives_everything() -> None:
    """Takeover, renewal, handover, stop, and the removal of strays: a static address keeps its life without end."""
    with pair() as (net, recorder, a, b):
        net.ip("a", f"address add {STATIC}/32 dev eth0", "address add 2001:db8::50/64 dev eth0")
        before = {x: a.addresses()[x] for x in (STATIC, "2001:db8::50", "10.99.0.1")}
        serve(recorder, a, b, lease=2)
        time.sleep(1.0)
        a.stop()
        assert a.process.wait(10) == 0
        assert {x: a.addresses()[x] for x in before} == before
        assert a.addresses()[STATIC]["valid_life_time"] == FOREVER


def test_a_static_vip_makes_the_owner() -> None:
    """An operator configured the VIP on b: b is owner, master with 255, and its address is never leased or removed."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        net.ip("b", f"address add {VIP4}/24 dev eth0")
        assert b.wait_for(State.MASTER).priority == OWNER
        a.wait_for(State.BACKUP)
        until(lambda: not a.holds(VIP4), 1.0)
        assert recorder.adverts("b")[-1].priority == OWNER
        assert recorder.adverts("b")[-1].source == "10.99.0.2"
        time.sleep(1.0)
        assert (b.addresses()[VIP4]["valid_life_time"], b.addresses()[VIP4]["prefixlen"]) == (FOREVER, 24)
        assert b.marked() == set()
        b.stop()
        assert b.process.wait(10) == 0
        assert b.holds(VIP4)
        a.wait_for(State.MASTER)


def test_a_static_address_beside_ours_outlives_it() -> None:
    """The operator adds the master's VIP with a wider prefix: the master becomes owner, our /32 ends, theirs stays."""
    with pair() as (net, _, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        until(lambda: a.holds(VIP4), 1.0)
        net.ip("a", f"address add {VIP4}/24 dev eth0")
        until(lambda: a.reports["web"].priority == OWNER, 3.0)
        until(lambda: not a.marked(), 5.0, "our own address ends with its lease")
        time.sleep(1.0)
        assert (a.state(), a.marked(), a.holds(VIP4)) == (State.MASTER, set(), True)
        assert a.reports["web"].transitions == 2


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_vip_with_its_network_takes_no_address_of_the_host_along(how: str) -> None:
    """The host's own address is put on anew beside it, as a DHCP client does: it outlives the VIP, released or lapsed."""
    mine, everywhere = "10.99.0.1", {"ipv4/conf/all/promote_secondaries": "0"}
    with lan("a") as net, Director(net, "a") as a:
        namespaces.write_switches(
            net.namespace("a"), everywhere | {"ipv4/conf/eth0/promote_secondaries": "0"}
        )
        net.ip("a", "address add 10.98.0.1/24 dev eth0")
        a.apply(router_spec(source="10.98.0.1", addresses=(vip(prefix=24),), lease=2))
        a.wait_for(State.MASTER)
        until(lambda: a.holds(VIP4), 1.0)
        net.ip("a", f"address del {mine}/24 dev eth0")
        time.sleep(0.5)
        until(lambda: a.holds(VIP4), 2.0)
        net.ip("a", f"address add {mine}/24 dev eth0")
        if how == "stop":
            a.stop()
            assert a.process.wait(10) == 0
        else:
            a.signal(signal.SIGKILL)
        until(lambda: not a.holds(VIP4), 5.0)
        assert a.holds(mine)
        told = [text for text in a.notes() if "promote_secondaries" in text]
        assert [text.partition(" is now ")[2] for text in told] == [
            "1: else a VIP that goes can take other addresses of its network away with it"
        ]


@pytest.mark.parametrize("family", list(Family), ids=[family.value for family in Family])
@pytest.mark.parametrize("successor", [False, True], ids=["kept", "given up"])
def test_an_inherited_vip_gets_its_new_length(family: Family, successor: bool) -> None:
    """The file gave it another while no daemon lived: it is put on anew at once, and nothing of the old one is left."""
    address, old, new = (VIP4, 32, 24) if family is Family.IPV4 else (VIP6, 128, 64)
    with pair() as (net, _, other, b):
        other.apply(router_spec(family=family, addresses=(vip(address, prefix=old),), lease=30))
        other.wait_for(State.MASTER)
        until(lambda: lengths(net, address) == [old], 1.0)
        other.signal(signal.SIGKILL)
        if successor:
            b.apply(router_spec(family=family, addresses=(vip(address, prefix=new),), priority=200))
            b.wait_for(State.MASTER)
        with Director(net, "a") as a:
            a.apply(router_spec(family=family, addresses=(vip(address, prefix=new),), lease=30))
            if not successor:
                until(lambda: lengths(net, address) == [new], 2.0)
                a.wait_for(State.MASTER)
                a.stop()
                assert a.process.wait(10) == 0
            until(lambda: lengths(net, address) == [], 2.0)
            assert not [note for note in a.notes() if "slow to take" in note]


def lengths(net: Lan, address: str) -> list[int]:
    """The prefix lengths with which host a has an address."""
    shown = json.loads(net.run("a", "ip", "-json", "address", "show", "dev", "eth0").stdout)[0]
    return [one["prefixlen"] for one in shown["addr_info"] if one["local"] == address]


def test_a_vip_removed_by_hand_comes_back() -> None:
    """`ip address del` behind its back is repaired at once and said."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        net.ip("a", f"address del {VIP4}/32 dev eth0")
        until(lambda: [e.there for e in recorder.changes(VIP4, "a")] == [True, False, True], 1.0)
        assert recorder.longest_absence(VIP4) < 0.1
        until(lambda: any("taken off by somebody else" in note for note in a.notes()), 1.0)
        assert a.state() is State.MASTER


def test_a_reload_changes_the_vips_alone() -> None:
    """One VIP more, then one less: the router stays master, the VIP that stays is not touched, the new one is announced."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        a.apply(router_spec(priority=150, addresses=(vip(), vip(OTHER))))
        until(lambda: a.holds(OTHER), 1.0)
        until(lambda: any(s.address == OTHER for s in recorder.announcements("a")), 1.0)
        a.apply(router_spec(priority=150, addresses=(vip(OTHER),)))
        until(lambda: not a.holds(VIP4), 1.0)
        assert a.holds(OTHER)
        assert (a.state(), a.reports["web"].transitions) == (State.MASTER, 2)
        assert [e.there for e in recorder.changes(OTHER)] == [True]
        assert b.state() is State.BACKUP


def test_a_reload_takes_a_router_away() -> None:
    """It is released and handed to the peer like at a stop; the worker and its other router go on."""
    with pair() as (_, recorder, a, b):
        keep = {"name": "keep", "vrid": 52, "addresses": (vip(OTHER),)}
        a.apply(router_spec(priority=150), router_spec(priority=150, **keep))
        b.apply(router_spec(priority=100), router_spec(priority=100, **keep))
        a.wait_for(State.MASTER)
        a.wait_for(State.MASTER, "keep")
        a.apply(router_spec(priority=150, **keep))
        b.wait_for(State.MASTER)
        until(lambda: not a.holds(VIP4), 1.0)
        assert recorder.longest_absence(VIP4) == 0
        assert (a.state("keep"), a.reports["keep"].transitions) == (State.MASTER, 2)
        # The last router goes as well: its socket stays open until the peer was heard.
        a.apply()
        b.wait_for(State.MASTER, "keep")
        until(lambda: not a.holds(OTHER), 1.0)
        assert recorder.longest_absence(OTHER) == 0
        assert recorder.overlap(OTHER) < 0.5


def test_a_reload_with_another_priority_preempts() -> None:
    """The master is told to be less than its peer: its next advert says so, and the peer takes over."""
    with pair() as (_, recorder, a, b):
        serve(recorder, a, b)
        a.apply(router_spec(priority=50))
        assert b.wait_for(State.MASTER).cause is Cause.PREEMPTING
        a.wait_for(State.BACKUP)
        until(lambda: not a.holds(VIP4), 1.0)
        assert recorder.longest_absence(VIP4) == 0


# ---- packets that are not for us ------------------------------------------------------------------------------------


def throw(
    net: Lan,
    sent: Advert,
    *,
    ttl: int = 255,
    message_only: bool = False,
    damage: bool = False,
    to: str = "224.0.0.18",
) -> None:
    """Send one advert from host b as somebody who is not hactl. The group is in its checksum wherever it goes."""
    message = bytearray(encode(sent, packed(net.address("b")), GROUP4, message_only=message_only))
    if damage:
        message[6] ^= 0x55
    with net.inside("b"), socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        interface = struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex("eth0"))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        sock.sendto(bytes(message), (to, 0))


@pytest.mark.parametrize(
    ("reason", "sent", "how"),
    [
        (Drop.WRONG_TTL, advert(255), {"ttl": 254}),
        (Drop.BAD_CHECKSUM, advert(255), {"damage": True}),
        (Drop.UNKNOWN_VRID, advert(255, vrid=99), {}),
        (Drop.WRONG_VERSION, advert(255, version=2, interval=1.0), {}),
    ],
)
def test_drops_are_counted_by_reason(reason: Drop, sent: Advert, how: dict[str, object]) -> None:
    """A packet that would win the election is dropped for one reason, counted, and changes nothing."""
    with pair() as (net, _, a, _):
        a.apply(router_spec(priority=150))
        a.wait_for(State.MASTER)
        for _ in range(3):
            throw(net, sent, **how)  # type: ignore[arg-type]
        until(lambda: a.drops() == {reason.value: 3}, 5.0, f"{reason}")
        assert a.state() is State.MASTER


@pytest.mark.parametrize("form", Coverage)
def test_every_form_of_checksum_is_obeyed(form: Coverage) -> None:
    """RFC 9568 5.2.8: with a pseudo header, without one, and with the group in it though sent to one peer. Each wins the
    election, and status tells the forms apart."""
    with pair() as (net, _, a, _):
        peers = (PeerSpec(name="b", address=net.address("b")),)
        unicast = {"transport": Transport.UNICAST, "peers": peers, "to": net.address("a")}
        forms: dict[Coverage, dict[str, Any]] = {
            Coverage.PSEUDO_HEADER: {},
            Coverage.MESSAGE_ONLY: {"message_only": True},
            Coverage.GROUP_PSEUDO_HEADER: unicast,
        }
        how = forms[form]
        a.apply(router_spec(priority=150, **{k: v for k, v in how.items() if k in ("transport", "peers")}))
        a.wait_for(State.MASTER)
        sent = {k: v for k, v in how.items() if k in ("message_only", "to")}
        throw(net, advert(254, interval=40.0), **sent)
        told = a.wait_for(State.BACKUP)
        assert (told.cause, told.master) == (Cause.OUTRANKED, net.address("b"))
        until(lambda: a.reports["web"].checksums == {net.address("b"): form.value}, 3.0)
        assert a.drops() == {}


def test_a_losing_advert_is_answered_at_once() -> None:
    """RFC 9568 6.4.3: long before the next advert is due; a second one within the interval is not answered."""
    with pair() as (net, recorder, a, _):
        a.apply(router_spec(priority=150, advert_interval=2.0, lease=12))
        a.wait_for(State.MASTER)
        for after in (0.5, 0.2):
            until(lambda: bool(recorder.adverts("a")), 5.0)
            time.sleep(max(0.0, recorder.adverts("a")[-1].at + after - time.monotonic()))
            throw(net, advert(100, interval=2.0))
        until(lambda: len(recorder.adverts("a")) > 2, 5.0)
        (loser, ignored), ours = recorder.adverts("b"), recorder.adverts("a")
        answer = next(sent for sent in ours if sent.at > loser.at)
        assert answer.at - loser.at < 0.2
        assert answer.priority == 150
        following = next(sent for sent in ours if sent.at > answer.at)
        assert following.at - answer.at > 2.0 - 0.2 > ignored.at - answer.at
        assert a.state() is State.MASTER


def test_a_missing_interface_is_a_fault_until_it_comes() -> None:
    """An interface that is not there is a fault of the router, and the worker goes on."""
    with pair() as (net, _, a, _):
        a.apply(
            router_spec(interface="eth9", addresses=(vip(interface="eth9"),)), router_spec(name="in", vrid=52)
        )
        assert a.wait_for(State.FAULT).reason == "fault: interface eth9 does not exist"
        a.wait_for(State.MASTER, "in")
        net.ip("a", "link add eth9 type bridge", "address add 10.97.0.1/24 dev eth9", "link set eth9 up")
        net.ip(
            "a", "link add eth8 type veth peer name eth7", "link set eth8 master eth9 up", "link set eth7 up"
        )
        a.wait_for(State.MASTER)


def test_a_worker_without_routers_stops_at_once() -> None:
    """There is nothing to release."""
    with pair() as (net, _, a, _), Director(net, "a", user="") as idle:
        idle.apply()
        idle.stop()
        assert idle.process.wait(5) == 0
        assert a.process.poll() is None


def test_what_is_kept_for_the_death_of_the_worker_follows_what_is_held() -> None:
    """The supervisor would renew what it was told last: nothing that a router held which was taken out, or is backup now."""
    with pair() as (_, _, a, b):
        two = router_spec(name="two", vrid=52, priority=150, addresses=(vip(OTHER),))
        a.apply(router_spec(priority=150), two)
        a.wait_for(State.MASTER)
        a.wait_for(State.MASTER, "two")
        until(lambda: _held(a) == {"web", "two"}, 3.0)
        a.apply(router_spec(priority=150))
        until(lambda: _held(a) == {"web"}, 5.0)
        assert not a.holds(OTHER)
        b.apply(router_spec(priority=200))
        a.wait_for(State.BACKUP)
        until(lambda: _held(a) == set(), 3.0)


def _held(director: Director) -> set[str]:
    """Of which routers the worker told last that it holds VIPs."""
    told = [message for message in director.messages if isinstance(message, Renewal)]
    return {held.router for held in told[-1].held} if told else set()
