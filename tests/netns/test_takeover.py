"""`hactl takeover` and `release` between real hosts: what is on the wire, what is on the interface, who gives way."""

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, Ether

from failover.kernel import open_route
from failover.moves import State
from failover.wire import Answer, put_address, read
from support.daemon import HACTL
from support.directors import Director, pair, serve, until
from support.failover import VIP4, packed, router_spec
from support.netns import AS_NOBODY, Lan, lan, needs_namespaces
from support.recorder import Recorder

pytestmark = needs_namespaces

VIP6 = "2001:db8::100"
FOREVER = 0xFFFFFFFF


@pytest.fixture
def net() -> Iterator[Lan]:
    """Two hosts."""
    with lan("a", "b") as made:
        yield made


def hactl(net: Lan, host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command to its end."""
    done = net.run(host, HACTL, *arguments, "-i", "eth0", check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


class Running:
    """`hactl takeover ... --json` in a host, for the length of a `with` block."""

    def __init__(self, net: Lan, host: str, *arguments: str) -> None:
        words = [HACTL, "takeover", *arguments, "-i", "eth0", "--json"]
        self.process = net.start(host, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def taken(self) -> dict[str, Any]:
        """Wait for its first report."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=10)
        return dict(json.loads(line))

    def end(self, number: int | None = signal.SIGTERM) -> tuple[int, list[dict[str, Any]]]:
        """Send a signal, or none, and wait: the exit status and the reports not read yet."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        assert b"Traceback" not in err, err
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]


@contextlib.contextmanager
def running(net: Lan, host: str, *arguments: str) -> Iterator[Running]:
    """Started, and gone at the end."""
    started = Running(net, host, *arguments)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
        started.process.communicate()


def addresses(net: Lan, host: str) -> dict[str, dict[str, Any]]:
    """What is on the host's eth0 now, as iproute2 sees it."""
    shown = json.loads(net.run(host, "ip", "-j", "address", "show", "dev", "eth0").stdout)
    return {one["local"]: one for one in shown[0]["addr_info"]}


def test_held_when_nobody_reads_what_it_says(net: Lan) -> None:
    """Of two addresses one is lost: that cannot be told any more, and the other is held, and given back at the end."""
    with running(net, "a", VIP4, "10.99.0.101") as claim:
        claim.taken()
        assert claim.process.stdout is not None
        claim.process.stdout.close()
        net.ip("a", f"address del {VIP4}/32 dev eth0")
        time.sleep(1.0)
        assert claim.process.poll() is None
        assert "10.99.0.101" in addresses(net, "a")
        claim.process.send_signal(signal.SIGINT)
        assert claim.process.wait(20) == 1, "one was lost"
        assert claim.process.stderr is not None
        assert claim.process.stderr.read() == b""
        assert "10.99.0.101" not in addresses(net, "a")
        claim.process.stdout = None


def test_claimed_announced_and_given_back(net: Lan) -> None:
    """Three probes, then the address with a lease, both forms of ARP in a burst and each refresh; SIGTERM takes it off."""
    with Recorder(net) as recorder, running(net, "a", VIP4, "--lease", "3s", "--refresh", "1s") as claim:
        assert claim.taken() == {
            "event": "taken",
            "interface": "eth0",
            "addresses": [f"{VIP4}/32"],
            "lease": 3,
        }
        there = addresses(net, "a")[VIP4]
        assert 0 < there["valid_life_time"] <= 3
        assert there["prefixlen"] == 32
        time.sleep(4.5)
        assert VIP4 in addresses(net, "a"), "renewed beyond its first lease"
        status, rest = claim.end()
        assert status == 0
        assert rest == [{"event": "released", "interface": "eth0", "addresses": [f"{VIP4}/32"]}]
        assert VIP4 not in addresses(net, "a")
    frames = [Ether(f.data) for f in recorder.frames if f.sender == "a" and f.data[12:14] == b"\x08\x06"]
    arps = [f[ARP] for f in frames if f[ARP].pdst == VIP4]
    assert [(a.op, a.psrc) for a in arps[:3]] == [(1, "0.0.0.0")] * 3
    own = {a.hwsrc for a in arps}
    assert len(own) == 1
    # Five of the burst and two or three refreshes, each as a request and as a reply.
    told = recorder.announcements("a")
    assert [t.form for t in told[:10]] == ["request", "reply"] * 5
    assert 14 <= len(told) <= 16
    put, gone = recorder.changes(VIP4, "a")
    assert put.at < told[0].at + 0.05 < put.at + 0.5
    assert told[-1].at < gone.at


def test_ipv6(net: Lan) -> None:
    """Solicitations from nowhere, then the address and neighbour advertisements that move a neighbour's cache."""
    net.ip("a", "address add 2001:db8::1/64 dev eth0 nodad")
    net.ip("b", "address add 2001:db8::2/64 dev eth0 nodad")
    with Recorder(net) as recorder, running(net, "a", VIP6) as claim:
        assert claim.taken()["addresses"] == [f"{VIP6}/128"]
        assert addresses(net, "a")[VIP6]["valid_life_time"] <= 5
        net.run("b", "ping", "-c1", "-W2", VIP6)
        time.sleep(2.0)
        assert claim.end(signal.SIGINT)[0] == 0
        assert VIP6 not in addresses(net, "a")
    frames = [Ether(f.data) for f in recorder.frames if f.sender == "a" and f.data[12:14] == b"\x86\xdd"]
    asked = [f for f in frames if ICMPv6ND_NS in f and f[ICMPv6ND_NS].tgt == VIP6]
    assert {(f[IPv6].src, f[IPv6].dst, f[IPv6].hlim, f.dst) for f in asked} == {
        ("::", "ff02::1:ff00:100", 255, "33:33:ff:00:01:00")
    }
    assert len(asked) == 3
    assert [t.form for t in recorder.announcements("a") if t.address == VIP6].count("neighbour") >= 5


def test_a_duplicate_is_refused(net: Lan) -> None:
    """Who has one of the addresses is named with MAC and interface; then none is taken, and --force takes them."""
    net.ip("b", f"address add {VIP6}/128 dev eth0 nodad")
    mac = net.run("b", "cat", "/sys/class/net/eth0/address").stdout.strip()
    wanted = (net.address("b"), VIP6, VIP4)
    with Recorder(net) as recorder:
        refused = hactl(net, "a", "takeover", *wanted)
        assert (refused.returncode, refused.stdout) == (1, "")
        said = "hactl: {} is in use: {} answers for it on eth0; --force takes it all the same"
        assert sorted(refused.stderr.splitlines()) == sorted(said.format(x, mac) for x in wanted[:2])
        assert not set(wanted) & set(addresses(net, "a"))
        assert recorder.announcements("a") == []
        with running(net, "a", *wanted, "--force") as claim:
            claim.taken()
            assert set(wanted) <= set(addresses(net, "a"))
            assert claim.end()[0] == 0
        assert {told.address for told in recorder.announcements("a")} == set(wanted)


def test_two_at_once(net: Lan) -> None:
    """Two hosts claim an address that nobody has at the same moment: never both get it."""
    with running(net, "a", VIP4) as one, running(net, "b", VIP4) as other:
        claims = {"a": one, "b": other}

        def holders() -> list[str]:
            found = [name for name in net.names if VIP4 in addresses(net, name)]
            assert len(found) <= 1
            return found

        until(
            lambda: all(c.process.poll() is not None or name in holders() for name, c in claims.items()), 40.0
        )
        losers = [claim for name, claim in claims.items() if name not in holders()]
        assert losers
        assert [claim.end(None)[0] for claim in losers] == [1] * len(losers)


def test_a_killed_takeover_leaves_by_the_kernels_clock(net: Lan) -> None:
    """After SIGKILL the address stays for its lease, is refused meanwhile, and then is gone by itself."""
    with running(net, "a", VIP4, VIP6, "--lease", "3s") as claim:
        claim.taken()
        claim.end(signal.SIGKILL)
        killed = time.monotonic()
        refused = hactl(net, "a", "takeover", VIP4)
        assert "it ends by itself" in refused.stderr
        until(lambda: not {VIP4, VIP6} & set(addresses(net, "a")), 6.0)
        assert time.monotonic() - killed > 1.0
    with running(net, "b", VIP4) as claim:
        claim.taken()


def test_a_frozen_takeover_brings_nothing_back(net: Lan) -> None:
    """Stopped beyond its lease, with another host in its place meanwhile: on waking it ends, with a reason and status 1."""
    with Recorder(net) as recorder, running(net, "a", VIP4, "--lease", "2s") as frozen:
        frozen.taken()
        frozen.process.send_signal(signal.SIGSTOP)
        until(lambda: VIP4 not in addresses(net, "a"), 5.0)
        with running(net, "b", VIP4) as successor:
            successor.taken()
            woken = time.monotonic()
            status, (lost,) = frozen.end(signal.SIGCONT)
            assert (status, lost["event"], lost["address"]) == (1, "lost", f"{VIP4}/32")
            assert "its lease ran out" in lost["reason"]
            assert recorder.announcements("a", since=woken) == []
            assert recorder.changes(VIP4, "a", since=woken) == []


def test_release_ends_a_running_takeover(net: Lan) -> None:
    """Of two addresses one is released from outside: the takeover lets go of it, keeps the other, and ends with 1."""
    with running(net, "a", VIP4, VIP6) as claim:
        claim.taken()
        again = hactl(net, "a", "takeover", VIP4)
        assert "another `hactl takeover`" in again.stderr
        done = hactl(net, "a", "release", VIP4)
        assert (done.returncode, done.stdout) == (0, f"{VIP4}/32 is off eth0\n")
        time.sleep(2.5)
        assert {VIP4, VIP6} & set(addresses(net, "a")) == {VIP6}
        status, reports = claim.end()
        assert (status, [one["event"] for one in reports]) == (1, ["lost", "released"])
        assert reports[1]["addresses"] == [f"{VIP6}/128"]


def test_permanent(net: Lan) -> None:
    """Without a lease: announced in a burst, left there by a process that ends; `release` alone takes it off."""
    with Recorder(net) as recorder:
        done = hactl(net, "a", "takeover", f"{VIP4}/24", VIP6, "--permanent")
        assert done.returncode == 0
        assert done.stdout.splitlines()[0] == (
            f"{VIP4}/24 is on eth0, without a lease; `hactl release` takes it off"
        )
        there = addresses(net, "a")
        assert [there[x]["valid_life_time"] for x in (VIP4, VIP6)] == [FOREVER, FOREVER]
        told = [one.form for one in recorder.announcements("a")]
        assert [told.count(form) for form in ("request", "reply", "neighbour")] == [5, 5, 5]
    assert "without a lease; `hactl release`" in hactl(net, "a", "takeover", VIP4).stderr
    assert hactl(net, "a", "release", f"{VIP4}/32").returncode == 1
    done = hactl(net, "a", "release", VIP4, VIP6)
    assert (done.returncode, done.stdout) == (0, f"{VIP4}/24 is off eth0\n{VIP6}/128 is off eth0\n")
    assert not {VIP4, VIP6} & set(addresses(net, "a"))


def test_an_operators_address_is_left_alone(net: Lan) -> None:
    """It is neither taken over nor released; --force releases it."""
    mine = net.address("a")
    assert "not by hactl" in hactl(net, "a", "takeover", mine, "--force").stderr
    done = hactl(net, "a", "release", mine, VIP4)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"hactl: {mine} is on eth0, but hactl did not put it there; --force takes it off all the same",
        f"hactl: {VIP4} is not on eth0",
    ]
    assert addresses(net, "a")[mine]["valid_life_time"] == FOREVER
    assert hactl(net, "a", "release", mine, "--force").stdout == f"{mine}/24 is off eth0\n"
    assert mine not in addresses(net, "a")


def test_a_daemons_vip_is_the_daemons() -> None:
    """Where a worker holds it, and from the peer as well: refused, with the way to do it."""
    with pair() as (net, recorder, a, b):
        serve(recorder, a, b)
        for verb in ("takeover", "release"):
            refused = hactl(net, "a", verb, VIP4)
            assert refused.returncode == 1
            assert "`hactl handover`" in refused.stderr
        assert "is in use" in hactl(net, "b", "takeover", VIP4).stderr
        assert a.state() is State.MASTER
        assert recorder.longest_absence(VIP4) == 0


def test_a_worker_that_starts_leaves_what_is_held_by_hand() -> None:
    """On its router's own interface, on a lease and for good; only what a daemon put there before is cleared away."""
    left, permanent = "10.99.0.102", "10.99.0.101"
    with lan("a") as net, running(net, "a", VIP6, "--lease", "3s") as claim:
        claim.taken()
        assert hactl(net, "a", "takeover", permanent, "--permanent").returncode == 0
        mark_of_old(net, left)
        with Director(net, "a") as daemon:
            daemon.apply(router_spec())
            daemon.wait_for(State.MASTER)
            until(lambda: not daemon.holds(left), 2.0)
            assert {VIP6, permanent, VIP4} <= set(addresses(net, "a"))
        assert claim.process.poll() is None
        assert claim.end()[0] == 0
        assert hactl(net, "a", "release", permanent).returncode == 0


def test_what_was_claimed_before_an_upgrade_is_released(net: Lan) -> None:
    """It bears the mark that a daemon's addresses have."""
    mark_of_old(net, VIP4)
    assert "without a lease; `hactl release`" in hactl(net, "a", "takeover", VIP4).stderr
    assert hactl(net, "a", "release", VIP4).returncode == 0
    assert VIP4 not in addresses(net, "a")


def mark_of_old(net: Lan, address: str) -> None:
    """Put an address on host a, for good and with the daemon's mark, as `takeover --permanent` once did."""
    with net.inside("a"), contextlib.closing(open_route()) as sock:
        index = socket.if_nametoindex("eth0")
        sock.send(put_address(1, index, packed(address), 32, 0))
        assert [answer.errno for answer in read(sock.recv(1 << 16)) if isinstance(answer, Answer)] == [0]


def test_an_interface_that_is_down(net: Lan) -> None:
    """Refused before anybody is asked."""
    net.ip("a", "link set eth0 down")
    refused = hactl(net, "a", "takeover", VIP4)
    assert (refused.returncode, refused.stderr) == (1, "hactl: interface eth0 is down\n")


def test_ipv6_switched_off(net: Lan) -> None:
    """The kernel's refusal is a sentence, and nothing of the claim stays."""
    net.run("a", "sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
    refused = hactl(net, "a", "takeover", VIP4, VIP6, "--force")
    assert (refused.returncode, refused.stderr) == (1, "hactl: IPv6 is switched off on eth0\n")
    assert VIP4 not in addresses(net, "a")


def test_without_rights(net: Lan) -> None:
    """A user without the capabilities is told which, asking or not."""
    for arguments in (
        ["takeover", VIP4],
        ["takeover", VIP4, "--force"],
        ["release", net.address("a"), "--force"],
    ):
        words = [*AS_NOBODY, HACTL, *arguments]
        refused = net.run("a", *words, "-i", "eth0", check=False)
        assert (refused.returncode, refused.stderr) == (
            1,
            "hactl: addresses are changed by root only (CAP_NET_ADMIN and CAP_NET_RAW)\n",
        )
    assert net.address("a") in addresses(net, "a")


def test_a_cable_that_comes_back(net: Lan) -> None:
    """The address stays through a loss of carrier; the neighbours are told anew when it is over."""
    with Recorder(net) as recorder, running(net, "a", VIP4, "--lease", "3s") as claim:
        claim.taken()
        time.sleep(2.0)
        net.cut("a")
        time.sleep(0.5)
        net.mend("a")
        mended = time.monotonic()
        until(lambda: len(recorder.announcements("a", since=mended)) >= 6, 5.0)
        assert claim.end()[0] == 0


def test_many_at_once(net: Lan) -> None:
    """Fifty addresses: all taken, all announced, all gone; and a client reaches each."""
    wanted = [f"10.99.0.{number}" for number in range(100, 150)]
    with Recorder(net) as recorder, running(net, "a", *wanted) as claim:
        claim.taken()
        time.sleep(1.0)
        assert {told.address for told in recorder.announcements("a")} == set(wanted)
        with net.inside("b"), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for address in wanted:
                sock.sendto(b"x", (address, 9))
        assert claim.end()[0] == 0
        assert not set(wanted) & set(addresses(net, "a"))
