"""A live keepalived as the other director: every form that both speak, both roles, start, kill, stop, preemption, priority.

One story serves all forms at once: they are routers of one pair, each with a VRID and VIPs of its own.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from failover.host import packed
from failover.moves import Cause, State
from failover.packet import OWNER
from failover.spec import Family, RouterSpec, Transport
from support.directors import Director, until
from support.failover import with_changes
from support.keepalived import Keepalived
from support.keepalived_forms import PASSWORD, PASSWORD_FILE, V2_INTERVAL, Ends
from support.netns import Lan, lan, needs_namespaces
from support.recorder import Recorder, one_advert

pytestmark = needs_namespaces

VIRTUAL = (bytes.fromhex("00005e0001"), bytes.fromhex("00005e0002"))
KEEPALIVED_IS_LATE = 0.1
"""It advertises first and puts its VIPs on some ms later; we let go at its advert."""
PATIENCE = 20.0
SETTLED = 2.5 * V2_INTERVAL


class Mixed:
    """hactl in the hosts "a" and perhaps "b", keepalived in host "k"."""

    def __init__(self, net: Lan, recorder: Recorder, folder: Path, *names: str) -> None:
        self.net, self.recorder, self._names = net, recorder, names
        self.ends = Ends(net)
        self.rival = Keepalived(net, "k", folder, password=PASSWORD, source=self.ends.own["k"])
        self.virtual = {
            spec.vrid
            for spec in self.routers("a", 1)
            if spec.virtual_mac and spec.transport is Transport.MULTICAST
        }
        self.borne = {
            packed(vip.address) for spec in self.routers("a", 1) if spec.virtual_mac for vip in spec.addresses
        }
        self.vips = {vip.address for spec in self.routers("a", 1) for vip in spec.addresses}

    def routers(self, me: str, priority: int) -> list[RouterSpec]:
        """All of one host."""
        return self.ends.routers(me, priority, *self._names)

    def join(self, director: Director, priority: int) -> None:
        """hactl takes part with this priority, or changes to it."""
        director.apply(*self.routers(director.name, priority), secrets={PASSWORD_FILE: PASSWORD})

    def invite(self, priority: int) -> None:
        """keepalived starts with this priority."""
        self.rival.start(*self.routers("k", priority))

    def only_holder(self, name: str) -> None:
        """Wait until this host alone has the VIPs of all forms and advertises them, and see that it stays so."""
        until(lambda: self._alone(name), PATIENCE, f"{name} alone of {self._where()}; {self.rival.log()}")
        settled = time.monotonic()
        time.sleep(SETTLED)
        assert self._alone(name), self._where()
        sent = {(sent.vrid, sent.sender) for sent in self.recorder.adverts(since=settled)}
        assert sent == {(spec.vrid, name) for spec in self.routers(name, 1)}

    def absence(self, since: float = 0.0) -> float:
        """The longest time in which no host had some VIP."""
        return max(self.recorder.longest_absence(address, since=since) for address in self.vips)

    def _alone(self, name: str) -> bool:
        where = self._where()
        return where.pop(name) == self.vips and not any(where.values())

    def _where(self) -> dict[str, set[str]]:
        return {name: self.net.addresses(name) & self.vips for name in self.net.names}


@contextlib.contextmanager
def mixed(folder: Path, *names: str, hosts: tuple[str, ...] = ("a", "k")) -> Iterator[Mixed]:
    """A network of these hosts and forms, or all; at its end keepalived must have complained of nothing that we sent."""
    with lan(*hosts) as net, Recorder(net) as recorder:
        both = Mixed(net, recorder, folder, *names)
        try:
            yield both
        finally:
            both.rival.close()
        assert both.rival.complaints() == []
    foreign = {
        frame.sender
        for frame in both.recorder.frames
        if (advert := one_advert(frame)) and advert.vrid in both.virtual and frame.data[6:11] not in VIRTUAL
    }
    assert foreign == set(), "a multicast advert of a router with a virtual MAC comes from it"
    arp = (frame.data for frame in both.recorder.frames if frame.data[12:14] == b"\x08\x06")
    others = {
        data[22:28].hex(":") for data in arp if data[28:32] in both.borne and data[22:27] not in VIRTUAL
    }
    assert others == set(), "no ARP, of either, gives a VIP of such a router another MAC"


def causes(director: Director) -> set[Cause]:
    """Why its routers are what they are."""
    return {report.cause for report in director.reports.values()}


def all_are(director: Director, state: State) -> bool:
    """Whether all its routers are in this state."""
    return {report.state for report in director.reports.values()} == {state}


def drops(director: Director) -> dict[str, int]:
    """What it dropped, of any router."""
    return {reason: n for report in director.reports.values() for reason, n in report.drops.items()}


def test_hactl_as_the_better_director(tmp_path: Path) -> None:
    """It joins and preempts, stops, returns and is killed: keepalived takes over each time, at its word and without it."""
    with mixed(tmp_path) as both:
        both.invite(100)
        until(both.rival.holds, PATIENCE, "keepalived alone")
        with Director(both.net, "a") as director:
            both.join(director, 150)
            both.only_holder("a")
            assert causes(director) == {Cause.PREEMPTING}
            assert drops(director) == {}
            director.stop()
            assert director.process.wait(10) == 0
            until(both.rival.holds, 5.0)
            assert not both.net.addresses("a") & both.vips
        with Director(both.net, "a") as director:
            both.join(director, 150)
            both.only_holder("a")
            director.signal(signal.SIGKILL)
            until(both.rival.holds, PATIENCE)
            until(lambda: not both.net.addresses("a") & both.vips, PATIENCE, "the lease")
        assert both.absence() < KEEPALIVED_IS_LATE


def test_keepalived_as_the_better_director(tmp_path: Path) -> None:
    """It joins and preempts, stops, returns and is killed: hactl takes over each time, at its word and without it."""
    with mixed(tmp_path) as both, Director(both.net, "a") as director:
        both.join(director, 100)
        until(lambda: all_are(director, State.MASTER), PATIENCE)
        both.invite(150)
        both.only_holder("k")
        assert causes(director) == {Cause.OUTRANKED}
        assert both.absence() < KEEPALIVED_IS_LATE
        both.rival.stop()
        both.only_holder("a")
        assert causes(director) == {Cause.MASTER_RELEASED}
        both.invite(150)
        both.only_holder("k")
        both.rival.kill()
        until(lambda: all_are(director, State.MASTER), PATIENCE)
        assert causes(director) == {Cause.MASTER_SILENT}
        assert both.rival.holds(), "keepalived leaves them for ever; hactl announces against it meanwhile"
        both.rival.take_off()
        both.only_holder("a")
        assert drops(director) == {}


def test_priorities_change_while_both_run(tmp_path: Path) -> None:
    """Each in turn becomes the better one by a reload and preempts; hactl hands over, and takes back when it is resumed."""
    with mixed(tmp_path) as both, Director(both.net, "a") as director:
        both.invite(100)
        both.join(director, 150)
        both.only_holder("a")
        both.rival.change_priority(200)
        both.only_holder("k")
        assert causes(director) == {Cause.OUTRANKED}
        both.join(director, 250)
        both.only_holder("a")
        director.handover(hold=60.0)
        both.only_holder("k")
        assert causes(director) == {Cause.HANDED_OVER}
        director.resume()
        both.only_holder("a")
        assert both.absence() < KEEPALIVED_IS_LATE
        assert drops(director) == {}


def test_three_directors_by_unicast(tmp_path: Path) -> None:
    """Each tells both others: the second takes over from a killed first, keepalived from a stopped second."""
    forms = ("v3-ipv4-unicast", "v3-ipv6-unicast")
    with mixed(tmp_path, *forms, hosts=("a", "b", "k")) as three:
        with Director(three.net, "a") as a, Director(three.net, "b") as b:
            three.invite(100)
            three.join(a, 150)
            three.join(b, 120)
            three.only_holder("a")
            killed = time.monotonic()
            a.signal(signal.SIGKILL)
            three.only_holder("b")
            assert causes(b) == {Cause.MASTER_SILENT}
            assert {sent.sender for sent in three.recorder.adverts(since=killed)} <= {"a", "b"}
            b.stop()
            assert b.process.wait(10) == 0
            three.only_holder("k")
        own = three.ends.own
        told = {(own["a"][family], own[other][family]) for family in Family for other in ("b", "k")}
        assert {(sent.source, sent.destination) for sent in three.recorder.adverts("a")} == told
        assert three.absence() < KEEPALIVED_IS_LATE


def test_version_2_with_another_password(tmp_path: Path) -> None:
    """Each refuses the other's adverts, which hactl counts by reason; without a usable password it takes no part."""
    name = "v2-multicast-password"
    with lan("a", "k") as net, Director(net, "a") as director:
        ends = Ends(net)
        rival = Keepalived(net, "k", tmp_path, password=PASSWORD)
        ours = ends.routers("a", 100, name)
        try:
            rival.start(*ends.routers("k", 200, name))
            until(rival.holds, 15.0)
            director.apply(*ours, secrets={PASSWORD_FILE: "other"})
            director.wait_for(State.BACKUP, name)
            until(lambda: director.drops(name).get("wrong_authentication", 0) > 1, 15.0)
            director.wait_for(State.MASTER, name)
            director.apply(*ours, secrets={PASSWORD_FILE: "longer than eight"})
            fault = director.wait_for(State.FAULT, name)
            assert f"the password in {PASSWORD_FILE} is longer than VRRPv2's 8 bytes" in fault.reason
            director.apply(*ours, secrets={PASSWORD_FILE: PASSWORD})
            assert director.wait_for(State.BACKUP, name).cause is Cause.FAULT_MENDED
        finally:
            rival.close()


def test_intervals_that_differ(tmp_path: Path) -> None:
    """VRRPv3 learns them: neither takes over from a slower master that lives, and each does from one that is silent."""
    name, slow, fast = "v3-ipv4-multicast", 1.0, 0.2
    with lan("a", "k") as net, Recorder(net) as recorder, Director(net, "a") as director:
        ends = Ends(net)
        rival = Keepalived(net, "k", tmp_path)

        def router(me: str, priority: int, interval: float) -> RouterSpec:
            return with_changes(*ends.routers(me, priority, name), advert_interval=interval, lease=8)

        (address,) = (vip.address for vip in router("a", 1, fast).addresses)
        try:
            rival.start(router("k", 200, slow))
            until(rival.holds, PATIENCE)
            director.apply(with_changes(router("a", 100, fast), startup_delay=2 * slow))
            director.wait_for(State.BACKUP, name)
            until(lambda: len(recorder.adverts("k")) > 4, PATIENCE, "several times hactl's own patience")
            assert recorder.adverts("a") == []
            rival.kill()
            assert director.wait_for(State.MASTER, name).cause is Cause.MASTER_SILENT
            until(lambda: bool(recorder.changes(address, "a")), PATIENCE, "the kernel has the VIP")
            silence = recorder.changes(address, "a")[0].at - recorder.adverts("k")[-1].at
            learned = 3 * slow + 156 / 256 * slow
            assert learned - 0.01 < silence < learned + 0.5
            rival.take_off()

            director.apply(router("a", 100, slow))
            rival.start(router("k", 50, fast))
            began = time.monotonic()
            until(lambda: len(recorder.adverts("a", since=began)) > 5, PATIENCE)
            assert recorder.adverts("k", since=began) == []
            director.signal(signal.SIGKILL)
            until(rival.holds, PATIENCE)
            until(lambda: bool(recorder.adverts("k", since=began)), PATIENCE, "its first advert")
            assert recorder.adverts("k", since=began)[0].at - recorder.adverts("a")[-1].at > 3 * slow
            assert director.drops(name) == {}
        finally:
            rival.close()


def test_owners(tmp_path: Path) -> None:
    """Priority 255, ours by the address that an operator configured, and keepalived's by its configuration."""
    name = "v3-ipv4-multicast"
    with lan("a", "k") as net, Recorder(net) as recorder:
        ends = Ends(net)
        rival = Keepalived(net, "k", tmp_path)
        ((address,),) = ([vip.address for vip in spec.addresses] for spec in ends.routers("a", 1, name))
        try:
            rival.start(*ends.routers("k", 254, name))
            until(rival.holds, PATIENCE)
            net.ip("a", f"address add {address}/32 dev eth0")
            with Director(net, "a") as director:
                director.apply(*ends.routers("a", 100, name))
                assert director.wait_for(State.MASTER, name).priority == OWNER
                until(lambda: not rival.holds(), PATIENCE, "keepalived gives way to the owner")
                director.stop()
                assert director.process.wait(10) == 0
                until(rival.holds, PATIENCE)
                assert address in net.addresses("a"), "the operator's own address stays"
            net.ip("a", f"address del {address}/32 dev eth0")
            rival.stop()

            rival.start(*ends.routers("k", OWNER, name))
            until(rival.holds, PATIENCE)
            until(lambda: recorder.adverts("k")[-1].priority == OWNER, PATIENCE)
            with Director(net, "a") as director:
                director.apply(*ends.routers("a", 254, name))
                director.wait_for(State.BACKUP, name)
                heard = len(recorder.adverts("k"))
                until(lambda: len(recorder.adverts("k")) > heard + 10, PATIENCE)
                assert director.state(name) is State.BACKUP
                rival.kill()
                assert director.wait_for(State.MASTER, name).cause is Cause.MASTER_SILENT
                assert director.drops(name) == {}
        finally:
            rival.close()
