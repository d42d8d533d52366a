"""Virtual MACs on real macvlans: nothing changes at the neighbours, and nobody speaks from the MAC but the VIPs' holder."""

import contextlib
import itertools
import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from failover.moves import Cause, State
from failover.spec import AnnounceSpec, Family, RouterSpec
from hactl.lab import net as namespaces
from support.directors import Director, until
from support.failover import VIP4, VIP6, router_spec, vip, with_virtual_mac
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

LEASE, NOTICE = 2.0, 0.6
"""The lease of these routers, and what the kernel and a busy machine take longer."""
LEAVES = bytes.fromhex("333300000016")
"""All MLDv2 routers: told twice within two seconds that a group was left, by the kernel itself."""
FORMS = {
    Family.IPV4: (VIP4, "hv4.51.eth0", "00:00:5e:00:01:33"),
    Family.IPV6: (VIP6, "hv6.51.eth0", "00:00:5e:00:02:33"),
}
BOTH = pytest.mark.parametrize("family", list(Family), ids=[family.value for family in Family])


def router(family: Family, priority: int) -> RouterSpec:
    """One VIP of this family on a macvlan; announced once, so that later frames are answers and adverts."""
    announce = AnnounceSpec(burst=(0.0,), refresh=0.0)
    spec = router_spec(
        family=family, addresses=(vip(FORMS[family][0]),), priority=priority, announce=announce
    )
    return with_virtual_mac(spec)


class Trio:
    """Hosts a and b with workers, and a client c that talks with the VIP all the time."""

    def __init__(self, net: Lan, recorder: Recorder, a: Director, b: Director, family: Family) -> None:
        self.net, self.recorder, self.a, self.b = net, recorder, a, b
        self.vip, self.device, self.mac = FORMS[family]

    def senders(self, since: float = 0.0) -> dict[str, set[str]]:
        """Which hosts sent frames from the virtual MAC since then, and their kinds; without MLD's."""
        mac = bytes.fromhex(self.mac.replace(":", ""))
        found: dict[str, set[str]] = {}
        for frame in list(self.recorder.frames):
            if frame.data[6:12] == mac and frame.at >= since and frame.data[:6] != LEAVES:
                found.setdefault(frame.sender, set()).add(frame.data[12:14].hex())
        return found

    def learned(self) -> set[str]:
        """The MACs that the client has for the VIP now."""
        shown = json.loads(self.net.run("c", "ip", "-json", "neighbour", "show", self.vip).stdout)
        return {entry["lladdr"] for entry in shown if "lladdr" in entry}

    def link(self, name: str) -> dict[str, object] | None:
        """What ip(8) shows of a host's macvlan."""
        done = self.net.run(name, "ip", "-json", "link", "show", "dev", self.device, check=False)
        return dict(json.loads(done.stdout)[0]) if done.returncode == 0 else None

    def is_down(self, name: str) -> bool:
        """Whether the macvlan is there and set down."""
        link = self.link(name)
        return link is not None and "UP" not in str(link["flags"])


@contextlib.contextmanager
def trio(family: Family) -> Iterator[Trio]:
    """a is master with priority 150, b backup."""
    with lan("a", "b", "c") as net:
        for number, name in enumerate(net.names, 1):
            net.ip(name, f"address add 2001:db8::{number}/64 dev eth0 nodad")
        net.ip("c", f"route replace {VIP4}/32 dev eth0")
        with Recorder(net) as recorder, Director(net, "a") as a, Director(net, "b") as b:
            a.apply(router(family, 150))
            b.apply(router(family, 100))
            a.wait_for(State.MASTER)
            b.wait_for(State.BACKUP)
            yield Trio(net, recorder, a, b, family)


@contextlib.contextmanager
def talk(three: Trio) -> Iterator[list[float]]:
    """The client asks the VIP 100 times a second; at the end the times at which answers came."""
    answered: list[float] = []
    words = ["ping", "-D", "-n", "-i", "0.01", three.vip]
    offset = time.time() - time.monotonic()
    with three.net.start("c", *words, stdout=subprocess.PIPE) as process:
        try:
            yield answered
        finally:
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            lines = [line.decode() for line in process.stdout if b"time=" in line]
    answered += [float(line[1 : line.index("]")]) - offset for line in lines]


def longest_gap(answered: list[float], begin: float, end: float) -> float:
    """The longest time without an answer."""
    times = [begin, *(at for at in answered if begin <= at <= end), end]
    return max(later - sooner for sooner, later in itertools.pairwise(times))


@BOTH
def test_a_takeover_changes_nothing_at_a_client(family: Family) -> None:
    """Handed over and back, then killed: the client has one MAC throughout, and a handover costs no answer."""
    with trio(family) as three, talk(three) as answered:
        time.sleep(0.5)
        began = time.monotonic()
        assert three.learned() == {three.mac}
        three.a.handover()
        three.b.wait_for(State.MASTER)
        until(lambda: three.is_down("a"), 1.0)
        time.sleep(0.3)
        assert set(three.senders(since=time.monotonic() - 0.2)) == {"b"}
        handed = time.monotonic()
        three.a.resume()
        three.a.wait_for(State.MASTER)
        until(lambda: three.is_down("b"), 1.0)
        back = time.monotonic()
        three.a.signal(signal.SIGKILL)
        three.b.wait_for(State.MASTER)
        time.sleep(0.3)
        ended = time.monotonic()
        assert three.learned() == {three.mac}
    assert longest_gap(answered, began, back) < 0.15, "no answer was lost while one handed over to the other"
    assert longest_gap(answered, back, ended) < 1.0
    assert handed < back
    announced = [
        f for f in three.recorder.frames if f.data[12:14] == b"\x08\x06" and f.data[28:32] == PACKED4
    ]
    assert {frame.data[22:28].hex(":") for frame in announced} <= {three.mac}, "no ARP gave a VIP another MAC"
    adverts = {frame.data[6:12].hex(":") for frame in three.recorder.frames if is_advert(frame.data)}
    assert adverts == {three.mac}
    assert three.a.drops() == three.b.drops() == {}


PACKED4 = bytes((10, 99, 0, 100))


def is_advert(data: bytes) -> bool:
    """Whether a frame carries VRRP."""
    return (data[12:14] == b"\x08\x00" and data[23] == 112) or (
        data[12:14] == b"\x86\xdd" and data[20] == 112
    )


@BOTH
def test_the_lease_silences_a_dead_master(family: Family) -> None:
    """All is killed: nothing answers from its macvlan once the lease is over, whoever asks; the next daemon sets it down."""
    with trio(family) as three, talk(three):
        time.sleep(0.3)
        killed = time.monotonic()
        three.a.signal(signal.SIGKILL)
        three.b.wait_for(State.MASTER)
        time.sleep(max(0.0, killed + LEASE + NOTICE - time.monotonic()))
        quiet = time.monotonic()
        three.net.run("c", "ip", "neighbour", "flush", "dev", "eth0")
        time.sleep(1.0)
        assert set(three.senders(since=quiet)) == {"b"}
        assert three.learned() == {three.mac}
        assert not three.is_down("a")
        with Director(three.net, "a") as again:
            again.apply(router(family, 50))
            again.wait_for(State.BACKUP)
            until(lambda: three.is_down("a"), 2.0)


def test_two_masters_hear_each_other() -> None:
    """Frames from our own virtual MAC reach us: when a broken network heals the better director remains."""
    with trio(Family.IPV4) as three:
        three.net.cut("b")
        three.b.wait_for(State.FAULT)
        three.net.ip_at_switch("link set dev b nomaster up")
        three.b.wait_for(State.MASTER)
        three.net.ip_at_switch("link set dev b master lan")
        three.b.wait_for(State.BACKUP, seconds=2.0)
        until(lambda: three.is_down("b"), 1.0)
        assert three.a.state() is State.MASTER


def test_a_macvlan_that_somebody_touches_is_put_right() -> None:
    """Set down or removed by hand while the VIP is held: it is back at once, with the VIP."""
    with trio(Family.IPV4) as three:
        for line in (f"link set {three.device} down", f"link del {three.device}"):
            three.net.ip("a", line)
            until(lambda: three.a.holds(three.vip, three.device) and not three.is_down("a"), 1.0, line)
        assert three.a.state() is State.MASTER
        assert three.a.reports["web"].transitions == 2


def test_macvlans_come_and_go_with_the_configuration() -> None:
    """A reload moves the VIP to the interface itself and back; the end of the daemon leaves no macvlan."""
    with trio(Family.IPV4) as three:
        plain = router_spec(priority=150, announce=AnnounceSpec(burst=(0.0,), refresh=0.0))
        three.a.apply(plain)
        until(lambda: three.a.holds(VIP4) and three.link("a") is None, 2.0)
        three.a.apply(router(Family.IPV4, 150))
        until(lambda: three.link("a") is not None and three.a.holds(VIP4, three.device), 2.0)
        assert not three.a.holds(VIP4)
        three.a.stop()
        assert three.a.process.wait(10) == 0
        assert three.link("a") is None
        assert three.b.state() is State.MASTER


def test_what_a_dead_daemon_left_is_taken_up_and_what_is_not_ours_is_left() -> None:
    """A macvlan made and not marked, one of a former configuration, and one of somebody else with our name."""
    device = "hv4.51.eth0"
    make = f"link add {device} link eth0 address {{}} type macvlan mode bridge"
    with lan("a") as net:
        net.ip("a", make.format("00:00:5e:00:01:33"))
        with Director(net, "a") as director:
            director.apply(router(Family.IPV4, 150))
            director.wait_for(State.MASTER)
            assert director.holds(VIP4, device)
            director.signal(signal.SIGKILL)
            director.process.wait()
        with Director(net, "a") as director:
            director.apply(router(Family.IPV4, 150))
            director.wait_for(State.MASTER)
            assert director.holds(VIP4, device), "inherited, mark and all"
            director.stop()
            assert director.process.wait(10) == 0
        net.ip("a", make.format("02:00:00:00:00:01"))
        with Director(net, "a") as director:
            director.apply(router(Family.IPV4, 150))
            fault = director.wait_for(State.FAULT)
            assert f"{device} is there already and is not hactl's" in fault.reason
            net.ip("a", f"link del {device}")
            assert director.wait_for(State.MASTER).cause is Cause.MASTER_SILENT
            director.stop()
            assert director.process.wait(10) == 0


def test_a_vip_on_the_interface_itself_is_a_fault() -> None:
    """It would answer with the interface's MAC."""
    with lan("a") as net, Director(net, "a") as director:
        net.ip("a", f"address add {VIP4}/32 dev eth0")
        director.apply(router(Family.IPV4, 150))
        assert f"{VIP4} is on eth0 itself" in director.wait_for(State.FAULT).reason
        net.ip("a", f"address del {VIP4}/32 dev eth0")
        director.wait_for(State.MASTER)


def test_switches_of_the_interface_are_set_and_told() -> None:
    """It neither answers for VIPs nor asks from them; strict filtering everywhere is no obstacle."""
    with lan("a", "c") as net:
        namespaces.write_switches(net.namespace("a"), {"ipv4/conf/all/rp_filter": "1"})
        net.ip("c", f"route replace {VIP4}/32 dev eth0")
        with Director(net, "a") as director:
            director.apply(router(Family.IPV4, 150))
            director.wait_for(State.MASTER)
            told = [text for text in director.notes() if "/eth0/" in text]
            assert [text.partition(" is now ")[2] for text in told] == [
                "1: else it answers for VIPs with its own MAC",
                "2: else its own questions come from VIPs with its own MAC",
            ]
            until(lambda: net.run("c", "ping", "-c1", "-W1", VIP4, check=False).returncode == 0, 5.0)
