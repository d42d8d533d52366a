"""Forms of a router from the file to the wire: more addresses than a packet holds, silent ones, `source`, `peers`, `ttl`."""

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from support.daemon import Director, await_master, daemons, wait_until
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder, Sent

pytestmark = needs_namespaces

HEAD = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
health: {user: nobody}
routers:
"""
VIP = "10.99.0.100"
MTU = 1500
ETHERNET = 14


def nothing(net: Lan) -> None:
    """The hosts are as they should be already."""


@contextlib.contextmanager
def directors(
    text: str, *names: str, prepare: Callable[[Lan], None] = nothing
) -> Iterator[tuple[Lan, Recorder, tuple[Director, ...]]]:
    """Running daemons on hosts that were prepared; the first is master of "web"."""
    names = names or ("lb1", "lb2")
    with lan(*names) as net:
        prepare(net)
        with Recorder(net) as record, daemons(net, text, *names) as made:
            made[0].start()
            wait_until(lambda: made[0].is_state("master"), 15.0)
            for director in made[1:]:
                director.start()
            wait_until(lambda: all(other.is_state("backup") for other in made[1:]), 15.0)
            yield net, record, made


def hand_over(record: Recorder, giver: Director, others: tuple[Director, ...], vips: list[str]) -> Director:
    """The giver hands over; whoever took has all VIPs, the giver none, and none was away for a moment."""
    began = time.monotonic()
    assert giver.hactl("handover").returncode == 0
    taker = await_master(*others)
    assert all(record.changes(vip, taker.name, since=began)[-1].there for vip in vips)
    wait_until(lambda: not any(record.changes(vip, giver.name, since=began)[-1:][0].there for vip in vips))
    assert max(record.longest_absence(vip) for vip in vips) == 0
    return taker


KEYS = "authentication: {type: hmac, key_file: KEYS}, "


@pytest.mark.parametrize(
    ("number", "form", "more", "advertised"),
    [
        (300, "10.99.{}.{}", "", 255),
        (120, "2001:db8::{}:{}", "", 90),
        (120, "2001:db8::{}:{}", KEYS, 89),
    ],
    ids=["ipv4", "ipv6", "ipv6-signed"],
)
def test_more_addresses_than_a_packet_holds(
    tmp_path_factory: pytest.TempPathFactory, number: int, form: str, more: str, advertised: int
) -> None:
    """A packet lists as many as it has room for in one frame; the others move along silently."""
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text("1 " + "k" * 32)
    vips = [form.format(1 + n // 200, 1 + n % 200) for n in range(number)]
    router = f"  web: {{vrid: 51, interface: eth0, {more.replace('KEYS', str(keys))}"
    text = (
        f"{HEAD}{router}announce: {{burst: [0ms]}}, addresses: [{', '.join(repr(vip) for vip in vips)}]}}\n"
    )
    with directors(text) as (_, record, (lb1, lb2)):
        assert set(lb1.router()["holding"]) == set(vips)
        sent = record.adverts()
        assert {one.addresses for one in sent} == {advertised}
        frames = [frame.data for frame in record.frames if frame.at in {one.at for one in sent}]
        assert max(map(len, frames)) <= MTU + ETHERNET
        hand_over(record, lb1, (lb2,), vips)
        assert lb2.router()["drops"] == {}
        assert "advertises VRID" not in lb2.router()["reason"]


def second_interface(net: Lan) -> None:
    """An inside interface on every director, joined to nothing."""
    for number, name in enumerate(net.names, 1):
        net.ip(name, "link add eth1 type veth peer name eth1-end", "link set eth1-end up")
        net.ip(name, f"address add 10.98.0.{number}/24 dev eth1", "link set eth1 up")


def test_silent_addresses_and_other_interfaces() -> None:
    """They move with the router, are announced where they are, and stand in no advert."""
    quiet, six, inside = "10.99.0.101", "2001:db8::100", "10.98.0.100"
    text = f"""{HEAD}
  web:
    vrid: 51
    interface: eth0
    addresses:
      - {VIP}
      - {{address: {quiet}, advertise: false, label: 'eth0:vip'}}
      - {{address: '{six}', advertise: false}}
      - {{address: {inside}, interface: eth1, advertise: false}}
"""
    vips = [VIP, quiet, six, inside]
    with directors(text, prepare=second_interface) as (net, record, (lb1, lb2)):
        assert {one.addresses for one in record.adverts()} == {1}
        shown = net.run("lb1", "ip", "-oneline", "address").stdout.splitlines()
        assert any("eth1" in line and f" {inside}/32 " in line for line in shown)
        assert any("eth0:vip" in line and f" {quiet}/32 " in line for line in shown)
        hand_over(record, lb1, (lb2,), vips)
        assert {one.address for one in record.announcements("lb2")} == {VIP, quiet, six}
        net.ip("lb2", "link set eth1-end down")
        wait_until(lambda: lb1.is_state("master") and lb2.is_state("fault"))
        assert "interface eth1 is down" in lb2.router()["reason"]


def further_addresses(net: Lan) -> None:
    """A second address on eth0 of each director, none of them its primary."""
    for number, name in enumerate(net.names, 1):
        net.ip(name, f"address add 10.99.0.2{number}/24 dev eth0")


def ways(sent: list[Sent]) -> set[tuple[str, str, str]]:
    """Who sent from where to where."""
    return {(one.sender, one.source, one.destination) for one in sent}


def test_a_source_by_director() -> None:
    """Adverts come from it, and a source that goes away is a fault that says so."""
    text = f"{HEAD}  web: {{vrid: 51, interface: eth0, addresses: [{VIP}], source: {{lb1: 10.99.0.21, lb2: 10.99.0.22}}}}\n"
    with directors(text, prepare=further_addresses) as (net, record, (lb1, lb2)):
        assert ways(record.adverts()) == {("lb1", "10.99.0.21", "224.0.0.18")}
        wait_until(lambda: lb2.router()["master"] == "10.99.0.21")
        net.ip("lb1", "address del 10.99.0.21/24 dev eth0")
        wait_until(lambda: lb1.is_state("fault") and lb2.is_state("master"))
        assert "10.99.0.21" in lb1.router()["reason"]
        net.ip("lb1", "address add 10.99.0.21/24 dev eth0")
        assert await_master(lb1) is lb1
        assert ("lb2", "10.99.0.22", "224.0.0.18") in ways(record.adverts())


def test_peers_and_source_of_a_unicast_router_with_three_directors() -> None:
    """One copy to each listed peer and to nobody else; after the master the next best takes over."""
    names = ("lb1", "lb2", "lb3")
    own = {name: f"10.99.0.2{number}" for number, name in enumerate(names, 1)}
    each = ", ".join(f"{name}: {address}" for name, address in own.items())
    text = HEAD.replace("health:", "  lb3: {address: 10.99.0.3}\nhealth:") + (
        f"  web: {{vrid: 51, interface: eth0, addresses: [{VIP}], transport: unicast, "
        f"peers: {{{each}}}, source: {{{each}}}}}\n"
    )
    with directors(text, *names, prepare=further_addresses) as (_, record, (lb1, lb2, lb3)):
        assert ways(record.adverts()) == {("lb1", own["lb1"], own["lb2"]), ("lb1", own["lb1"], own["lb3"])}
        hand_over(record, lb1, (lb2, lb3), [VIP])
        assert lb2.is_state("master")
        assert {(s.source, s.destination) for s in record.adverts("lb2")} == {
            (own["lb2"], own["lb1"]),
            (own["lb2"], own["lb3"]),
        }
        assert all(director.router()["drops"] == {} for director in (lb1, lb2, lb3))


def test_time_to_live() -> None:
    """Sent as said, taken within the range: a director that sends another is refused, counted and told."""
    router = (
        f"  web: {{vrid: 51, interface: eth0, addresses: [{VIP}], ttl: {{send: 64, accept: [60, 64]}}}}\n"
    )
    with directors(HEAD + router) as (_, record, (lb1, lb2)):
        assert {one.ttl for one in record.adverts()} == {64}
        lb2.write(HEAD + router.replace("send: 64", "send: 65"))
        assert lb2.hactl("reload").returncode == 0
        assert lb2.is_state("backup"), "what it hears is as it was"
        assert lb1.hactl("handover").returncode == 1, "its peer's adverts are not taken for a successor's"
        wait_until(lambda: lb1.router()["drops"].get("wrong_ttl", 0) > 0)
        assert {one.ttl for one in record.adverts("lb2")} == {65}
        told = wait_until(lambda: lb1.events("router.refused", "web"))
        assert "adverts of 10.99.0.2 are dropped" in told[0]["reason"]
